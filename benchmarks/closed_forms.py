"""The closed forms: one evaluation, its growth with the length, and candidates per second."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from statistics import median
from time import process_time

import numpy as np

from archsim.closed_form import closed_form
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Spread
from einsum.parser import parse_cascade
from einsum.shapes import bind
from mapper.configurations import bind_mapping, configuration_named
from workloads.models import model_named
from workloads.transformer import attention

RUNS = 21
CANDIDATES = 200_000
CHAIN = """
ranks M, K, N, L
inputs A[M, K], B[K, N], C[N, L]
Z[m, n] = A[m, k] * B[k, n]
Y[m, l] = Z[m, n] * C[n, l]
"""


def evaluation(length: int) -> Callable[[], object]:
    """One evaluation of BERT's attention under FuseMax's binding."""
    configuration = configuration_named("binding")
    chip, library = load_architecture(configuration.architecture), load_library()
    work = attention(model_named("BERT"), length, cascade=configuration.cascade)
    shapes = bind(work.cascade, {**work.shape, **configuration.tile_shape(chip)})

    def run() -> object:
        mapping = bind_mapping(configuration.mapping, work.cascade, shapes, chip, "BERT")
        return evaluate(work.cascade, shapes, chip, mapping, library)

    return run


def seconds(run: Callable[[], object]) -> float:
    """Median CPU time of a warm call."""
    run()
    times = []
    for _ in range(RUNS):
        begun = process_time()
        run()
        times.append(process_time() - begun)
    return median(times)


def peak_bytes(run: Callable[[], object]) -> int:
    """Most memory that a warm call has allocated at one time."""
    run()
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def candidates_per_second() -> float:
    """Tile-size candidates a second for two matrix products under shared loops."""
    cascade, chip = parse_cascade(CHAIN, "chain"), load_architecture("fusemax-cloud")
    shapes = bind(cascade, {"M": 4096, "K": 1024, "N": 1024, "L": 1024})
    first = (
        For("k", "k tile"),
        Hold(("B",), "global_buffer"),
        Spread("m", "array_2d.rows"),
        Spread("n", "array_2d.columns"),
        Compute("Z", "array_2d"),
    )
    second = (
        For("l", "l tile"),
        Spread("m", "array_2d.rows"),
        Spread("l", "array_2d.columns"),
        Compute("Y", "array_2d"),
    )
    nest = (
        For("m", "m tile"),
        Hold(("A", "Y"), "global_buffer"),
        For("n", "n tile"),
        Hold(("Z", "C"), "global_buffer"),
        Branches((first, second)),
    )
    mapping = Mapping("fused", (Group(nest),))
    random = np.random.default_rng(0)
    sizes = 2.0 ** np.arange(11)
    tiles = {f"{name} tile": random.choice(sizes, CANDIDATES) for name in "mnkl"}
    return CANDIDATES / seconds(lambda: closed_form(cascade, shapes, chip, mapping, tiles))


def main() -> None:
    """Print every figure beside its goal."""
    short, long = evaluation(1 << 10), evaluation(1 << 20)
    one = seconds(long)
    print(f"{'one evaluation, 1M tokens':<44} {one * 1e3:8.1f} ms  {one / 0.05:6.2f} of 50 ms")
    time, memory = one / seconds(short), peak_bytes(long) / peak_bytes(short)
    print(f"{'1M against 1K tokens: CPU time':<44} {time:8.2f} x   goal 1.2")
    print(f"{'1M against 1K tokens: peak memory':<44} {memory:8.2f} x   goal 1.2")
    rate = candidates_per_second()
    print(f"{'candidates a second, fused group of two':<44} {rate / 1e6:8.2f} M   goal 1")


if __name__ == "__main__":
    main()
