"""The bits of the sequencer's memory image, as `sequencer_pkg.sv` lays them out."""

from __future__ import annotations

from dataclasses import dataclass

from einsum.errors import SpecError

STREAM, ADDRESS, REGISTER, STAGE, STEP, PHASE, ROW, COUNT = 5, 16, 6, 4, 4, 4, 12, 20
"""Widths in bits; the names stand for those of the package."""

STREAMS, PHASES = 1 << STREAM, 1 << PHASE

_POINTER = (("stream", STREAM), ("offset", ADDRESS))
_REGISTER = (("stream", STREAM), ("offset", REGISTER))


def _under(name: str, fields: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    return tuple((f"{name}.{field}", width) for field, width in fields)


SLOT_2D = (
    ("op", 4),
    ("stage", STAGE),
    ("step", STEP),
    ("first", 1),
    *_under("left", _POINTER),
    ("select", 3),
    *_under("top", _POINTER),
    *_under("a", _REGISTER),
    *_under("d", _REGISTER),
)
SLOT_1D = (
    ("op", 4),
    ("stage", STAGE),
    ("step", STEP),
    ("last", 1),
    ("source", 2),
    ("initially", 2),
    *_under("a", _POINTER),
    *_under("b", _REGISTER),
    *_under("c", _REGISTER),
    ("target", 2),
    *_under("d", _POINTER),
    ("copy_en", 1),
    *_under("copy", _REGISTER),
)
CAPTURE = (("en", 1), ("stage", STAGE), *_under("target", _REGISTER))
PHASE_WORD = (
    ("base", ROW),
    ("interval", ROW),
    ("stages", STAGE),
    ("steps", COUNT),
    ("first", COUNT),
    ("back", PHASE),
    ("trips", COUNT),
    ("halt", 1),
)
STREAM_WORD = (
    ("phase", PHASE),
    ("base", ADDRESS),
    ("start", ADDRESS),
    ("stride", ADDRESS),
    ("limit", ADDRESS),
    ("period", COUNT),
    ("rewind", 1),
)

Fields = tuple[tuple[str, int], ...]


def width(fields: Fields) -> int:
    """Bits of all fields together."""
    return sum(bits for _, bits in fields)


@dataclass(frozen=True, slots=True)
class Word:
    """`fields` with their values, by name; what is not named is zero."""

    fields: Fields
    values: tuple[tuple[str, int], ...]

    def encode(self) -> int:
        """The first field in the highest bits. Raises `SpecError` for what does not fit."""
        given, word = dict(self.values), 0
        for name, bits in self.fields:
            value = given.pop(name, 0)
            if not 0 <= value < 1 << bits:
                raise SpecError(
                    f"{name} is {value:,} in the sequencer's table",
                    rule=f"it has {bits} bits: 0 to {(1 << bits) - 1:,}; use a smaller problem",
                )
            word = word << bits | value
        assert not given, f"there are no fields {sorted(given)}"
        return word
