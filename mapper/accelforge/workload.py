"""Its workloads as cascades.

Its Einsums say what is accessed, not what is computed: an Einsum with two inputs is taken for
their product, summed over what only they have; one with a single input for a sum, or, with
nothing to sum, for an exponential (any operation that the units have costs it the same).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from archsim.quantities import Unit, parse_quantity
from archsim.section import Section
from einsum.cascade import Cascade, Role
from einsum.errors import Source, SpecError
from einsum.parser import parse_cascade
from mapper.accelforge.einsums import Access, Entry, read_entries, without_copies
from mapper.accelforge.sets import Tensors, tensors
from mapper.accelforge.text import open_spec

_BOUND = re.compile(r"\s*0\s*<=\s*(?P<variable>\w+)\s*<\s*(?P<size>.+)")
_FORMATS = {4: "int4", 8: "int8", 16: "bf16", 32: "fp32"}


@dataclass(frozen=True, slots=True)
class Workload:
    """A cascade, the sizes of its ranks, and what set expressions call its tensors.

    `names` has for every Einsum the sets that an architecture may use there, `einsum_names` the
    Einsum of the cascade by its name in the text. `copies` are left out of the cascade: their
    target is their source under another name.
    """

    cascade: Cascade
    shape: Mapping[str, int]
    names: Mapping[str, Mapping[str, Tensors]]
    einsum_names: Mapping[str, str]
    copies: tuple[Entry, ...] = ()

    @property
    def sources(self) -> Mapping[str, str]:
        """What a copy is called in the cascade."""
        found: dict[str, str] = {}
        for copy in self.copies:
            source = copy.inputs[0].tensor
            found[copy.output.tensor] = found.get(source, source)
        return found


def load_workload(
    source: Source,
    values: Mapping[str, int | float | str] | None = None,
    name: str = "workload",
    bits: int | None = None,
) -> Workload:
    """The cascade in the text of an AccelForge workload, its template filled with `values`.

    `bits` replaces the width of all values.

    Raises `SpecError` with the place of what it has and a cascade cannot have.
    """
    top = open_spec(source, values or {})
    part = top.section("workload")
    part.offer("persistent_tensors", "iteration_space_shape", "rank_sizes")
    everything = read_entries(part)
    entries = without_copies(everything)
    sizes = _sizes(part, entries)
    cascade = parse_cascade(_text(name, entries, sizes, part, bits), source.name)
    part.done()
    renames = _default_renames(top)
    top.done()
    copied = frozenset(access.tensor for one in everything if one.is_copy for access in one.inputs)
    between = copied | {t.name for t in cascade.tensors if t.role is Role.INTERMEDIATE}
    return Workload(
        cascade,
        sizes,
        {one.output.tensor: _names(one, between, renames) for one in entries},
        {one.name: one.output.tensor for one in entries},
        tuple(one for one in everything if one.is_copy),
    )


# Reading.


def _sizes(part: Section, entries: tuple[Entry, ...]) -> dict[str, int]:
    variables = {v for e in entries for a in (e.output, *e.inputs) for _, v in a.projection}
    found: dict[str, int] = {}
    if "iteration_space_shape" in part:
        bounds = part.section("iteration_space_shape")
        for variable in bounds:
            match = _BOUND.fullmatch(bounds.text(variable))
            if match is None or match["variable"] != variable:
                bounds.fail(variable, "this is not a size", rule=f"write 0 <= {variable} < SIZE")
            found[variable.upper()] = int(parse_quantity(match["size"], Unit.COUNT))
    if "rank_sizes" in part:
        ranks = part.section("rank_sizes")
        known = {rank: ranks.integer(rank) for rank in ranks}
        for variable in variables:
            reached = [
                known[rank]
                for e in entries
                for a in (e.output, *e.inputs)
                for rank, name in a.projection
                if name == variable and rank in known
            ]
            if reached:
                found.setdefault(variable.upper(), min(reached))
    missing = sorted(v for v in variables if v.upper() not in found)
    if missing:
        part.fail("rank_sizes", f"no size for {', '.join(missing)}")
    return {v.upper(): found[v.upper()] for v in sorted(variables)}


# Writing.


def _text(
    name: str,
    entries: tuple[Entry, ...],
    sizes: Mapping[str, int],
    part: Section,
    given_bits: int | None,
) -> str:
    ranks: dict[str, list[str]] = {}
    for entry in entries:
        for access in (entry.output, *entry.inputs):
            ranks.setdefault(access.tensor, [rank for rank, _ in access.projection])
    made = {entry.output.tensor for entry in entries}
    bits = _bits(part, frozenset(ranks))
    if given_bits is not None:
        bits = dict.fromkeys(bits, given_bits)
    first: dict[str, str] = {}
    for entry in entries:
        for access in entry.inputs:
            if access.tensor not in made:
                own = ", ".join(variable.upper() for _, variable in access.projection)
                first.setdefault(access.tensor, f"{access.tensor}[{own}]")

    def written(access: Access) -> str:
        variables = dict(access.projection)
        if set(variables) != set(ranks[access.tensor]):
            raise SpecError(
                f"{access.tensor} is accessed by other ranks than {', '.join(ranks[access.tensor])}"
            )
        return f"{access.tensor}[{', '.join(variables[rank] for rank in ranks[access.tensor])}]"

    lines = [f"cascade {name}", f"ranks {', '.join(sizes)}"]
    lines += [f"input {text}" for text in first.values()]
    lines += [f"format {tensor} {_FORMATS[width]}" for tensor, width in bits.items()]
    for entry in entries:
        right = " * ".join(written(access) for access in entry.inputs)
        kept = {variable for _, variable in entry.output.projection}
        used = {variable for access in entry.inputs for _, variable in access.projection}
        if len(entry.inputs) > 2:
            raise SpecError(f"{entry.name} has more than two inputs, which cannot be imported")
        if len(entry.inputs) == 1 and used <= kept:
            right = f"exp({right})"
        lines.append(f"{written(entry.output)} = {right}")
    return "\n".join(lines) + "\n"


def _bits(part: Section, every: Tensors) -> dict[str, int]:
    given = part.section("bits_per_value")
    found: dict[str, int] = {}
    for key in given:
        width = given.integer(key)
        if width not in _FORMATS:
            given.fail(key, f"no number format has {width} bits", rule=f"one of {list(_FORMATS)}")
        names = {"All": every, **{name: frozenset({name}) for name in every}}
        found |= dict.fromkeys(sorted(tensors(key, names)), width)
    return found


# Names.


def _default_renames(top: Section) -> tuple[tuple[str, str], ...]:
    if "renames" not in top:
        return ()
    for one in top.section("renames").listed("einsums"):
        if one.text("name") == "default":
            parts = one.listed("tensor_accesses")
            return tuple((part.text("name"), part.text("source")) for part in parts)
    return ()


def _names(
    entry: Entry, between: Tensors, defaults: tuple[tuple[str, str], ...]
) -> dict[str, Tensors]:
    """The sets of an Einsum; `between` are the intermediates, what is copied among them."""
    every = frozenset(access.tensor for access in (entry.output, *entry.inputs))
    found = {
        "All": every,
        "Nothing": frozenset[str](),
        "Inputs": frozenset(access.tensor for access in entry.inputs),
        "Outputs": frozenset({entry.output.tensor}),
        "Intermediates": every & between,
        **{name: frozenset({name}) for name in every},
    }
    own = dict(entry.renames)
    for name, text in {**dict(defaults), **own}.items():
        found[name] = tensors(text, found)
    return found
