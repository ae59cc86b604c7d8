"""`einfall list` and `einfall show`: names, and texts that can be given back."""

from __future__ import annotations

from pathlib import Path

import pytest

from archsim.library import library_names, load_library
from archsim.load import architecture_names, load_architecture
from archsim.mapping_file import load_mapping, mapping_names
from einsum.errors import SpecError
from einsum.operators import OPERATORS
from reports.listings import Kind
from reports.models import load_model
from tests.reports.command import Command
from workloads.library import cascade_names, load_cascade
from workloads.models import model_named, model_names
from workloads.references import reference_names

NAMES = {
    Kind.CASCADES: cascade_names(),
    Kind.ARCHITECTURES: architecture_names(),
    Kind.MODELS: model_names(),
    Kind.OPERATORS: tuple(OPERATORS),
    Kind.MAPPINGS: mapping_names(),
    Kind.COMPONENTS: tuple(component.name for component in load_library().components),
    Kind.REFERENCES: reference_names(),
}


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_list_gives_the_same_names_as_text_and_as_json(einfall: Command, kind: Kind) -> None:
    title, header, *lines = einfall("list", kind.value).out.splitlines()
    rows = einfall("list", kind.value, "--json").json
    assert title == kind.value
    assert header.split()[0] == "name"
    assert [line.split()[0] for line in lines] == [row["name"] for row in rows]
    assert len({tuple(row) for row in rows}) == 1, "all rows have the same keys"
    if kind in NAMES:
        assert [row["name"] for row in rows] == list(NAMES[kind])


@pytest.mark.parametrize("name", ["attention/fusemax", "norm/layer-norm"])
def test_shown_cascade_can_be_given_back(einfall: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.cascade"
    file.write_text(einfall("show", "cascade", name).out)
    assert load_cascade(file) == load_cascade(name)
    assert load_cascade(file).description == load_cascade(name).description


@pytest.mark.parametrize("name", architecture_names())
def test_shown_architecture_can_be_given_back(einfall: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(einfall("show", "arch", name).out)
    assert load_architecture(file) == load_architecture(name)


@pytest.mark.parametrize("name", mapping_names())
def test_shown_mapping_can_be_given_back(einfall: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(einfall("show", "mapping", name).out)
    assert load_mapping(str(file)).parameters == load_mapping(name).parameters


@pytest.mark.parametrize("name", model_names())
def test_shown_model_can_be_given_back(einfall: Command, tmp_path: Path, name: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(einfall("show", "model", name).out)
    assert load_model(str(file)) == model_named(name)


@pytest.mark.parametrize("name", library_names())
def test_shown_components_are_the_library(einfall: Command, name: str) -> None:
    shown = einfall("show", "components", name).out
    for component in load_library(name).components:
        assert f"\n  {component.name}:" in shown


def test_model_of_a_file_with_several(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(einfall("show", "model", "BERT").out + einfall("show", "model", "T5").out)
    assert load_model(f"{file}:T5") == model_named("T5")
    with pytest.raises(SpecError, match="several models") as no_name:
        load_model(str(file))
    assert "BERT, T5" in no_name.value.rule
    with pytest.raises(SpecError, match="no model BERTT") as wrong_name:
        load_model(f"{file}:BERTT")
    assert "did you mean BERT?" in wrong_name.value.rule
