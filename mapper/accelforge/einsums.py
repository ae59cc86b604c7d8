"""The Einsums of its workloads: equations, or lists of the tensors that are accessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archsim.section import Section
from archsim.yaml_nodes import Scalar, Sequence
from einsum.errors import SpecError

_ACCESS = re.compile(r"\s*(?P<name>\w+)\s*\[(?P<indices>[^\]]*)\]\s*")


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


def read_entries(part: Section) -> tuple[Entry, ...]:
    """The Einsums of a workload in their order, copies included."""
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
    outputs: list[Access] = []
    inputs: list[Access] = []
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


def without_copies(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The other Einsums, which read the source of each copy instead of its target."""
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
