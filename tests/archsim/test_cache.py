"""Caches: misses against an LRU cache that the tasks of a wave walk through in step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from archsim.architecture import Architecture
from archsim.closed_form import closed_form
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from einsum.shapes import bind
from workloads.library import load_cascade

SMS, P0, M0, DIM = 132, 128, 64, 64


@dataclass(frozen=True)
class Run:
    """Attention of `heads` heads of `keys` keys, tasks of one head together or heads first."""

    heads: int
    keys: int
    head_fastest: bool
    passes: int = 1  # over K, in one task

    def tasks(self) -> Iterator[int]:
        """The head of every task, in the order that SMs take them."""
        tiles = -(-self.keys // P0)
        if self.head_fastest:
            yield from (head for _ in range(tiles) for head in range(self.heads))
        else:
            yield from (head for head in range(self.heads) for _ in range(tiles))

    def lru_misses(self, cache_bytes: float) -> float:
        """Bytes of K and V that miss: each wave's tasks go through their tiles together."""
        tasks = list(self.tasks())
        cache: OrderedDict[tuple[str, int, int], None] = OrderedDict()
        tile_bytes, missed = M0 * DIM * 2, 0
        room = cache_bytes // tile_bytes
        for start in range(0, len(tasks), SMS):
            wave = dict.fromkeys(tasks[start : start + SMS])
            for number in range(self.passes):
                for tile in range(self.keys // M0):
                    for head in wave:
                        for tensor in ("K", "V") if number == self.passes - 1 else ("K",):
                            key = (tensor, head, tile)
                            if key not in cache:
                                missed += tile_bytes
                            cache[key] = None
                            cache.move_to_end(key)
                            if len(cache) > room:
                                cache.popitem(last=False)
        return missed


def predicted(run: Run, architecture: Architecture) -> tuple[float, float]:
    """DRAM and L2 bytes of K and V in the model."""
    name = {1: "gpu-p1", 2: "gpu-p2-recompute"}[run.passes]
    cascade = {1: "gpu/online", 2: "gpu/two-pass-recompute"}[run.passes]
    loaded = load_cascade(cascade)
    shapes = bind(loaded, {"H": run.heads, "M": run.keys, "P": run.keys})
    given = {"P0": P0, "head_fastest": int(run.head_fastest)}
    mapping = load_mapping(name).bind(loaded, shapes, architecture, given)
    form = closed_form(loaded, shapes, architecture, mapping)
    found = {"dram": 0.0, "l2": 0.0}
    for one in form.transfers:
        if one.tensor in ("K", "V") and one.upper in found:
            found[one.upper] += float(one.elements) * 2
    return found["dram"], found["l2"]


@pytest.mark.parametrize(
    "run",
    [
        Run(heads=8, keys=2048, head_fastest=False),
        Run(heads=140, keys=2048, head_fastest=False),
        Run(heads=140, keys=1024, head_fastest=True),  # 37 MB of K and V
        Run(heads=264, keys=1024, head_fastest=True),  # 69 MB
        Run(heads=132, keys=4096, head_fastest=True),  # 138 MB: every pass misses
        Run(heads=264, keys=1024, head_fastest=True, passes=2),
        Run(heads=264, keys=4096, head_fastest=True, passes=2),  # a wave: 69 MB of K alone
        Run(heads=8, keys=4096, head_fastest=True, passes=2),
    ],
)
def test_misses_are_those_of_an_lru_cache(run: Run) -> None:
    gpu = load_architecture("h100-sxm")
    size = gpu.memory("l2").size_bytes
    assert size is not None
    # K and V have all of it: Q and the result, which pass once, are left out in the simulation.
    dram, _ = predicted(run, gpu)
    assert dram == pytest.approx(run.lru_misses(size), rel=0.05)


@pytest.mark.parametrize(
    "run",
    [
        Run(heads=4, keys=2048, head_fastest=False),
        Run(heads=150, keys=512, head_fastest=True),
        Run(heads=150, keys=512, head_fastest=True, passes=2),
    ],
)
@pytest.mark.parametrize("size", ["64 KiB", "4 GiB"])
def test_a_tiny_and_a_huge_cache(run: Run, size: str) -> None:
    gpu = load_architecture("h100-sxm").with_parameter("l2.size", size)
    dram, l2 = predicted(run, gpu)
    held = gpu.memory("l2").size_bytes
    assert held is not None
    once = 2 * 2 * run.heads * run.keys * DIM
    tiles = -(-run.keys // P0)
    assert l2 == once * tiles * (3 if run.passes == 2 else 2) / 2
    if size == "4 GiB":
        assert dram == once == run.lru_misses(held)
    else:
        assert once <= dram <= l2


def test_without_a_cache_nothing_changes() -> None:
    gpu = load_architecture("h100-sxm")
    run = Run(heads=4, keys=1024, head_fastest=False)
    bare = gpu.with_parameter("l2.cache", "false")
    dram, l2 = predicted(run, bare)
    assert (dram, l2) == (predicted(run, gpu)[1], 0.0)


def test_scores_that_fit_come_back_from_the_cache() -> None:
    gpu = load_architecture("h100-sxm")
    loaded = load_cascade("gpu/stable")
    for heads, keys, hits in ((2, 1024, True), (16, 4096, False)):
        shapes = bind(loaded, {"H": heads, "M": keys, "P": keys})
        mapping = load_mapping("gpu-u3").bind(loaded, shapes, gpu)
        form = closed_form(loaded, shapes, gpu, mapping)
        scores = sum(
            float(one.elements)
            for one in form.transfers
            if one.tensor == "QK" and one.upper == "dram" and one.direction.value == "down"
        )
        assert scores == (0 if hits else heads * keys * keys)
