"""What is measured, the most valuable first: kernels and baselines over shapes, ways to launch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from workloads.gpu.counts import Kernel
from workloads.gpu.problem import Dtype, GridOrder, Launch, Mask, Problem, Tiling

BASELINES = ("sdpa-cudnn", "sdpa-flash", "sdpa-efficient", "flex-attention", "sdpa-math")

# FlashAttention-3 (arXiv 2407.08608), section 4.1: 16384 tokens, a model width of 2048.
_TOKENS = 16384
_WIDTH = 2048
_LENGTHS = (16384, 2048, 4096, 512, 8192, 1024)
_PREFILL = (
    Kernel.P1,
    Kernel.P2_RECOMPUTE,
    Kernel.P3_RECOMPUTE,
    Kernel.P2_SPILL,
    Kernel.U3,
    Kernel.U5,
    Kernel.P3_RETAIN,
)
# Decoding: sequences, then cached keys, of a model with 64 heads that share 8 heads of K and V.
_DECODE = ((1, 2048), (8, 2048), (32, 2048), (1, 131072), (32, 32768))
_RETAINED = {64: 512, 32: 1024, 16: 2048}  # keys that fit for a query tile, as the tests find


class Effort(Enum):
    """What one task does: time a call, count it with the profiler, or take its energy."""

    TIME = "time"
    COUNTERS = "counters"
    ENERGY = "energy"


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel, or a baseline by name, on a problem; `order` is None unless it is fixed."""

    kernel: Kernel | None
    baseline: str | None
    problem: Problem
    order: GridOrder | None = None

    @property
    def name(self) -> str:
        return self.kernel.value if self.kernel else str(self.baseline)

    @property
    def splits(self) -> bool:
        """Is the number of splits a part of how it is launched?"""
        return self.kernel is Kernel.P1_SPLIT_K

    @property
    def key(self) -> str:
        order = f"/{self.order.value}" if self.order else ""
        return f"{self.name}/{self.problem}{order}"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do in a run."""

    effort: Effort
    subject: Subject


def prefill(dim: int, mask: Mask, length: int, dtype: Dtype) -> Problem:
    """16384 tokens in sequences of `length`."""
    heads = _WIDTH // dim
    return Problem(_TOKENS // length, heads, heads, length, length, dim, dim, mask, dtype)


def plan(dtype: Dtype = Dtype.FP16) -> Iterator[Task]:
    """Every task of a full run, in order. A short run does the first of them."""
    core = [prefill(128, Mask.FULL, length, dtype) for length in _LENGTHS]
    rest = [
        prefill(dim, mask, length, dtype)
        for dim, mask in ((128, Mask.CAUSAL), (64, Mask.FULL), (64, Mask.CAUSAL))
        for length in _LENGTHS
    ]
    decode = [Problem(batch, 64, 8, 1, keys, 128, 128, Mask.FULL, dtype) for batch, keys in _DECODE]
    yield from _timed(core[:2], _PREFILL, BASELINES[:2])
    yield from _efforts(Effort.COUNTERS, core[1:2] + core[4:5], _PREFILL)
    yield from _timed(core[2:], _PREFILL, BASELINES[:2])
    yield from _timed(decode, (Kernel.P1_SPLIT_K,), BASELINES[:2])
    yield from _timed(rest[:6], _PREFILL, BASELINES[:2])
    yield from _efforts(Effort.ENERGY, core[2:3], (*_PREFILL[:5],))
    yield from _efforts(Effort.COUNTERS, decode[2:4], (Kernel.P1_SPLIT_K,))
    # The passes show in DRAM where the keys of the heads under way exceed L2.
    for problem in (core[0], core[4]):
        for kernel in _PREFILL[:3]:
            subject = Subject(kernel, None, problem, GridOrder.HEAD_FASTEST)
            yield Task(Effort.TIME, subject)
            yield Task(Effort.COUNTERS, subject)
    yield from _timed(rest[6:], _PREFILL, BASELINES[:2])
    yield from _efforts(Effort.COUNTERS, core[:1] + rest[1:2], _PREFILL[:5])
    yield from _timed(core + rest + decode, (), BASELINES[2:])
    other = Dtype.BF16 if dtype is Dtype.FP16 else Dtype.FP16
    again = [prefill(128, Mask.FULL, length, other) for length in _LENGTHS[:3]]
    yield from _timed(again, (Kernel.P1,), BASELINES[:2])


def smoke() -> Iterator[Task]:
    """A few tiny problems for the interpreter, one of every kernel."""
    problem = Problem(1, 2, 1, 24, 40, 16, 16, Mask.CAUSAL, Dtype.FP32)
    decode = Problem(1, 4, 2, 1, 100, 16, 16, Mask.FULL, Dtype.FP32)
    yield from _timed([problem], _PREFILL, ())
    yield from _timed([decode], (Kernel.P1_SPLIT_K,), ("sdpa-math", "sdpa-cudnn"))
    yield Task(Effort.TIME, Subject(Kernel.P1, None, problem, GridOrder.HEAD_FASTEST))
    yield from _efforts(Effort.COUNTERS, [problem], (Kernel.P1,))
    yield from _efforts(Effort.ENERGY, [problem], (Kernel.P1,))


def _timed(
    problems: list[Problem], kernels: tuple[Kernel, ...], baselines: tuple[str, ...]
) -> Iterator[Task]:
    for problem in problems:
        for kernel in kernels:
            yield Task(Effort.TIME, Subject(kernel, None, problem))
        for baseline in baselines:
            yield Task(Effort.TIME, Subject(None, baseline, problem))


def _efforts(
    effort: Effort, problems: list[Problem], kernels: tuple[Kernel, ...]
) -> Iterator[Task]:
    for problem in problems:
        for kernel in kernels:
            yield Task(effort, Subject(kernel, None, problem))


def candidates(subject: Subject) -> tuple[Launch, ...]:
    """Ways to launch a kernel that are tried; none where it cannot run.

    Tiles, warps and stages are those that compile for sm_90 without spills.
    """
    problem, kernel = subject.problem, subject.kernel
    order = subject.order or GridOrder.TILE_FASTEST
    if problem.dtype is Dtype.FP32:
        return (Launch(Tiling(16, 16, 2), 4, 1, order),)
    wide = problem.head_dim >= 128
    match kernel:
        case None:
            return ()
        case Kernel.P1_SPLIT_K:
            return _split_candidates(problem)
        case Kernel.P3_RETAIN:
            for queries, keys in _RETAINED.items():
                if problem.keys <= keys:
                    tile = 128 if queries == 16 else 64
                    return (Launch(Tiling(queries, tile), 8, 1, order),)
            return ()
        case Kernel.U3 | Kernel.U5:
            sizes = [(128, 128, 8, 2), (128, 64, 4, 3)]
        case Kernel.P2_SPILL:
            sizes = [(128, 64, 8, 2), (128, 64, 8, 3), (64, 64, 4, 3)]
        case Kernel.P1 if wide:
            sizes = [(128, 128, 8, 2), (128, 64, 8, 3), (128, 64, 8, 2), (64, 64, 4, 3)]
            sizes += [(128, 128, 8, 3), (64, 128, 4, 2)]
        case Kernel.P1:
            sizes = [(128, 128, 8, 2), (128, 64, 4, 3), (128, 128, 8, 3), (128, 64, 4, 2)]
            sizes += [(64, 64, 4, 3)]
        case Kernel.P2_RECOMPUTE | Kernel.P3_RECOMPUTE:
            sizes = [(128, 64, 8, 3), (128, 128, 8, 2)] if wide else [(128, 64, 4, 3)]
            sizes += [(128, 64, 8, 2)]
    return tuple(
        Launch(Tiling(queries, keys), warps, stages, order)
        for queries, keys, warps, stages in sizes
    )


def _split_candidates(problem: Problem) -> tuple[Launch, ...]:
    """As many splits as fill 132 multiprocessors about twice, and half and double of that."""
    heads = problem.batch * problem.kv_heads
    enough = max(1, 264 // heads)
    return tuple(
        Launch(Tiling(16, keys, splits), warps, stages)
        for splits in sorted({max(1, enough // 2), enough, 2 * enough})
        for keys, warps, stages in ((128, 4, 3), (64, 2, 4))
    )
