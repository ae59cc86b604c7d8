"""The control generator by itself: the memory image's layout, slots, rings and streams."""

from __future__ import annotations

import re

import pytest

from einsum.errors import SpecError
from rtl.build import ROOT
from rtl.control import words
from rtl.control.binding import Binding
from rtl.control.head import Head
from rtl.control.operations import Op1d, Op2d
from rtl.control.phases import phases
from rtl.control.rings import Use, elements_needed, tiles_needed
from rtl.control.slots import slots
from rtl.control.words import Fields, Word
from rtl.sim.array import Array

STRUCTS = {
    "slot_2d_t": words.SLOT_2D,
    "slot_1d_t": words.SLOT_1D,
    "capture_t": words.CAPTURE,
    "phase_t": words.PHASE_WORD,
    "stream_t": words.STREAM_WORD,
}


def package(name: str) -> str:
    return re.sub(r"//.*", "", (ROOT / "src" / name).read_text(encoding="utf-8"))


def struct_fields(name: str) -> Fields:
    """The fields of a packed struct of `sequencer_pkg`, its inner structs taken apart."""
    text = package("array_pkg.sv") + package("sequencer_pkg.sv")
    sizes = {key: int(value) for key, value in re.findall(r"(\w+Width) = (\d+)", text)}
    enums = {
        key: int(high) + 1
        for high, key in re.findall(r"enum logic \[(\d+):0\] {[^}]*} (\w+);", text)
    }
    body = re.search(r"struct packed {([^}]*)} " + name + ";", text)
    assert body is not None, name
    found: list[tuple[str, int]] = []
    for kind, high, field in re.findall(r"(\w+)\s+(?:\[(\w+)-1:0\]\s+)?(\w+);", body[1]):
        if kind == "logic":
            found.append((field, sizes[high] if high else 1))
        elif kind in enums:
            found.append((field, enums[kind]))
        else:
            found += [(f"{field}.{inner}", bits) for inner, bits in struct_fields(kind)]
    return tuple(found)


@pytest.mark.parametrize("name", STRUCTS)
def test_the_image_is_laid_out_as_the_package_says(name: str) -> None:
    assert struct_fields(name) == STRUCTS[name]


@pytest.mark.parametrize(("enum", "name"), [(Op2d, "op_2d_e"), (Op1d, "op_1d_e")])
def test_operations_have_the_numbers_of_the_package(enum: type[Op2d | Op1d], name: str) -> None:
    body = re.search(r"enum logic \[3:0\] {([^}]*)} " + name, package("array_pkg.sv"))
    assert body is not None
    numbers = [int(value) for value in re.findall(r"= 4'd(\d+)", body[1])]
    assert numbers == [one.value for one in enum]


def test_a_value_that_does_not_fit_is_refused() -> None:
    assert Word((("a", 4), ("b", 2)), (("a", 3), ("b", 1))).encode() == 0b1101
    with pytest.raises(SpecError, match="b is 4"):
        Word((("a", 4), ("b", 2)), (("b", 4),)).encode()


@pytest.mark.parametrize("binding", Binding, ids=lambda one: one.value)
def test_slots_are_the_reservations_of_the_schedule(binding: Binding) -> None:
    head = Head(8, 24, 16, 6, 10, binding, degree=3)
    for phase in phases(head.schedule()):
        steady = phase.pipeline.schedule
        reserved = sorted(
            (pulses.resource, cycle)
            for placed in steady.placements
            for pulses in placed.pulses
            for begin, end in pulses.intervals()
            for cycle in range(begin, end)
        )
        units = {leaf.einsum.name: leaf.unit for leaf in phase.pipeline.body.leaves}
        used = sorted(
            (units[name], slot.cycle) for name, own in slots(phase.pipeline).items() for slot in own
        )
        assert used == reserved


def test_tiles_take_turns_in_as_many_places_as_are_alive() -> None:
    assert tiles_needed((Use(0, written=5, read=20),), interval=16) == 1
    assert tiles_needed((Use(0, written=5, read=22),), interval=16) == 2
    # What is captured destroys a cycle earlier.
    assert tiles_needed((Use(0, written=5, read=21),), interval=16) == 1
    assert tiles_needed((Use(0, written=5, read=21, captured=True),), interval=16) == 2
    stream = tuple(Use(i, written=2 * i, read=2 * i + 3) for i in range(4))
    assert elements_needed(stream, interval=10) == 2
    assert elements_needed(stream, interval=1) is None


def test_more_skew_takes_more_registers() -> None:
    """At N = 64 four QK tiles wait in each PE; without room for them the interval grows."""
    wide = Array.of(Head(64, 256, 256, 8, 8), "bf16").program
    narrow = Array.of(Head(64, 256, 256, 8, 8, entries=2), "bf16").program
    assert wide.phases[0].interval == 26
    assert narrow.phases[0].interval > 26
