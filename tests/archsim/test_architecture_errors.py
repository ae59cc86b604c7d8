"""Texts and values that are no architectures."""

from dataclasses import replace
from pathlib import Path

import pytest

from archsim.architecture import Dim
from archsim.load import load_architecture
from einsum.errors import SpecError
from tests.archsim.small_chip import SMALL, read


@pytest.mark.parametrize(
    ("old", "new", "place", "message", "rule"),
    [
        ("clock: 1 GHz", "clock: 1 GiB", "2:10", "GiB is not a unit of a frequency", "GHz"),
        ("clock: 1 GHz\n", "", "1:1", "there is no clock", "add clock"),
        ("size: 24 B", "size: -24 B", "22:11", "size is -24 B", "greater than 0"),
        ("size: 24 B", "sise: 24 B", "22:5", "unknown key sise", "did you mean size?"),
        ("size: 24 B", "size: 24 Q", "22:14", "Q is not a unit of a size", "Valid: B,"),
        ("parent: dram", "parent: drum", "12:13", "buffer is below drum", "did you mean dram?"),
        (
            "parent: dram",
            "parent: registers",
            "19:13",
            "buffer -> registers -> buffer is a cycle",
            "memories form a tree",
        ),
        ("    parent: dram\n", "", "6:1", "2 memories have no parent: dram, buffer", "root"),
        ("per: array", "per: arrow", "20:10", "is per PE of arrow, which is no unit", "array"),
        ("per: array", "per: vector", "20:10", "which does not read it", "memory: registers"),
        ("memory: buffer", "memory: registers", "32:13", "every PE of array has", "its own"),
        ("memory: buffer", "memory: bufer", "32:13", "which is no memory", "did you mean buffer"),
        ("rows: N", "rows: 0", "28:18", "rows is 0", "whole number of at least 1"),
        ("rows: N", "rows: P", "28:18", "unknown parameter P", "Valid: N"),
        ("mac: {", "mack: {", "30:7", "mack is not an operation", "did you mean mac?"),
        ("cycles: 6", "cycles: 0", "35:21", "cycles is 0", "greater than 0"),
        ("vector:", "array:", "31:3", "key array is given twice", "line 26"),
        ("vector:", "buffer:", "31:3", "buffer is defined twice", "different names"),
        ("vector:", "ve ctor:", "31:3", "'ve ctor' is not a name", "a letter"),
        ("component: sram", "component: s ram", "13:16", "'s ram' is not a name", "a letter"),
        ("access: 16 b", "access: 0 b", "23:13", "access is 0", "at least 1"),
        ("bypass: [K]", "bypass: K", "17:13", "bypass is not a list", "[a, b]"),
    ],
)
def test_errors_name_line_rule_and_choices(
    old: str, new: str, place: str, message: str, rule: str
) -> None:
    assert SMALL.count(old) >= 1
    with pytest.raises(SpecError) as caught:
        read(SMALL.replace(old, new, 1))
    assert str(caught.value).startswith(f"small.yaml:{place}\n")
    assert message in caught.value.message
    assert rule in caught.value.rule
    assert "^" in str(caught.value)


def test_an_error_reads_like_a_compilers() -> None:
    with pytest.raises(SpecError) as caught:
        read(SMALL.replace("parent: buffer", "parent: bufer"))
    assert str(caught.value) == (
        "small.yaml:19:13\n"
        "error: registers is below bufer, which is no memory\n"
        "  19 |     parent: bufer\n"
        "     |             ^^^^^\n"
        "rule: did you mean buffer? Valid: buffer, dram, registers"
    )


def test_a_missing_file_lists_the_presets(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="No such file") as caught:
        load_architecture(tmp_path / "mine.yaml")
    assert "fusemax-cloud" in caught.value.rule
    with pytest.raises(SpecError, match="did you mean flat-cloud"):
        load_architecture("flat-clud")
    with pytest.raises(SpecError, match="Is a directory"):
        load_architecture(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not a text file"):
        load_architecture(tmp_path / "binary.yaml")


def test_a_file_without_a_name_takes_the_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL.replace("architecture: small\n", ""))
    assert load_architecture(path).name == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda chip: {"clock_hz": float("nan")}, "the clock is nan"),
        (lambda chip: {"units": ()}, "there is no compute unit"),
        (lambda chip: {"memories": (), "units": chip.units}, "0 memories have no parent"),
        (lambda chip: {"memories": (chip.memories[0],) * 2 + chip.memories}, "is defined twice"),
        (
            lambda chip: {
                "memories": (replace(chip.memories[0], size_bytes=-1), *chip.memories[1:])
            },
            "the size of dram is -1",
        ),
        (
            lambda chip: {
                "memories": (replace(chip.memories[0], per_unit="array"), *chip.memories[1:])
            },
            "the root cannot belong to a unit",
        ),
        (
            lambda chip: {"units": (replace(chip.units[0], operations=()), chip.units[1])},
            "array has no operations",
        ),
        (
            lambda chip: {
                "units": (
                    replace(chip.units[0], dims=(Dim("rows", 2), Dim("rows", 2))),
                    chip.units[1],
                )
            },
            "dimension rows is given twice",
        ),
    ],
)
def test_no_value_breaks_a_rule(change: object, message: str) -> None:
    chip = read(SMALL)
    with pytest.raises(SpecError, match=message):
        replace(chip, **change(chip))  # type: ignore[operator]
