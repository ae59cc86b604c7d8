"""Mapping files: what is read, what is refused and where, and the way back to text."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.architecture import Architecture
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import (
    Branches,
    Compute,
    For,
    Group,
    Hold,
    Mapping,
    Phase,
    Policy,
    Spread,
    nodes,
)
from archsim.mapping_file import load_mapping, mapping_names, parse_mapping
from archsim.mapping_text import loop_nest, mapping_to_yaml
from einsum.cascade import Cascade
from einsum.errors import Source, SpecError
from einsum.shapes import Shapes, bind
from tests.archsim.random_mappings import KINDS, TINY
from tests.archsim.two_by_two import MATMUL, TEXT, chip, shapes
from workloads.library import load_cascade

SQUARE = shapes(MATMUL, M=16, N=8, K=4)

FLAT = {"G": 256, "P1": 256, "q": 1, "k": 0, "v": 1, "av": 1, "scores": 1}
FLAT |= {"spilled": 0.25, "softmax_spilled": 0}


def read(text: str, bound: Shapes = SQUARE, **parameters: float) -> Mapping:
    return parse_mapping(Source("mine.yaml", text)).bind(bound.cascade, bound, chip(), parameters)


def wrapped(*lines: str) -> str:
    """A file with one group, whose nest is `lines`."""
    return "name: mine\ngroups:\n  - nest:\n" + "".join(f"      - {line}\n" for line in lines)


END = "{compute: Z, unit: array}"


def nest_of(*lines: str) -> tuple[object, ...]:
    return read(wrapped(*lines)).groups[0].nest


class TestNodes:
    def test_loops(self) -> None:
        assert nest_of("{for: m, tile: 4}", "{for: n}", "{for: k, tile: any}", END) == (
            *(For("m", 4), For("n", 1), For("k", "k tile, line 6"), Compute("Z", "array")),
        )

    def test_spatial_loops(self) -> None:
        assert nest_of(
            "{for: m, across: array.rows}", "{for: n, across: bank.cores, count: 2}", END
        )[:2] == (Spread("m", "array.rows"), Spread("n", "bank.cores", 2))

    def test_holds(self) -> None:
        assert nest_of(
            "{hold: [A, B], in: buffer}",
            "{hold: [Z], in: bank, copies: 2, spilled: 1 / 4, overlaid: true}",
            END,
        )[:2] == (
            Hold(("A", "B"), "buffer"),
            Hold(("Z",), "bank", copies=2, spilled=0.25, overlaid=True),
        )

    def test_a_hold_that_is_only_there_sometimes(self) -> None:
        assert nest_of("{hold: [A], in: buffer, when: M // 32}", END) == (Compute("Z", "array"),)
        assert len(nest_of("{hold: [A], in: buffer, when: M // 16}", END)) == 2

    def test_computing_across_an_array(self) -> None:
        line = "{compute: Z, unit: array, rows: m, columns: [n, k], then: [m]}"
        assert nest_of(line) == (
            Spread("m", "array.rows"),
            *(Spread("n", "array.columns"), Spread("k", "array.columns")),
            *(For("m"), Compute("Z", "array")),
        )

    def test_branches(self) -> None:
        bound = shapes("ranks M\ninputs A[M]\nT[m] = A[m] * 2\nZ[m] = T[m] + 1\n", M=8)
        text = wrapped("each: [{nest: [{for: m}, {compute: T, unit: array}]}, " + END + "]")
        assert read(text, bound).groups[0].nest == (
            Branches(((For("m"), Compute("T", "array")), (Compute("Z", "array"),))),
        )


class TestNames:
    @pytest.mark.parametrize(
        ("size", "value"),
        [
            ("M", 16),
            ("M // 3", 5),
            ("rows * 2", 4),
            ("array_rows + lanes", 6),
            ("max(1, N // M)", 1),
            ("mine", 7),
            ("fixed", 3),
            ("64K", 65536),
        ],
    )
    def test_in_expressions(self, size: str, value: int) -> None:
        head = "parameters: {mine: 1, fixed: 3}\n"
        found = read(head + wrapped(f'{{for: m, tile: "{size}"}}', END), mine=7)
        assert found.groups[0].nest[0] == For("m", value)

    def test_constants_of_the_cascade(self) -> None:
        bound = shapes(MATMUL.replace("inputs", "constants W = 5\ninputs"), M=4, N=4, K=4)
        found = read(wrapped("{for: m, tile: W}", END), bound)
        assert found.groups[0].nest[0] == For("m", 5)

    def test_two_arrays_with_rows(self) -> None:
        """Then only the qualified names are there."""
        text = TEXT.replace("dims: {lanes: 4}", "dims: {rows: 4}")
        file = parse_mapping(Source("mine.yaml", wrapped("{for: m, tile: vector_rows}", END)))
        assert file.bind(SQUARE.cascade, SQUARE, chip(text)).groups[0].nest[0] == For("m", 4)
        file = parse_mapping(Source("mine.yaml", wrapped("{for: m, tile: rows}", END)))
        with pytest.raises(SpecError, match="unknown parameter rows"):
            file.bind(SQUARE.cascade, SQUARE, chip(text))


class TestGroups:
    def test_policies_and_phases(self) -> None:
        text = wrapped(END).replace(
            "  - nest:",
            "  - schedule: paper\n    phases: [{einsums: [Z], bubble: Z, times: rows}]\n    nest:",
        )
        (group,) = read(text).groups
        assert (group.policy, group.phases) == (Policy.PAPER, (Phase(("Z",), "Z", 2.0),))
        assert read(wrapped(END)).groups[0].policy is Policy.OVERLAPPED

    def test_like_another_mapping(self) -> None:
        cascade, bound, architecture = fusemax()
        base = load_mapping("fusemax").bind(cascade, bound, architecture)
        other = load_mapping("fusemax-not-interleaved").bind(cascade, bound, architecture)
        assert [g.nest for g in base.groups] == [g.nest for g in other.groups]
        assert base.groups[0].phases != other.groups[0].phases
        assert other.name == "fusemax-not-interleaved"


def fusemax() -> tuple[Cascade, Shapes, Architecture]:
    cascade, architecture = load_cascade("attention/fusemax"), load_architecture("fusemax-cloud")
    return cascade, bind(cascade, {"M": 4096, "P": 4096}), architecture


def preset(name: str) -> tuple[Mapping, Shapes, Architecture]:
    file = load_mapping(name)
    made_for = next(
        line.split()[1] for line in file.source.text.splitlines() if line.startswith("cascade:")
    ) if "cascade:" in file.source.text else "attention/fusemax"  # fmt: skip
    cascade = load_cascade(made_for)
    gpu = name.startswith("gpu-")  # a row of 4096 scores is too long for gpu-p3-retain
    bound = bind(cascade, {"M": 2048, "P": 2048} if gpu else {"M": 4096, "P": 4096})
    chips = {"flat-output": "flat-cloud", "flat-weight": "flat-cloud", "unfused": "unfused-cloud"}
    default = "h100-sxm" if gpu else "fusemax-cloud"
    architecture = load_architecture(chips.get(name, default))
    given = {key: FLAT[key] for key, value in file.parameters if value is None}
    return file.bind(cascade, bound, architecture, given), bound, architecture


@pytest.mark.parametrize("name", [n for n in mapping_names() if n != "fusemax-on-flat"])
def test_presets_evaluate_and_survive_being_written(name: str) -> None:
    mapping, bound, architecture = preset(name)
    report = evaluate(bound.cascade, bound, architecture, mapping, load_library())
    assert report.latency_s > 0
    again = parse_mapping(Source("again.yaml", mapping_to_yaml(report.mapping)))
    assert again.bind(bound.cascade, bound, architecture) == report.mapping
    assert again.name == report.mapping.name


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    random=st.randoms(use_true_random=False),
    policy=st.sampled_from([Policy.SERIAL, Policy.OVERLAPPED, Policy.PIPELINED, Policy.PAPER]),
    name=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1),
    spilled=st.floats(0, 1),
)
def test_round_trip(kind: str, random: Random, policy: Policy, name: str, spilled: float) -> None:
    bound, mapping = KINDS[kind](random)
    groups = []
    for group in mapping.groups:
        names = [node.einsum for node in nodes(group.nest) if isinstance(node, Compute)]
        cut = random.randrange(len(names) + 1)
        parts = tuple(filter(None, (tuple(names[:cut]), tuple(names[cut:]))))
        phases = (*(Phase(part) for part in parts), Phase((), names[0], 2.5))
        held = Hold(tuple(random.sample("AZ", 1 if "Z" in names else 0)) or ("A",), "buffer")
        held = Hold(held.tensors, "buffer", random.randrange(1, 4), spilled, random.random() < 0.5)
        groups.append(Group((held, *group.nest), policy, phases if policy is Policy.PAPER else ()))
    made = Mapping(name, tuple(groups))
    file = parse_mapping(Source("made.yaml", mapping_to_yaml(made)))
    assert file.bind(bound.cascade, bound, TINY) == made


def test_loop_nest_as_people_write_it() -> None:
    text = loop_nest(read(wrapped(
        "{for: m, tile: 4}", "{hold: [A, B], in: buffer, copies: 2, spilled: 0.5}",
        "each: [{compute: Z, unit: array, rows: m}]",
    )))  # fmt: skip
    assert (
        text
        == """group 1 (overlapped)
  for m in tiles of 4
    hold A, B in buffer (x2, 50.00% spilled)
    parallel m across array.rows
      Z on array"""
    )


BAD = [
    # lines of the nest, where, what, the rule
    (["{for: x}", END], "4:15", "unknown rank variable x", "Valid: k, m, n"),
    (["{hold: [A, Q], in: buffer}", END], "4:20", "unknown tensor Q", "Valid: A, B, Z"),
    (["{hold: [A], in: bufer}", END], "4:25", "unknown memory bufer", "did you mean buffer?"),
    (["{hold: A, in: buffer}", END], "4:16", "hold is not a list", "write a list"),
    (["{hold: [A]}", END], "4:9", "nest[1] has no in", "add in"),
    (["{compute: Z, unit: arry}"], "4:28", "unknown unit arry", "did you mean array?"),
    (["{compute: Y, unit: array}"], "4:19", "unknown Einsum Y", "Valid: Z"),
    (["{compute: Z}"], "4:9", "has no unit", "add unit"),
    (["{for: m, tiles: 4}", END], "4:18", "unknown key tiles", "did you mean tile?"),
    (["{for: m, tile: 0}", END], "4:24", "tile is 0", "a whole number of at least 1"),
    (["{for: m, tile: 5 / 2}", END], "4:24", "tile is 2.5", "a whole number"),
    (["{for: m, tile: all}", END], "4:24", "unknown parameter all", "Valid: "),
    (["{for: m, tile: 1 / 0}", END], "4:24", "has no value", ""),
    (["{for: m, across: array.depth}", END], "4:26", "unknown dimension array.depth", "array.rows"),
    (["{for: m, across: array.rows, count: 3}", END], "4:45", "count is 3", "array.rows is 2"),
    (["{compute: Z, unit: array, lanes: m}"], "4:35", "unknown key lanes", "Valid: columns"),
    (["{compute: Z, unit: array, rows: x}"], "4:41", "unknown rank variable x", "Valid: k, m, n"),
    (["{hold: [A], in: buffer, spilled: 2}", END], "4:42", "spilled is 2", "share from 0 to 1"),
    (["{hold: [A], in: buffer, copies: 0}", END], "4:41", "copies is 0", "at least 1"),
    (["{hold: [A], in: buffer, overlaid: yes}", END], "4:43", "overlaid yes is unknown", "true"),
    (["{nothing: 1}", END], "4:9", "a node of a nest is one of for, hold", "exactly one"),
    (["{for: m, hold: [A], in: buffer}", END], "4:9", "a node of a nest is one of", "exactly one"),
    (["m", END], "", "entry 1 of nest is not a mapping", ""),
    (["each: [" + END + ", " + END + "]"], "4:53", "Z is computed twice", "line 4 computes it"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "where", "what", "rule"), BAD)
def test_bad_nests(lines: list[str], where: str, what: str, rule: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(wrapped(*lines))
    text = str(caught.value)
    assert text.startswith(f"mine.yaml:{where}" if where else "mine.yaml:"), text
    assert what in caught.value.message
    assert rule in caught.value.rule
    if where:
        line, column = map(int, where.split(":"))
        shown, caret = text.splitlines()[2:4]
        assert shown.partition("| ")[2] == wrapped(*lines).splitlines()[line - 1]
        assert caret.partition("| ")[2].index("^") == column - 1


PAPER = "schedule: paper\n    phases: [{bubble: Z, times: 1}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: []\n", "there is no name"),
        ("name: mine\n", "there is no groups"),
        ("name: mine\ngroups: 3\n", "groups is not a list"),
        ("name: mine\ngroups: []\n", "does not compute Z"),
        (wrapped(END) + "colour: red\n", "unknown key colour"),
        (wrapped(END).replace("nest", "nests"), "unknown key nests"),
        ("name: mine\ngroups: [{schedule: serial}]\n", "groups[1] has no nest"),
        (wrapped(END).replace("- nest", "- schedule: fast\n    nest"), "schedule fast is unknown"),
        (wrapped(END).replace("- nest", "- schedule: paper\n    nest"), "needs its phases"),
        (
            wrapped(END).replace("- nest", f"- {PAPER}\n    nest"),
            "Z stands in 0 phases of its group",
        ),
        ("like: nothing\n" + wrapped(END), "no mapping nothing"),
        ("name: mine\nlike: fusemax\ngroups: []\n", "unknown Einsum"),
        ("name: &a mine\ngroups: []\n", "anchors and aliases are not accepted"),
    ],
)  # fmt: skip
def test_bad_files(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(text)
    assert message in str(caught.value)


def test_parameters() -> None:
    text = "parameters: [size]\n" + wrapped("{for: m, tile: size}", END)
    with pytest.raises(SpecError, match="mapping mine needs values for size"):
        read(text)
    with pytest.raises(SpecError, match="mapping mine has no parameter sise"):
        read(text, size=2, sise=3)


def test_where_a_tensor_may_not_be_held() -> None:
    closed = chip(TEXT.replace("size: 1 KiB,", "size: 1 KiB, bypass: [A],"))
    file = parse_mapping(Source("mine.yaml", wrapped("{hold: [A], in: buffer}", END)))
    with pytest.raises(SpecError) as caught:
        file.bind(SQUARE.cascade, SQUARE, closed)
    assert str(caught.value).startswith("mine.yaml:4:17\nerror: A may not be held in buffer")


def test_an_einsum_that_is_missing() -> None:
    bound = shapes("ranks M\ninputs A[M]\nT[m] = A[m] * 2\nZ[m] = T[m] + 1\n", M=8)
    with pytest.raises(SpecError) as caught:
        read(wrapped(END), bound)
    assert str(caught.value).startswith("mine.yaml\nerror: mapping mine does not compute T")


def test_no_such_mapping() -> None:
    with pytest.raises(SpecError) as caught:
        load_mapping("fusmax")
    assert "did you mean fusemax?" in caught.value.rule
