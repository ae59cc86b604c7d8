from enum import Enum

import pytest

from archsim.quantities import Unit
from archsim.section import Section, open_section
from archsim.yaml_nodes import parse_yaml
from einsum.errors import Source, SpecError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def opened(text: str) -> Section:
    return open_section(Source("mine.yaml", text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "mine.yaml:3:1\nerror: key a is given twice\n   3 | a: 3\n     | ^\n"
            "rule: it stands on line 1 already; give it once",
        ),
        (
            "a: &x [1]\nb: *x\n",
            "mine.yaml:1:4\nerror: &x: anchors and aliases are not accepted\n"
            "   1 | a: &x [1]\n     |    ^\nrule: write the value out",
        ),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "mine.yaml:1:4\nerror: tag tag:yaml.org,2002:python/object/apply:os.system is not "
            "accepted\n   1 | a: !!python/object/apply:os.system [ls]\n     |    ^\n"
            "rule: write a value",
        ),
        (
            "a: [1, 2\nb: 3\n",
            "mine.yaml:2:2\nerror: this is not YAML: expected ',' or ']', but got ':'\n"
            "   2 | b: 3\n     |  ^",
        ),
        (
            "- a\n",
            "mine.yaml:1:1\nerror: the file is not a mapping\n   1 | - a\n     | ^\n"
            "rule: write one KEY: VALUE a line",
        ),
        ("", "mine.yaml\nerror: the file is not a mapping\nrule: write one KEY: VALUE a line"),
    ],
)
def test_what_is_not_plain_yaml(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_yaml(Source("mine.yaml", text))
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 5000 + "]" * 5000,
        "a: 1\n---\nb: 2\n",
        "? [a]\n: 1\n",
        "<<: {a: 1}\n",
        "a: \x00\n",
        "a: {b: 1\n",
        "a: !local 3\n",
        "a: " + "x" * (1 << 20),
    ],
)
def test_hostile_texts_are_refused_with_one_error(text: str) -> None:
    with pytest.raises(SpecError):
        parse_yaml(Source("mine.yaml", text))


def test_values_of_every_kind() -> None:
    top = opened(
        "name: yes\nrows: 2 * N\nsize: 4 * N KiB\ncolour: red\ntensors: [Q, K]\n"
        "parts:\n  a: {x: 1}\n  b: {x: 2}\nsteps:\n  - {x: 3}\n  - {x: 4}\n"
    )
    top.names["N"] = 8
    assert top.text("name") == "yes"
    assert top.integer("rows") == 16
    assert top.quantity("size", Unit.BYTES) == 32 << 10
    assert top.choice("colour", Colour) is Colour.RED
    assert top.texts("tensors") == ("Q", "K")
    assert [(name, part.integer("x")) for name, part in top.sections("parts")] == [
        ("a", 1),
        ("b", 2),
    ]
    assert [part.integer("x") for part in top.listed("steps")] == [3, 4]
    assert "other" not in top
    top.done()


READS = {
    "rows": lambda top: top.integer("rows"),
    "size": lambda top: top.quantity("size", Unit.BYTES),
    "colour": lambda top: top.choice("colour", Colour),
    "tensors": lambda top: top.texts("tensors"),
    "part": lambda top: top.section("part"),
    "steps": lambda top: top.listed("steps"),
}


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("rows: 1.5", "rows is 1.5", "      ^^^"),
        ("rows: 0", "rows is 0", "      ^"),
        ("rows:", "rows has no value", "^^^^"),
        ("rows: [1]", "rows is not a single value", "^^^^"),
        ("rows: 2 * Q", "unknown parameter Q", "          ^"),
        ("rows: '2 * Q'", "unknown parameter Q", "      ^^^^^^^"),
        ("size: -4 KiB", "size is -4 KiB", "      ^^^^^^"),
        ("size: 0 B", "size is 0 B", "      ^^^"),
        ("size: 4 MHz", "MHz is not a unit of a size", "        ^^^"),
        ("size: 4", "'4' has no unit", "      ^"),
        ("colour: rde", "colour rde is unknown", "        ^^^"),
        ("tensors: Q", "tensors is not a list", "         ^"),
        ("tensors: [[Q]]", "tensors holds more than names", "^^^^^^^"),
        ("part: 3", "part is not a mapping", "      ^"),
        ("steps: {a: 1}", "steps is not a list", "^^^^^"),
        ("steps: [3]", "entry 1 of steps is not a mapping", "^^^^^"),
    ],
)
def test_errors_point_at_the_value(text: str, message: str, caret: str) -> None:
    with pytest.raises(SpecError) as caught:
        READS[text.partition(":")[0]](opened(text))
    assert caught.value.message == message
    assert f"     | {caret}" in str(caught.value).splitlines()


def test_a_missing_key_points_at_the_section() -> None:
    with pytest.raises(SpecError) as caught:
        opened("part:\n  x: 1\n").section("part").text("y")
    assert str(caught.value).startswith("mine.yaml:1:1\nerror: part has no y\n")


def test_a_key_that_nobody_reads_is_refused_with_those_that_somebody_does() -> None:
    top = opened("size: 4 B\nsise: 8 B\n")
    top.quantity("size", Unit.BYTES)
    assert "colour" not in top
    with pytest.raises(SpecError) as caught:
        top.done()
    assert str(caught.value) == (
        "mine.yaml:2:1\nerror: unknown key sise\n   2 | sise: 8 B\n     | ^^^^\n"
        "rule: did you mean size? Valid: colour, size"
    )


def test_an_override_is_read_as_if_it_stood_in_the_text() -> None:
    source = Source("mine.yaml", "part:\n  x: 1\n")
    top = open_section(
        source, {("part", "x"): Source("--set x", "7"), ("part", "y"): Source("--set y", "b")}
    )
    part = top.section("part")
    assert list(part) == ["x", "y"]
    assert part.integer("x") == 7
    with pytest.raises(SpecError, match="--set y:1:1"):
        part.integer("y")
