"""Points of sweeps a second, on one core: keys, and batches against points one by one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import process_time

from archsim.evaluate import evaluate
from archsim.library import load_library
from einsum.errors import SpecError
from mapper.sweep.design import resolve
from mapper.sweep.evaluate import Evaluator
from mapper.sweep.points import Points, make_points, point_keys
from mapper.sweep.samplers import Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep

POINTS = 1 << 17
SLICE = 1 << 14
ALONE = 20
ANY_SIZE = ",".join(map(str, range(16, 512, 2)))
CLOUD = {"workload": "bert", "seq_len": "1K..1M"}


def grid() -> Sweep:
    """Arrays, lanes and buffers in powers of two."""
    return build_sweep(
        CLOUD,
        [
            "array_2d.rows=32..512",
            "array_2d.columns=32..512",
            "array_1d.lanes=32..512",
            "global_buffer.size=1MiB..64MiB",
            "dram.bandwidth=" + ",".join(f"{n} GiB/s" for n in range(100, 1000, 50)),
        ],
    )


def any_size() -> Sweep:
    """Arrays and lanes of any even size: tiles that are not full, other tiles for every point."""
    return build_sweep(
        CLOUD,
        [
            f"array_2d.rows={ANY_SIZE}",
            f"array_2d.columns={ANY_SIZE}",
            f"array_1d.lanes={ANY_SIZE}",
            "global_buffer.size=" + ",".join(f"{n} MiB" for n in range(1, 65)),
        ],
        sampler=Sampler(Method.RANDOM, POINTS, seed=1),
    )


def rate(run: Callable[[Points], object], points: list[Points]) -> float:
    """Points a second."""
    begun = process_time()
    for one in points:
        run(one)
    return sum(map(len, points)) / (process_time() - begun)


def alone(points: Points) -> None:
    """Evaluates the first points one by one, as `einfall evaluate` does."""
    library = load_library()
    for row in range(len(points)):
        settings = {name: points.values(name)[row] for name in points.columns}
        one = resolve({**points.sweep.base, **settings})
        with suppress(SpecError):  # nothing fits
            evaluate(one.cascade, one.shapes, one.architecture, one.mapping, library, one.published)


def main() -> None:
    """Print every figure beside its goal."""
    for name, sweep in (("powers of two", grid()), ("any size", any_size())):
        count = min(POINTS, sweep.size)
        points = [make_points(sweep, start, start + SLICE) for start in range(0, count, SLICE)]
        evaluator = Evaluator(sweep)
        first, again = rate(evaluator.evaluate, points), rate(evaluator.evaluate, points)
        one_by_one = rate(alone, [points[0].take(points[0].index[:ALONE])])
        print(f"{f'{name}: points a second':<44} {again / 1e5:8.2f} x 10^5  goal 1")
        print(f"{f'{name}: the same, learning included':<44} {first / 1e5:8.2f} x 10^5")
        print(f"{f'{name}: against one by one':<44} {again / one_by_one:8.0f} x")
        keys = rate(point_keys, points)
        print(f"{f'{name}: keys a second':<44} {keys / 1e5:8.2f} x 10^5  goal 3")


if __name__ == "__main__":
    main()
