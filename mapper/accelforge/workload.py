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
from archsim.yaml_nodes import Scalar, Sequence
from einsum.cascade import Cascade, Role
from einsum.errors import Source, SpecError
from einsum.parser import parse_cascade
from mapper.accelforge.sets import Tensors, tensors
from mapper.accelforge.text import open_spec

_ACCESS = re.compile(r"\s*(?P<name>\w+)\s*\[(?P<indices>[^\]]*)\]\s*")
_BOUND = re.compile(r"\s*0\s*<=\s*(?P<variable>\w+)\s*<\s*(?P<size>.+)")
_FORMATS = {4: "int4", 8: "int8", 16: "bf16", 32: "fp32"}


@dataclass(frozen=True, slots=True)
class Access:
    """A tensor with the rank variable of each of its ranks."""

    tensor: str
    projection: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """An Einsum of a workload. A copy has no cost where source and target lie together."""

    name: str
    output: Access
    inputs: tuple[Access, ...]
    renames: tuple[tuple[str, str], ...]
    is_copy: bool


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


def load_workload(
    source: Source, values: Mapping[str, int | float | str] | None = None, name: str = "workload"
) -> Workload:
    """The cascade in the text of an AccelForge workload, its template filled with `values`.

    Raises `SpecError` with the place of what it has and a cascade cannot have.
    """
    top = open_spec(source, values or {})
    part = top.section("workload")
    part.offer("persistent_tensors", "iteration_space_shape", "rank_sizes")
    everything = _entries(part)
    entries = _without_copies(everything)
    sizes = _sizes(part, entries)
    cascade = parse_cascade(_text(name, entries, sizes, part), source.name)
    part.done()
    renames = _default_renames(top)
    top.done()
    return Workload(
        cascade,
        sizes,
        {one.output.tensor: _names(one, cascade, renames) for one in entries},
        {one.name: one.output.tensor for one in entries},
        tuple(one for one in everything if one.is_copy),
    )


# Reading.


def _entries(part: Section) -> tuple[Entry, ...]:
    part.offer("einsums")
    node = part.table.entries.get("einsums")
    if not isinstance(node, Sequence):
        part.fail("einsums", "einsums is not a list")
    found = []
    for item in node.items:
        if isinstance(item, Scalar):
            found.append(_equation(item.text, (), False, part))
            continue
        section = Section(part.source, item, (*part.path, "einsums"), item.span)  # type: ignore[arg-type]
        found.append(_entry(section))
        section.done()
    return tuple(found)


def _entry(section: Section) -> Entry:
    section.offer("name", "renames", "is_copy_operation", "tensor_accesses", "einsum")
    renames: tuple[tuple[str, str], ...] = ()
    if "renames" in section:
        table = section.section("renames")
        renames = tuple((key, table.text(key)) for key in table)
    copies = "is_copy_operation" in section
    is_copy = copies and section.text("is_copy_operation").lower() == "true"
    if "einsum" in section:
        return _equation(section.text("einsum"), renames, is_copy, section)
    outputs, inputs = [], []
    for one in section.listed("tensor_accesses"):
        access = Access(one.text("name"), _projection(one))
        is_output = "output" in one and one.text("output").lower() == "true"
        (outputs if is_output else inputs).append(access)
        one.done()
    if len(outputs) != 1:
        section.fail("tensor_accesses", f"{len(outputs)} outputs", rule="an Einsum has one output")
    return Entry(section.text("name"), outputs[0], tuple(inputs), renames, is_copy)


def _projection(one: Section) -> tuple[tuple[str, str], ...]:
    node = one.table.entries.get("projection")
    if isinstance(node, Sequence):
        return tuple((name.upper(), name) for name in one.texts("projection"))
    table = one.section("projection")
    return tuple((rank, table.text(rank)) for rank in table)


def _equation(
    text: str, renames: tuple[tuple[str, str], ...], is_copy: bool, part: Section
) -> Entry:
    left, _, right = text.partition("=")
    found = [_access(piece, text, part) for piece in (left, *right.split("*"))]
    return Entry(found[0].tensor, found[0], tuple(found[1:]), renames, is_copy)


def _access(piece: str, text: str, part: Section) -> Access:
    match = _ACCESS.fullmatch(piece)
    if match is None:
        raise SpecError(
            f"{piece.strip()!r} in {text!r} is not an access",
            rule="an Einsum is written T[m, n] = A[m, k] * B[K: k, n]",
            source=part.source,
            span=part.span,
        )
    pairs = []
    for index in match["indices"].split(","):
        rank, colon, variable = (piece.strip() for piece in index.partition(":"))
        pairs.append((rank, variable) if colon else (rank.upper(), rank))
    for _, variable in pairs:
        if not variable.isidentifier():
            raise SpecError(
                f"{variable!r} is not a rank variable",
                rule="indices that are computed cannot be imported",
                source=part.source,
                span=part.span,
            )
    return Access(match["name"], tuple(pairs))


def _without_copies(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    same: dict[str, str] = {}
    kept = []
    for entry in entries:
        inputs = tuple(Access(same.get(a.tensor, a.tensor), a.projection) for a in entry.inputs)
        if entry.is_copy:
            same[entry.output.tensor] = inputs[0].tensor
        else:
            renames = tuple((key, same.get(value, value)) for key, value in entry.renames)
            kept.append(Entry(entry.name, entry.output, inputs, renames, False))
    return tuple(kept)


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


def _text(name: str, entries: tuple[Entry, ...], sizes: Mapping[str, int], part: Section) -> str:
    ranks: dict[str, list[str]] = {}
    for entry in entries:
        for access in (entry.output, *entry.inputs):
            ranks.setdefault(access.tensor, [rank for rank, _ in access.projection])
    made = {entry.output.tensor for entry in entries}
    bits = _bits(part, frozenset(ranks))
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
    entry: Entry, cascade: Cascade, defaults: tuple[tuple[str, str], ...]
) -> dict[str, Tensors]:
    every = frozenset(access.tensor for access in (entry.output, *entry.inputs))
    found = {
        "All": every,
        "Nothing": frozenset[str](),
        "Inputs": frozenset(access.tensor for access in entry.inputs),
        "Outputs": frozenset({entry.output.tensor}),
        "Intermediates": frozenset(t for t in every if cascade.tensor(t).role is Role.INTERMEDIATE),
        **{name: frozenset({name}) for name in every},
    }
    own = dict(entry.renames)
    for name, text in {**dict(defaults), **own}.items():
        found[name] = tensors(text, found)
    return found
