"""Counted points against brute force."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einsum.affine import Affine, Quotient, Remainder, quotient, remainder, variable
from einsum.cascade import Cascade
from einsum.count import executed, useful
from einsum.domain import domain
from einsum.errors import SpecError
from einsum.lattice import HalfPlane, floor_sum, lattice_points
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind

CONDITIONS = (
    "m <= p",
    "m >= p",
    "m == p",
    "m < p and p - m < W",
    "p - m < W and m + p > 4",
    "m + p < 2 * W",
    "m <= 2 * p + 1",
    "3 * p - 2 * m <= 4",
    "m1 <= p",
    "2 * m1 <= p + 1 and m0 > 0",
    "m0 < 2",
    "m0 < 2 and m <= p",
    "m % H == h",
    "m % 3 == h + 1 and m <= p",
    "m % 4 < 2 and m <= p",
    "m // 3 <= p // 3",
    "m // 3 == p // 3",
    "(p - m) % 3 == 0 and m <= p",
    "p % 3 == m % 3",
    "h <= p and m <= p",
    "(m + h) // 2 <= p",
    "m % 2 == p % 3",
    "W < 4",
    "W > 4",
)
"""Causal, windowed, strided, blockwise, per head, and what a user might also write."""


def conditional(condition: str) -> Cascade:
    return parse_cascade(
        "ranks H, P, M -> (M1, M0)\nconstants W = 3\ninputs Q[P, H], K[M, H]\n"
        f"X[h, m1, m0, p] = Q[p, h] * K[m1, m0, h] if {condition}"
    )


def brute_force(condition: str, shapes: Shapes, tile: Mapping[str, int]) -> tuple[int, int]:
    """The useful and the executed points, one by one."""
    space = shapes.space(shapes.cascade.einsums[0])
    rule = compile(condition, "<condition>", "eval")
    points, live = 0, set()
    for at in itertools.product(*map(range, space.values())):
        env = dict(zip(space, at, strict=True)) | {"W": 3, "H": shapes.size("H")}
        env["m"] = env["m1"] * shapes.size("M0") + env["m0"]
        if env["m"] < shapes.size("M") and eval(rule, {}, env):
            points += 1
            live.add(tuple(v // tile.get(name, 1) for name, v in zip(space, at, strict=True)))
    volume = 0
    for corner in live:
        sides = []
        for (name, extent), number in zip(space.items(), corner, strict=True):
            side = tile.get(name, 1)
            sides.append(min(side, extent - number * side))
        volume += sides[0] * sides[1] * sides[2] * sides[3]
    return points, volume


@pytest.mark.parametrize("condition", CONDITIONS)
@given(data=st.data())
def test_counts_are_those_of_brute_force(condition: str, data: st.DataObject) -> None:
    sizes = {"M": 12, "M0": 5, "P": 12, "H": 3}
    shape = {name: data.draw(st.integers(1, most), label=name) for name, most in sizes.items()}
    shapes = bind(conditional(condition), shape)
    space = shapes.space(shapes.cascade.einsums[0])
    tile = {name: data.draw(st.integers(1, 6), label=f"tile {name}") for name in space}
    where = domain(shapes.cascade, "X")
    points, volume = brute_force(condition, shapes, tile)
    assert useful(where, space, shapes) == points
    assert executed(where, space, shapes, tile) == volume


S = 1 << 20


@pytest.mark.parametrize(
    ("condition", "heads", "points"),
    [
        ("m <= p", 1, S * (S + 1) // 2),
        ("m <= p and p - m < 4096", 1, S * 4096 - 4096 * 4095 // 2),
        ("m // 4 <= p // 4", 1, S * (S + 4) // 2),
        ("m % H == h", 16, S * S),
    ],
)
def test_a_million_by_a_million(condition: str, heads: int, points: int) -> None:
    shapes = bind(conditional(condition), {"M": S, "M0": 256, "P": S, "H": heads})
    space = shapes.space(shapes.cascade.einsums[0])
    tracemalloc.start()
    found = useful(domain(shapes.cascade, "X"), space, shapes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == points
    assert peak < 64 << 20


def test_executed_points_of_a_causal_mask_at_a_million() -> None:
    shapes = bind(conditional("m <= p"), {"M": S, "M0": 256, "P": S, "H": 1})
    space = shapes.space(shapes.cascade.einsums[0])
    tiles = S // 256
    found = executed(domain(shapes.cascade, "X"), space, shapes, {"m0": 256, "p": 256})
    assert found == tiles * (tiles + 1) // 2 * 256 * 256


def test_what_would_take_hours_is_refused() -> None:
    shapes = bind(conditional("m % 2 == p % 3"), {"M": S, "M0": 255, "P": S, "H": 1})
    space = shapes.space(shapes.cascade.einsums[0])
    with pytest.raises(SpecError, match="too many points"):
        useful(domain(shapes.cascade, "X"), space, shapes)


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.lists(
        st.builds(HalfPlane, st.integers(-5, 5), st.integers(-5, 5), st.integers(-20, 40)),
        max_size=5,
    ),
)
def test_lattice_points_of_any_polygon(width: int, height: int, cuts: list[HalfPlane]) -> None:
    box = [
        HalfPlane(1, 0, width - 1),
        HalfPlane(-1, 0, 0),
        HalfPlane(0, 1, height - 1),
        HalfPlane(0, -1, 0),
    ]
    inside = sum(
        all(edge.a * x + edge.b * y <= edge.c for edge in cuts)
        for x in range(width)
        for y in range(height)
    )
    assert lattice_points([*box, *cuts]) == inside


@given(st.integers(0, 40), st.integers(1, 30), st.integers(-90, 90), st.integers(-(10**9), 10**9))
def test_floor_sum(count: int, divisor: int, slope: int, start: int) -> None:
    expected = sum((slope * i + start) // divisor for i in range(count))
    assert floor_sum(count, divisor, slope, start) == expected


def forms() -> st.SearchStrategy[Affine]:
    leaf = st.one_of(
        st.builds(Affine, st.integers(-9, 9)),
        st.builds(lambda name, k: variable(name) * k, st.sampled_from("xy"), st.integers(-4, 4)),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(Affine.__add__, inner, inner),
            st.builds(Affine.__sub__, inner, inner),
            st.builds(quotient, inner, st.integers(1, 6)),
            st.builds(remainder, inner, st.integers(1, 6)),
        ),
        max_leaves=6,
    )


@given(forms(), forms(), st.integers(1, 6), st.integers(0, 7), st.integers(0, 7))
def test_forms_are_what_they_stand_for(one: Affine, other: Affine, k: int, x: int, y: int) -> None:
    env = {"x": x, "y": y}
    assert (one + other).at(env) == one.at(env) + other.at(env)
    assert quotient(one, k).at(env) == one.at(env) // k
    assert remainder(one, k).at(env) == one.at(env) % k
    assert one.substitute({"x": other}).at(env) == one.at({"x": other.at(env), "y": y})
    low, high = one.bounds({"x": (0, 7), "y": (0, 7)})
    assert low <= one.at(env) <= high


def test_what_a_divisor_divides_leaves_the_quotient() -> None:
    form = variable("x") * 8 + variable("y") * 3 + Affine(5)
    rest = variable("y") * 3 + Affine(1)
    assert quotient(form, 4) == variable("x") * 2 + Affine(1, ((Quotient(rest, 4), 1),))
    assert remainder(form, 4) == Affine(0, ((Remainder(rest, 4), 1),))
    assert remainder(variable("x") * 4, 2) == Affine(0)
