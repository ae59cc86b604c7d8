"""The example in docs/mappings.md is a mapping."""

from __future__ import annotations

import re
from pathlib import Path

from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping_file import parse_mapping
from archsim.mapping_text import mapping_to_yaml
from einsum.errors import Source
from einsum.shapes import bind
from workloads.library import load_cascade

TEXT = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")


def test_the_example_costs_what_its_own_text_costs() -> None:
    block = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    cascade = load_cascade("layers/matmul")
    shapes = bind(cascade, {"T": 4096, "N": 1024, "K": 512})
    chip, library = load_architecture("fusemax-cloud"), load_library()
    mapping = parse_mapping(Source("mappings.md", block[1])).bind(cascade, shapes, chip)
    report = evaluate(cascade, shapes, chip, mapping, library)
    assert report.latency_gap < 1.01
    text = mapping_to_yaml(report.mapping)
    again = parse_mapping(Source("again.yaml", text)).bind(cascade, shapes, chip)
    assert again == report.mapping
