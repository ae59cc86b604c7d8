"""From a store and a request to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure

from mapper.sweep.results import Results
from reports.figures import style
from reports.plots.axes import save
from reports.plots.energy import energy
from reports.plots.heatmap import heatmap
from reports.plots.parallel import parallel
from reports.plots.pareto import pareto
from reports.plots.request import Kind, Request
from reports.plots.roofline import roofline
from reports.plots.tornado import tornado
from reports.plots.utilization import utilization

Builder = Callable[[Results, Request], Figure]

BUILDERS: Mapping[Kind, Builder] = MappingProxyType(
    {
        Kind.PARETO: pareto,
        Kind.ROOFLINE: roofline,
        Kind.UTILIZATION: utilization,
        Kind.ENERGY: energy,
        Kind.TORNADO: tornado,
        Kind.PARALLEL: parallel,
        Kind.HEATMAP: heatmap,
    }
)
FORMATS = (".png", ".svg", ".pdf")


def draw(results: Results, request: Request, path: Path) -> None:
    """Write the figure that is asked for; the same store gives the same bytes.

    Raises `SpecError` for columns that are not there or have no place in it.
    """
    with style.applied():
        save(BUILDERS[request.kind](results, request), path)
