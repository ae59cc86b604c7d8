"""The pass analysis on random cascades over one rank, against a direct simulation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from einsum.cascade import Cascade
from einsum.parser import parse_cascade
from einsum.passes import PassAnalysis, analyse
from tests.einsum.strategies import cascades


@dataclass(frozen=True)
class Line:
    """A statement: `kind` is map, reduce, run or scalar; it reads vectors and scalars by name.

    A run is a running sum of its vector; its last value is read as the scalar NAME.last.
    """

    name: str
    kind: str
    vectors: tuple[str, ...]
    scalars: tuple[str, ...]

    def text(self) -> list[str]:
        vectors = [f"{v}[n + 1]" if v.startswith("R") else f"{v}[n]" for v in self.vectors]
        scalars = [f"{s.removesuffix('.last')}[N]" if "." in s else s for s in self.scalars]
        right = " + ".join(vectors + scalars)
        match self.kind:
            case "map":
                return [f"{self.name}[n] = {right}"]
            case "run":
                return [f"{self.name}[0] = 0", f"{self.name}[n + 1] = {self.name}[n] + {right}"]
            case _:
                return [f"{self.name} = {right}"]


INPUTS = ("A", "B")


@st.composite
def programs(draw: st.DrawFn, kinds: tuple[str, ...]) -> tuple[Line, ...]:
    vectors, scalars, lines = list(INPUTS), list[str](), list[Line]()
    for number in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(kinds if scalars else [k for k in kinds if k != "scalar"]))
        read = draw(st.lists(st.sampled_from(vectors), min_size=1, max_size=2, unique=True))
        known = draw(st.lists(st.sampled_from(scalars), max_size=2, unique=True)) if scalars else []
        if kind == "scalar":
            read, known = [], known or [scalars[-1]]
        letter = {"map": "V", "run": "R", "reduce": "S", "scalar": "S"}[kind]
        line = Line(f"{letter}{number}", kind, tuple(read), tuple(known))
        lines.append(line)
        (vectors if kind in ("map", "run") else scalars).append(line.name)
        if kind == "run":
            scalars.append(f"{line.name}.last")
    return tuple(lines)


def cascade_text(lines: tuple[Line, ...]) -> str:
    read = [name for name in INPUTS if any(name in line.vectors for line in lines)]
    body = [text for line in lines for text in line.text()]
    return "\n".join(["ranks N", f"inputs {', '.join(f'{name}[N]' for name in read)}", *body])


def analysed(text: str) -> PassAnalysis:
    return analyse(parse_cascade(text, "random"))


def simulated(source: str, lines: tuple[Line, ...]) -> int:
    """Traverse the source until everything is computed; in which traversal is it last used?

    Whatever holds an element of the source is computed anew at each coordinate, from the source
    and from what was known when the traversal began.
    """
    carrying, derived = {source}, {source}
    for line in lines:
        scalars = {name.removesuffix(".last") for name in line.scalars}
        if line.kind in ("map", "run") and carrying.intersection(line.vectors):
            carrying.add(line.name)
        if derived & ({*line.vectors} | scalars):
            derived.add(line.name)
    work = [line for line in lines if line.name in derived - {source}]
    known = {line.name for line in lines} | set(INPUTS)
    known -= derived
    known |= {f"{name}.last" for name in known}
    first: dict[str, int] = {}
    traversal = 0
    while any(line.name not in known and line.name not in first for line in work):
        traversal += 1
        here, complete = {source}, {f"{source}.last"}
        for line in work:
            needed = {v for v in line.vectors if v not in carrying} | set(line.scalars)
            if not needed <= known or not set(line.vectors) & carrying <= here:
                continue
            if carrying.intersection(line.vectors):
                first.setdefault(line.name, traversal)
                here.add(line.name)
                complete |= {line.name} if line.kind == "reduce" else {f"{line.name}.last"}
            else:
                known |= {line.name, f"{line.name}.last"}
        known |= complete
    return max(first.values(), default=1)


@given(programs(kinds=("map", "reduce", "run", "scalar")))
def test_as_many_passes_as_a_simulation_makes(lines: tuple[Line, ...]) -> None:
    found = analysed(cascade_text(lines))
    counts = {tensor: ranks["N"] for tensor, ranks in found.passes.items() if "N" in ranks}
    assert counts == {tensor: simulated(tensor, lines) for tensor in counts}


@given(programs(kinds=("map",)))
def test_without_reductions_one_pass_and_one_element(lines: tuple[Line, ...]) -> None:
    found = analysed(cascade_text(lines))
    assert found.max_passes == 1
    assert {str(footprint) for footprint in found.footprint.values()} == {"1"}


@given(programs(kinds=("map", "reduce", "run", "scalar")), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(lines: tuple[Line, ...], random: Random) -> None:
    text = cascade_text(lines)
    head, body = text.splitlines()[:2], text.splitlines()[2:]
    random.shuffle(body)
    shuffled = "\n".join([*head, *body])
    assert analysed(shuffled).passes == analysed(text).passes
    renamed = analysed(re.sub(r"\b([ABVRS]\d*)\b", r"T\1X", text)).passes
    assert renamed == {f"T{name}X": counts for name, counts in analysed(text).passes.items()}


@given(programs(kinds=("map", "reduce", "scalar")))
def test_splitting_the_rank_does_not_change_passes_over_it(lines: tuple[Line, ...]) -> None:
    text = cascade_text(lines)
    tiled = text.replace("[n]", "[n1, n0]").replace("ranks N", "ranks N -> (N1, N0)")
    assert analysed(tiled).passes == analysed(text).passes


@given(programs(kinds=("map", "reduce", "run", "scalar")))
def test_each_further_pass_has_its_reason(lines: tuple[Line, ...]) -> None:
    found = analysed(cascade_text(lines))
    for fiber in found.fibers:
        assert [p.number for p in fiber.passes] == list(range(1, len(fiber.passes) + 1))
        for further in fiber.passes[1:]:
            assert further.chain[0] == fiber.tensor
            assert further.chain[-1] == further.einsums[0]
            assert further.chain[-2] in further.after
            assert further.again


@given(programs(kinds=("map", "reduce", "run", "scalar")))
def test_what_is_read_in_two_passes_is_held(lines: tuple[Line, ...]) -> None:
    found = analysed(cascade_text(lines))
    for fiber in found.fibers:
        readers = {line.name for line in lines if fiber.tensor in line.vectors}
        reading = [p.number for p in fiber.passes if readers.intersection(p.einsums)]
        if len(reading) > 1:
            assert found.footprint[fiber.tensor].ranks == ("N",)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cascades())
def test_any_cascade_is_analysed(cascade: Cascade) -> None:
    found = analyse(cascade)
    for tensor in cascade.tensors:
        ranks = {cascade.declared(rank) for rank in tensor.ranks}
        assert set(found.passes[tensor.name]) == ranks
    for fiber in found.fibers:
        assert fiber.passes[0].reason == ""
        assert all(fiber.rank in further.reason for further in fiber.passes[1:])
    assert str(found).startswith(cascade.name)
