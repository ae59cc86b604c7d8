"""All figures, by the name of their file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.breakdown import breakdown
from reports.figures.frames import Frames
from reports.figures.pareto import pareto
from reports.figures.published import published
from reports.figures.relative import (
    attention_energy,
    attention_speedup,
    end_to_end_energy,
    end_to_end_speedup,
)
from reports.figures.utilization import utilization

Builder = Callable[[Frames, Frames], Figure]

# What a builder is given: our tables, then the published ones.
BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "fig06-attention-utilization": utilization,
        "fig07-einsum-breakdown": breakdown,
        "fig08-attention-speedup": attention_speedup,
        "fig09-attention-energy": attention_energy,
        "fig10-end-to-end-speedup": end_to_end_speedup,
        "fig11-end-to-end-energy": end_to_end_energy,
        "fig12-area-latency": pareto,
    }
)


def draw(frames: Frames, out: Path) -> tuple[Path, ...]:
    """Write each figure to `out` as PNG and PDF; the paths in order."""
    out.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    with style.applied():
        for name, build in BUILDERS.items():
            paths += style.save(build(frames, published()), out / name)
    return tuple(paths)
