"""The public API: what `import einfall` gives."""

from __future__ import annotations

import doctest
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import einfall
from reports.problem import resolve
from reports.selection import Selection

SHAPE = {"B": 2, "H": 3, "M": 1024, "P": 512}


def report(mapping: str | None) -> einfall.CostReport:
    return einfall.evaluate(
        einfall.load("attention/fusemax"),
        SHAPE,
        einfall.load_architecture("fusemax-cloud"),
        einfall.load_mapping(mapping) if mapping else None,
    )


def test_every_name_is_there_and_documented() -> None:
    assert len(set(einfall.__all__)) == len(einfall.__all__)
    for name in einfall.__all__:
        assert getattr(einfall, name).__doc__


def test_docstring() -> None:
    assert doctest.testmod(einfall).attempted > 0
    assert doctest.testmod(einfall).failed == 0


def test_load_passes_run() -> None:
    cascade = einfall.load("layers/matmul")
    assert einfall.parse(str(cascade)) == cascade
    assert einfall.passes(cascade).max_passes == 1
    x, w = np.arange(6.0).reshape(2, 3), np.ones((3, 4))
    np.testing.assert_allclose(einfall.run(cascade, {"X": x, "W": w})["Z"], x @ w)


def test_evaluate_is_what_the_command_line_says() -> None:
    selected = Selection(cascade="attention/fusemax", shape="B=2,H=3,M=1K,P=512", mapping="fusemax")
    assert report("fusemax") == resolve(selected).evaluate()


def test_without_a_mapping_the_default_one_is_taken() -> None:
    default = report(None)
    assert default.mapping.name == "default"
    assert default.latency_s > report("fusemax").latency_s


def test_found_mapping_can_be_evaluated_again() -> None:
    found = report("fusemax")
    again = einfall.evaluate(
        einfall.load("attention/fusemax"),
        SHAPE,
        einfall.load_architecture("fusemax-cloud"),
        found.mapping,
        einfall.load_library(),
    )
    assert again == found


def test_report_is_frozen_and_becomes_text_and_frame() -> None:
    found = report("fusemax")
    with pytest.raises(FrozenInstanceError):
        found.latency_s = 0.0  # type: ignore[misc]
    assert found.to_frame().iloc[0].to_dict() == found.to_row()
    assert str(found).startswith("attention/fusemax on fusemax-cloud, mapping fusemax\nshape B=2")
    for einsum in einfall.load("attention/fusemax").steps:
        assert f"\n  {einsum.name} " in str(found)


def test_errors_are_spec_errors() -> None:
    with pytest.raises(einfall.SpecError, match="unknown cascade"):
        einfall.load("attention/flash9")
