"""Points one by one, by `archsim.evaluate` on plain numbers: what batches have to meet."""

from __future__ import annotations

from archsim.evaluate import evaluate
from archsim.library import load_library
from einsum.errors import SpecError
from mapper.sweep.design import resolve
from mapper.sweep.points import Points, make_points
from mapper.sweep.spec import Sweep


def settings_of(points: Points, row: int) -> dict[str, object]:
    swept = {name: points.values(name)[row] for name in points.columns}
    base = {n: int(v) if isinstance(v, float) else v for n, v in points.sweep.base.items()}
    return {**base, **swept}


def alone(points: Points, row: int) -> dict[str, float] | str:
    """The metrics of a point, or why it fails."""
    try:
        one = resolve(settings_of(points, row))
        report = evaluate(
            one.cascade, one.shapes, one.architecture, one.mapping, load_library(), one.published
        )
    except SpecError as error:
        return error.message
    return {
        "latency_s": report.latency_s,
        "energy_pj": report.energy_pj_complete,
        "edp_pj_s": report.energy_pj_complete * report.latency_s,
        "dram_traffic_bytes": report.dram_traffic_bytes,
        "area_um2": report.area_um2,
        "util_2d": report.util_2d,
        "util_1d": report.util_1d,
        "util_useful_macs": report.util_useful_macs,
        "compute_s": report.compute_s,
        "memory_s": report.memory_s,
        "energy_pj_published": report.energy_pj_published,
        "traffic_bound_bytes": report.bounds.compulsory_bytes,
    }


def whole(sweep: Sweep) -> Points:
    return make_points(sweep, 0, sweep.size)
