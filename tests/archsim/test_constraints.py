"""What hardware demands of a mapping, Einsum by Einsum."""

from __future__ import annotations

import pytest

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.closed_form import closed_form
from archsim.constraints import FREE, Constraints, Keeping, Spreading, check_constraints, most_used
from archsim.mapping import Branches, Compute, Group, Hold, Mapping, Nest, Policy, Spread
from einsum.errors import SpecError
from einsum.parser import parse_cascade
from einsum.shapes import bind

_OPERATIONS = (Operation("mac", 1.0), Operation("exp", 1.0))
CHIP = Architecture(
    "chip",
    1.0,
    45.0,
    (
        Memory("dram", None, "dram", None, None, 16),
        Memory("buffer", "dram", "sram", None, None, 16),
        Memory("local", "buffer", "sram", None, None, 16, (Dim("cores", 4),)),
    ),
    tuple(ComputeUnit(name, "local", (), _OPERATIONS, latches=False) for name in ("pe", "exps")),
)
CASCADE = parse_cascade(
    "ranks M, N, K\ninputs A[M, K], B[K, N]\nT[m, n] = A[m, k] * B[k, n]\nZ[m, n] = exp(T[m, n])\n"
)
ALL = frozenset("ABTZ")


def check(nest: Nest, constraints: Constraints, sizes: tuple[int, int, int] = (4, 6, 3)) -> None:
    shapes = bind(CASCADE, dict(zip("MNK", sizes, strict=True)))
    mapping = Mapping("x", (Group(nest, Policy.SERIAL),))
    form = closed_form(CASCADE, shapes, CHIP, mapping)
    check_constraints(form.leaves, CASCADE, CHIP, constraints)


def nest(held: tuple[str, ...] = (), count: int = 1, variable: str = "m", unit: str = "pe") -> Nest:
    inner = (Spread(variable, "local.cores", count), Hold(held, "local"), Compute("T", unit))
    return (Hold(("T",), "buffer"), Branches((inner, (Compute("Z", "exps"),))))


def test_free_mappings_pass() -> None:
    check(nest(("A", "B"), 4), FREE)


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        (Constraints(units={"T": ("exps",)}), "T may not run on pe"),
        (Constraints({("T", "local"): Keeping(frozenset(), ALL - {"B"})}), "B may not be held"),
        (Constraints({("T", "local"): Keeping(frozenset("T"), ALL)}), "T has to be held in local"),
        (Constraints({("T", "dram"): Keeping(frozenset("T"), ALL)}), "T has to be held in dram"),
        (
            Constraints(spreading={("T", "local.cores"): Spreading(frozenset("A"))}),
            "may not be spread over local.cores along m",
        ),
        (Constraints(spreading={("T", "local.cores"): Spreading(least=1.0)}), "uses 2 of 4"),
    ],
)
def test_broken_constraints_are_named(constraints: Constraints, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        check(nest(("A", "B"), 2), constraints)


def test_a_memory_backs_what_none_further_out_holds() -> None:
    local = Constraints({("T", "local"): Keeping(frozenset(), ALL, frozenset("ABT"))})
    check(nest(), local)  # A and B are in dram, T is in the buffer
    only = (Hold(("T",), "local"), Branches(((Compute("T", "pe"),), (Compute("Z", "exps"),))))
    with pytest.raises(SpecError, match="T has to be held in buffer"):
        check(only, Constraints({("T", "buffer"): Keeping(frozenset(), ALL, frozenset("T"))}))


def test_what_is_backed_passes_in_the_memory_that_backs_it() -> None:
    backs = Keeping(frozenset(), ALL, frozenset("T"))
    constraints = Constraints({("T", "buffer"): backs, ("Z", "buffer"): backs})
    apart = (
        (Hold(("T",), "local"), Compute("T", "pe")),
        (Hold(("T",), "local"), Compute("Z", "exps")),
    )
    check((Hold(("T",), "buffer"), Branches(apart)), constraints)
    shared = Branches(((Compute("T", "pe"),), (Compute("Z", "exps"),)))
    with pytest.raises(SpecError, match="T passes from T to Z in local"):
        check((Hold(("T",), "buffer"), Hold(("T",), "local"), shared), constraints)


def test_constraints_of_one_einsum_leave_the_others_alone() -> None:
    other = Constraints({("Z", "local"): Keeping(frozenset(), frozenset())}, {}, {"Z": ("exps",)})
    check(nest(("A", "B"), 4), other)


@pytest.mark.parametrize(
    ("extents", "size", "most"),
    [
        ((6, 3), 4, 3),
        ((4, 6), 4, 4),
        ((5, 7), 4, 1),
        ((6, 10), 16, 15),
        ((), 4, 1),
        ((128,), 128, 128),
    ],
)
def test_most_instances_that_divisors_use(extents: tuple[int, ...], size: int, most: int) -> None:
    assert most_used(extents, size) == most


def test_least_use_is_what_can_be_used() -> None:
    least = Constraints(spreading={("T", "local.cores"): Spreading(frozenset("B"), 1.0)})
    check(nest(count=2), least, (2, 4, 4))  # only m may be spread, and there are two of it
