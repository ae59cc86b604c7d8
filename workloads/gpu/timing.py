"""Timing a call on a GPU: samples of whole calls, with L2 cold or its inputs rotated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from workloads.gpu.records import Cache, Method

Call = Callable[[], Any]

_FLUSH_BYTES = 256 << 20
_SHORT_S = 50e-6  # below this a single call is mostly launch, so many are replayed as a graph
_WARMUP_S = 0.05
_GRAPH_S = 2e-3


def seconds_of(call: Call, calls: int = 3) -> float:
    """A first estimate of one call, compilation left out."""
    call()
    torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(calls):
        call()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3 / calls


def samples(
    calls: Sequence[Call], budget_s: float, most: int, cold: bool = True, replay: bool = False
) -> tuple[Method, tuple[float, ...]]:
    """Times of one call, all of them, and how they were taken.

    `calls` do the same on copies of the inputs, the first one is timed alone if it is long. For
    about `budget_s` seconds, at least 10 samples and at most `most`. `replay`: as a graph anyway.
    """
    estimate = seconds_of(calls[0])
    warmup = max(3, min(1000, int(_WARMUP_S / estimate)))
    for _ in range(warmup):
        calls[0]()
    torch.cuda.synchronize()
    if estimate >= _SHORT_S and not replay:
        count = _count(budget_s, estimate + (2e-4 if cold else 0), most)
        return _by_events(calls[0], count, warmup, cold)
    return _by_graph(calls, estimate, budget_s, most, warmup)


def _count(budget_s: float, each_s: float, most: int) -> int:
    return max(10, min(most, int(budget_s / each_s)))


def _by_events(call: Call, count: int, warmup: int, cold: bool) -> tuple[Method, tuple[float, ...]]:
    """An event before and after each call. L2 is flushed by reading, which leaves no dirty line."""
    other = torch.zeros(_FLUSH_BYTES // 4, device="cuda") if cold else None
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(count)]
    for begin, end in events:
        if other is not None:
            other.sum()
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    found = tuple(float(begin.elapsed_time(end)) / 1e3 for begin, end in events)
    return Method("cuda events", Cache.COLD if cold else Cache.WARM, warmup, 1), found


def _by_graph(
    calls: Sequence[Call], estimate: float, budget_s: float, most: int, warmup: int
) -> tuple[Method, tuple[float, ...]]:
    rounds = max(1, int(_GRAPH_S / (estimate * len(calls))))
    for call in calls:
        call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(rounds):
            for call in calls:
                call()
    graph.replay()
    torch.cuda.synchronize()
    each = rounds * len(calls)
    found = []
    for _ in range(_count(budget_s, estimate * each, most)):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        found.append(float(begin.elapsed_time(end)) / 1e3 / each)
    cache = Cache.ROTATING if len(calls) > 1 else Cache.WARM
    return Method("cuda events around a graph", cache, warmup, each), tuple(found)


def samples_on_cpu(call: Call, count: int = 2) -> tuple[Method, tuple[float, ...]]:
    """Wall-clock times of the interpreter: they show that the script works, and nothing else."""
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        call()
        found.append(time.perf_counter() - begin)
    return Method("wall clock, interpreter", Cache.WARM, 0, 1), tuple(found)
