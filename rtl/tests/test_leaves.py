"""The leaf modules and the functions of `fp_pkg`, bit for bit against the golden model."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtl.build import Design, build, run
from rtl.formats import RTL_FORMATS
from rtl.tests.leaf_model import Operation
from rtl.tests.leaves import DEFAULT_LEAVES, OTHER_LEAVES, Leaf, run_vectors


@pytest.mark.parametrize("leaf", DEFAULT_LEAVES, ids=str)
def test_every_operation_is_exact_and_every_bin_is_filled(leaf: Leaf, tmp_path: Path) -> None:
    verdict, bins = run_vectors(leaf, tmp_path, count=100_000)
    assert verdict.passed, verdict.failures
    assert [name for name, count in bins.items() if not count] == []


@pytest.mark.parametrize("leaf", OTHER_LEAVES, ids=str)
def test_every_degree_is_exact(leaf: Leaf, tmp_path: Path) -> None:
    verdict, _ = run_vectors(leaf, tmp_path, operations=(Operation.EXP,), count=100_000)
    assert verdict.passed, verdict.failures


@pytest.mark.nightly
@pytest.mark.parametrize("leaf", [*DEFAULT_LEAVES, *OTHER_LEAVES], ids=str)
def test_a_million_vectors_are_exact(leaf: Leaf, tmp_path: Path) -> None:
    verdict, _ = run_vectors(leaf, tmp_path, count=1_000_000)
    assert verdict.passed, verdict.failures


@pytest.mark.parametrize("module", ["pe_mac", "pe_max", "pe_exp"])
def test_enable_reset_and_handshake(module: str, tmp_path: Path) -> None:
    built = build(Design(module, (("Format", RTL_FORMATS["bf16"]),)))
    verdict = run(built, "rtl.tests.handshake_bench", tmp_path, tests=module)
    assert verdict.passed, verdict.failures
