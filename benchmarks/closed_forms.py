"""The closed forms: given mappings, growth with the length, and candidates per second."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import cycle
from statistics import median
from time import process_time

import numpy as np

from archsim.closed_form import closed_form
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Nest, Policy, Spread
from einsum.cascade import Einsum
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

LAYER = """
ranks B, M, P, H, E, F, D, G, C, J
shape B = 1, M = 2K, P = 2K, H = 32, E = 128, F = 128, D = 4K, G = 4K, C = 16K, J = 4K
inputs I[B, M, D], X[B, P, D]
inputs WQ[D, H, E], WK[D, H, E], WV[D, H, F], WZ[H, F, G], WA[G, C], WB[C, J]
Q[b, m, h, e] = I[b, m, d] * WQ[d, h, e]
K[b, p, h, e] = X[b, p, d] * WK[d, h, e]
V[b, p, h, f] = X[b, p, d] * WV[d, h, f]
QK[b, m, p, h] = Q[b, m, h, e] * K[b, p, h, e]
S[b, m, p, h] = exp(QK[b, m, p, h])
AV[b, m, h, f] = S[b, m, p, h] * V[b, p, h, f]
Z[b, m, g] = AV[b, m, h, f] * WZ[h, f, g]
A[b, m, c] = Z[b, m, g] * WA[g, c]
O[b, m, j] = A[b, m, c] * WB[c, j]
"""
"""The nine Einsums of a layer of GPT-3 6.7B, as AccelForge writes them."""


def layer_nest(einsum: Einsum, tile: int) -> Nest:
    """An operand in the global buffer, the result in the local ones, others beside the PEs."""
    contraction = bool(einsum.reduced_variables)
    array, dims = ("array_2d", ("rows", "columns")) if contraction else ("array_1d", ("lanes",))
    over = (*einsum.reduced_variables[-1:], einsum.output_variables[-1])
    read = tuple(access.tensor for access in einsum.inputs)
    outer = [For(name, tile) for name in einsum.variables]
    return (
        *outer[:2],
        Hold(read[:1], "global_buffer"),
        *outer[2:],
        Hold((einsum.tensor,), "local_buffer"),
        *(For(name, 128 if name in over else 1) for name in einsum.variables),
        *((Hold(read[1:], "rf_2d"),) if contraction else ()),
        *(Spread(name, f"{array}.{dim}") for name, dim in zip(over, dims, strict=True)),
        Compute(einsum.name, array),
    )


def layer() -> Callable[[], object]:
    """One evaluation of the layer of GPT-3 on a TPU v4i, by another mapping each time."""
    cascade, chip, library = (
        parse_cascade(LAYER, "layer"),
        load_architecture("tpu-v4i"),
        load_library(),
    )
    shapes = bind(cascade)
    mappings = cycle(
        Mapping(
            f"tiles of {tile}",
            tuple(Group(layer_nest(e, tile), Policy.SERIAL) for e in cascade.steps),
        )
        for tile in (64, 128, 256)
    )
    return lambda: evaluate(cascade, shapes, chip, next(mappings), library)


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
    given = seconds(layer())
    name = "a given mapping, layer of GPT-3 6.7B"
    print(f"{name:<44} {given * 1e3:8.2f} ms  {given / 0.002:6.2f} of 2 ms")
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
