"""What every kernel moves and computes, in closed form: the tables of README.md as functions.

Bytes are those that a kernel's loads and stores ask of L2, elements outside a tensor excluded;
floating-point operations and exponentials are those of whole tiles, as the hardware runs them.
The tests count the same in Triton's interpreter and find these numbers, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from workloads.gpu.problem import (
    COMBINE_ROWS,
    Mask,
    Problem,
    Tiling,
    query_tiles,
    row_block,
    split,
)


class Kernel(Enum):
    """The kernels, by how many passes they make over the keys and what they do between them."""

    U3 = "u3"
    U5 = "u5"
    P3_RETAIN = "p3-retain"
    P3_RECOMPUTE = "p3-recompute"
    P2_RECOMPUTE = "p2-recompute"
    P2_SPILL = "p2-spill"
    P1 = "p1"
    P1_SPLIT_K = "p1-splitk"


STATISTIC_BYTES = 4  # running maxima, sums and partial results are fp32


@dataclass(frozen=True)
class Counts:
    """Bytes by tensor between the multiprocessors and L2, tensor-core FLOPs, exponentials."""

    loads: Mapping[str, int] = field(default_factory=dict)
    stores: Mapping[str, int] = field(default_factory=dict)
    tensor_flop: int = 0
    exps: int = 0

    @property
    def load_bytes(self) -> int:
        return sum(self.loads.values())

    @property
    def store_bytes(self) -> int:
        return sum(self.stores.values())

    def times(self, factor: int) -> Counts:
        """The counts of `factor` heads."""
        return Counts(
            {name: count * factor for name, count in self.loads.items()},
            {name: count * factor for name, count in self.stores.items()},
            self.tensor_flop * factor,
            self.exps * factor,
        )


@dataclass(frozen=True, slots=True)
class Executed:
    """Sums over the query tiles of one head. For `Mask.FULL`: T M, P M, P N, T N.

    T = ceil(P / P0) query tiles and N = ceil(M / M0) key tiles.
    """

    keys: int
    points: int
    row_tiles: int
    tiles: int


def executed(problem: Problem, tiling: Tiling) -> Executed:
    """Keys fetched, points (p, m), pairs (query, key tile) and tile pairs that are executed."""
    found = list(query_tiles(problem, tiling))
    return Executed(
        sum(tile.keys for tile in found),
        sum(tile.rows * tile.keys for tile in found),
        sum(tile.rows * tile.key_tiles for tile in found),
        sum(tile.key_tiles for tile in found),
    )


def counts(kernel: Kernel, problem: Problem, tiling: Tiling) -> Counts:
    """The counts of one call of `kernel`: all heads, and all of its launches."""
    if kernel is Kernel.P1_SPLIT_K:
        return _split_k(problem, tiling).times(problem.batch * problem.kv_heads)
    return _of_head(kernel, problem, tiling).times(problem.batch * problem.heads)


def _of_head(kernel: Kernel, problem: Problem, tiling: Tiling) -> Counts:
    run = executed(problem, tiling)
    value = problem.dtype.bytes
    p, e, f = problem.queries, problem.head_dim, problem.value_dim
    q, av = p * e * value, p * f * value
    k, v = run.keys * e * value, run.keys * f * value
    scores = run.points * value
    row, row_tiles = p * STATISTIC_BYTES, run.row_tiles * STATISTIC_BYTES
    pairs = run.tiles * tiling.queries * tiling.keys
    mac = 2 * pairs
    corrections = run.tiles * tiling.queries
    match kernel:
        case Kernel.U3:
            return Counts(
                {"Q": run.row_tiles * e * value, "K": k, "QK": scores, "A": scores, "V": v},
                {"QK": scores, "A": scores, "AV": av},
                mac * (e + f),
                p * row_block(problem),
            )
        case Kernel.U5:
            return Counts(
                {
                    "Q": run.row_tiles * e * value,
                    "K": k,
                    "QK": 2 * scores,
                    "GM": row,
                    "SN": scores,
                    "SD": row,
                    "A": scores,
                    "V": v,
                },
                {"QK": scores, "GM": row, "SN": scores, "SD": row, "A": scores, "AV": av},
                mac * (e + f),
                pairs,
            )
        case Kernel.P3_RETAIN:
            # Every tile of the row has registers of its own, so all of them take part in the
            # softmax, whatever the mask hides; only products with hidden keys are left out.
            row_of_tiles = -(-problem.keys // tiling.keys) * tiling.keys
            lanes = -(-p // tiling.queries) * tiling.queries * row_of_tiles
            return Counts({"Q": q, "K": k, "V": v}, {"AV": av}, mac * (e + f), lanes)
        case Kernel.P3_RECOMPUTE:
            return Counts({"Q": q, "K": 3 * k, "V": v}, {"AV": av}, mac * (3 * e + f), 2 * pairs)
        case Kernel.P2_RECOMPUTE:
            exps = 2 * pairs + corrections
            return Counts({"Q": q, "K": 2 * k, "V": v}, {"AV": av}, mac * (2 * e + f), exps)
        case Kernel.P2_SPILL:
            return Counts(
                {
                    "Q": q,
                    "K": k,
                    "SLN": scores,
                    "LM": row_tiles,
                    "SLD": row_tiles,
                    "GM": row,
                    "V": v,
                },
                {"SLN": scores, "LM": row_tiles, "SLD": row_tiles, "GM": row, "AV": av},
                mac * (e + f),
                pairs + corrections,
            )
        case Kernel.P1:
            loads = {"Q": q, "K": k, "V": v}
            return Counts(loads, {"AV": av}, mac * (e + f), pairs + corrections)
        case Kernel.P1_SPLIT_K:
            raise AssertionError("split-K counts by key head")
        case _:
            assert_never(kernel)


def _split_k(problem: Problem, tiling: Tiling) -> Counts:
    """One key head: the queries of its G query heads are the rows of its tiles, g P + p."""
    value = problem.dtype.bytes
    p, e, f = problem.queries, problem.head_dim, problem.value_dim
    rows = problem.group * p
    parts = split(problem, tiling)
    tiles = keys = 0
    for first in range(0, rows, tiling.queries):
        last = min(rows, first + tiling.queries) - 1
        # The last query of the tile, unless the tile goes on to the next query head.
        latest = last % p if first // p == last // p else p - 1
        seen = problem.keys if problem.mask is Mask.FULL else min(problem.keys, latest + 1)
        tiles += -(-seen // tiling.keys)
        keys += min(problem.keys, -(-seen // tiling.keys) * tiling.keys)
    statistic = parts.splits * rows * STATISTIC_BYTES
    partial = {"RM": statistic, "RD": statistic, "RNV": statistic * f}
    combined = -(-rows // COMBINE_ROWS) * COMBINE_ROWS * parts.lanes
    return Counts(
        {
            "Q": parts.splits * rows * e * value,
            "K": keys * e * value,
            "V": keys * f * value,
            **partial,
        },
        {**partial, "AV": rows * f * value},
        2 * tiles * tiling.queries * tiling.keys * (e + f),
        tiles * (tiling.queries * tiling.keys + tiling.queries) + combined,
    )
