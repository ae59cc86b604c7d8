"""Microbenchmarks of what a GPU can do at most: copy, L2, matrix product, exponential, launch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import triton
import triton.language as tl

_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Microbenchmark:
    """`call` does `work` units of `unit`; it must run with L2 `cold` where that matters."""

    name: str
    description: str
    call: Callable[[], object]
    work: float
    unit: str
    cold: bool


@triton.jit
def exponentials(x_ptr, rounds, BLOCK: tl.constexpr):
    """Chains of exponentials on registers; four of them hide the latency of one."""
    offset = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + offset)
    y, z, w = x * 0.5, x * 0.25, x * 0.125
    for _ in tl.range(0, rounds):
        x = tl.exp2(-x)
        y = tl.exp2(-y)
        z = tl.exp2(-z)
        w = tl.exp2(-w)
    tl.store(x_ptr + offset, x + y + z + w)


@triton.jit
def read_again(x_ptr, sum_ptr, length, rounds, BLOCK: tl.constexpr):
    """Every block reads the whole of a buffer that L2 holds, `rounds` times, from its own start."""
    block = tl.program_id(0)
    total = tl.zeros([BLOCK], tl.float32)
    lane = tl.arange(0, BLOCK)
    for i in tl.range(0, rounds):
        start = ((block + i) * BLOCK) % length
        total += tl.load(x_ptr + start + lane)
    tl.store(sum_ptr + block * BLOCK + lane, total)


@triton.jit
def nothing(x_ptr):
    """A launch."""


def microbenchmarks(device: str, small: bool) -> tuple[Microbenchmark, ...]:
    """All of them; `small` is for trying them out in the interpreter."""
    sms = 2 if small else torch.cuda.get_device_properties(device).multi_processor_count
    return (
        _gemm(device, 64 if small else 8192),
        _copy(device, 4096 if small else 1 << 30),
        _exp(device, 2 if small else 8 * sms, 2 if small else 4096),
        _l2(device, 2 if small else 8 * sms, 4 * _BLOCK if small else 4 << 20, small),
        _launch(device, small),
    )


def _gemm(device: str, size: int) -> Microbenchmark:
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return Microbenchmark(
        "gemm", f"torch.matmul of {size}^3 {dtype}, random",
        lambda: torch.matmul(a, b, out=out), 2.0 * size**3, "FLOP", False,
    )  # fmt: skip


def _copy(device: str, size: int) -> Microbenchmark:
    source = torch.randn(size // 4, device=device)
    target = torch.empty_like(source)
    return Microbenchmark(
        "copy", f"Tensor.copy_ of {size} bytes; bytes read and bytes written",
        lambda: target.copy_(source), 2.0 * size, "B", True,
    )  # fmt: skip


def _exp(device: str, blocks: int, rounds: int) -> Microbenchmark:
    x = torch.rand(blocks * _BLOCK, device=device)
    return Microbenchmark(
        "exp", f"exp2 in registers, {blocks} blocks of 8 warps, {rounds} rounds of 4 chains",
        lambda: exponentials[(blocks,)](x, rounds, BLOCK=_BLOCK, num_warps=8),
        4.0 * rounds * blocks * _BLOCK, "exp", False,
    )  # fmt: skip


def _l2(device: str, blocks: int, length: int, small: bool) -> Microbenchmark:
    x = torch.rand(length, device=device)
    total = torch.empty(blocks * _BLOCK, device=device)
    rounds = 2 if small else 4 * length // _BLOCK
    return Microbenchmark(
        "l2", f"loads of a buffer of {4 * length} bytes by {blocks} blocks, {rounds} rounds",
        lambda: read_again[(blocks,)](x, total, length, rounds, BLOCK=_BLOCK, num_warps=8),
        4.0 * rounds * blocks * _BLOCK, "B", False,
    )  # fmt: skip


def _launch(device: str, small: bool) -> Microbenchmark:
    x = torch.zeros(1, device=device)
    launches = 2 if small else 100

    def call() -> None:
        for _ in range(launches):
            nothing[(1,)](x)

    return Microbenchmark(
        "launch", f"{launches} empty launches in a row, replayed as a graph",
        call, float(launches), "launch", False,
    )  # fmt: skip
