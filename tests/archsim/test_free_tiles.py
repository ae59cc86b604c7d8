"""Choosing free tile sizes: the candidates, and that no other one is better."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.closed_form import closed_form
from archsim.free_tiles import choose_tiles, divisors, free_tiles, overflow, with_tiles
from archsim.mapping import Compute, For, Hold, Mapping
from einsum.errors import SpecError
from tests.archsim.two_by_two import MATMUL, chip, fork, nest, shapes

END = Compute("Z", "scalar")


def candidates(mapping: Mapping, **sizes: int) -> dict[str, tuple[int, ...]]:
    bound = shapes(MATMUL, **sizes)
    return {t.name: t.candidates for t in free_tiles(mapping, bound.cascade, bound.sizes)}


@given(st.integers(1, 5000))
def test_divisors(value: int) -> None:
    assert list(divisors(value)) == [d for d in range(1, value + 1) if value % d == 0]


def test_candidates_divide_what_is_around_and_hold_what_is_inside() -> None:
    mapping = nest(For("m", 24), For("m", "free"), For("n", 2), For("m", 4), END)
    assert candidates(mapping, M=48, N=2, K=1) == {"free": (4, 8, 12, 24)}


def test_uneven_tiles_have_halves_too() -> None:
    mapping = nest(For("m", "free"), For("m", 4), END)
    # 29 is 8 tiles of 4, the last of which is not full.
    assert candidates(mapping, M=29, N=1, K=1) == {"free": (4, 8, 16, 29)}
    assert candidates(mapping, M=44, N=1, K=1) == {"free": (4, 44)}
    assert candidates(mapping, M=42, N=1, K=1) == {"free": (4, 8, 12, 24, 42)}


def test_tiles_in_branches_count_the_loops_above() -> None:
    inner = (For("m", "inner"), For("m", 2), END)
    mapping = nest(For("m", 8), fork(inner))
    assert candidates(mapping, M=16, N=1, K=1) == {"inner": (2, 4, 8)}


def test_with_tiles_replaces_them_everywhere() -> None:
    mapping = nest(For("m", "free"), fork((For("n", "other"), END)))
    fixed = with_tiles(mapping, {"free": 4, "other": 2})
    assert fixed == nest(For("m", 4), fork((For("n", 2), END)))
    assert choose_tiles(shapes(MATMUL, M=4, N=4, K=1).cascade, shapes(MATMUL, M=4, N=4, K=1),
                        chip(), fixed) is fixed  # fmt: skip


NEST = (
    *(For("m", "m tile"), For("n", "n tile"), For("k", "k tile")),
    Hold(("A", "B", "Z"), "buffer"),
    END,
)


@pytest.mark.parametrize("sizes", [(8, 8, 8), (64, 16, 32), (48, 36, 20)])
def test_the_best_of_all_that_fit(sizes: tuple[int, ...]) -> None:
    bound = shapes(MATMUL, **dict(zip("MNK", sizes, strict=True)))
    chosen = choose_tiles(bound.cascade, bound, chip(), nest(*NEST))

    def cost(mapping: Mapping) -> tuple[float, float] | None:
        form = closed_form(bound.cascade, bound, chip(), mapping)
        if any(float(missing) > 0 for missing in overflow(form, chip()).values()):
            return None
        return float(form.latency_s), float(form.moved_bytes["dram"])

    tried = (
        cost(with_tiles(nest(*NEST), dict(zip(("m tile", "n tile", "k tile"), tiles, strict=True))))
        for tiles in product(*map(divisors, sizes))
    )
    assert cost(chosen) == min(found for found in tried if found is not None)


def test_arrays_of_candidates_cost_what_each_of_them_does() -> None:
    bound = shapes(MATMUL, M=16, N=12, K=10)
    rows = np.asarray(list(product(divisors(16), divisors(12), divisors(10))), dtype=float)
    tiles = dict(zip(("m tile", "n tile", "k tile"), rows.T, strict=True))
    together = closed_form(bound.cascade, bound, chip(), nest(*NEST), tiles)
    for index in range(0, len(rows), 7):
        fixed = with_tiles(nest(*NEST), {name: int(tiles[name][index]) for name in tiles})
        alone = closed_form(bound.cascade, bound, chip(), fixed)
        assert together.latency_s[index] == float(alone.latency_s)
        for memory, moved in alone.moved_bytes.items():
            assert np.broadcast_to(together.moved_bytes[memory], len(rows))[index] == float(moved)
        for memory, size in alone.occupied_bytes.items():
            assert together.occupied_bytes[memory][index] == float(size)


def test_nothing_fits() -> None:
    bound = shapes(MATMUL, M=2, N=2, K=2000)
    with pytest.raises(SpecError) as caught:
        choose_tiles(
            bound.cascade, bound, chip(), nest(For("m", "free"), Hold(("A",), "buffer"), END)
        )
    assert "two-by-two: buffer is 976 bytes short" in caught.value.message
