"""`einfall passes`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from einsum.passes import analyse
from tests.reports.command import Command
from workloads.library import load_cascade
from workloads.taxonomy import SYSTEMS


@pytest.mark.parametrize("name", ["stable", "partial", "flash2"])
def test_text(einfall: Command, golden: Callable[[str, str], None], name: str) -> None:
    done = einfall("passes", f"attention/{name}", "--shape", "M=64K")
    assert done.code == 0
    golden(f"reports/passes-{name}.txt", done.out)


def test_json_has_the_keys_that_other_tools_read(einfall: Command) -> None:
    written = einfall("passes", "attention/stable", "--json").json
    assert written["passes"]["K"]["M"] == 3
    assert written["passes"]["V"]["M"] == 1
    assert written["max_passes"] == 3
    assert written["footprint"]["QK"] == "M"
    assert "SN reads QK again after GM" in written["reasons"]["QK"]["M"][0]


def test_partitions_count_under_the_declared_rank(einfall: Command) -> None:
    written = einfall("passes", "attention/flash2", "--json").json
    assert written["passes"]["QK"]["M"] == 1
    assert not {"M0", "M1"} & {rank for counts in written["passes"].values() for rank in counts}


def test_footprint_in_numbers(einfall: Command) -> None:
    written = einfall("passes", "attention/stable", "--json", "--shape", "M=64K").json
    assert written["shape"]["M"] == 65536
    assert written["footprint_elements"]["QK"] == 65536
    assert written["footprint_bytes"]["QK"] == 2 * 65536, "bf16"
    assert written["footprint_elements"]["Q"] == 64, "E is 64 by default"


def test_taxonomy_is_computed_from_the_cascades(
    einfall: Command, golden: Callable[[str, str], None]
) -> None:
    golden("reports/taxonomy.txt", einfall("passes", "--taxonomy").out)
    rows = einfall("passes", "--taxonomy", "--json").json
    assert [row["passes"] for row in rows] == sorted((row["passes"] for row in rows), reverse=True)
    assert {row["system"]: row["passes"] for row in rows} == {
        system.name: analyse(load_cascade(system.cascade)).max_passes for system in SYSTEMS
    }
