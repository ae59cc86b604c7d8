"""Code coverage of the leaf modules: all lines and branches, nearly all toggles.

Verilator counts nothing within package functions: `fp_pkg` is covered by functional bins
(test_leaves.py) and by mutations (test_leaf_mutations.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rtl.coverage import Kind, coverage_table, read_coverage
from rtl.tests.leaves import Leaf, run_vectors

MODULES = ("pe_mac.sv", "pe_max.sv", "pe_exp.sv")
LEAVES = (Leaf("bf16", 6), Leaf("fp32", 5, natural_base=True))


def test_leaf_modules_are_covered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for leaf in LEAVES:
        verdict, _ = run_vectors(leaf, tmp_path / str(leaf), count=5000, coverage=True)
        assert verdict.passed, verdict.failures
    coverage = read_coverage(tmp_path / str(leaf) / "coverage.dat" for leaf in LEAVES)
    with capsys.disabled():
        print(f"\n{coverage_table(coverage, MODULES)}")
    for module in MODULES:
        assert coverage.total(module, Kind.LINE) > 0
        assert coverage.missed(module, Kind.LINE) == ()
        assert coverage.missed(module, Kind.BRANCH) == ()
        assert coverage.share(module, Kind.TOGGLE) >= 0.95, coverage.missed(module, Kind.TOGGLE)
