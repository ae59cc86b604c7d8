"""Configurations: data that names a cascade, an architecture and a mapping."""

from __future__ import annotations

import pytest

from archsim.energy import Published
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping import Policy
from einsum.errors import SpecError
from einsum.shapes import bind
from mapper.configurations import bind_mapping, configuration_named, configuration_names
from workloads.models import model_named
from workloads.transformer import attention


def test_those_of_the_paper_in_its_order() -> None:
    assert configuration_names()[:5] == ("unfused", "flat", "cascade", "arch", "binding")


@pytest.mark.parametrize("name", configuration_names())
def test_each_evaluates_on_its_own_hardware(name: str) -> None:
    configuration = configuration_named(name)
    assert configuration.name == name
    assert configuration.description
    architecture = load_architecture(configuration.architecture)
    work = attention(model_named("T5"), 2048, cascade=configuration.cascade)
    tiles = configuration.tile_shape(architecture)
    assert set(tiles) <= set(work.cascade.parents)
    shapes = bind(work.cascade, {**work.shape, **tiles})
    mapping = bind_mapping(configuration.mapping, work.cascade, shapes, architecture, "T5")
    report = evaluate(
        work.cascade, shapes, architecture, mapping, load_library(), configuration.published
    )
    assert report.latency_gap >= 1


def test_tiles_follow_the_array() -> None:
    binding = configuration_named("binding")
    narrow = load_architecture(binding.architecture).with_parameter("array_2d.rows", 128)
    assert binding.tile_shape(narrow) == {"M0": 128}


def test_what_the_artifact_counted_otherwise() -> None:
    assert configuration_named("binding").published == Published()
    cascade = configuration_named("cascade").published
    assert cascade.omits == {"exp_unit16"}
    assert cascade.priced is not None
    assert cascade.priced.memory("global_buffer").size_bytes == 32 << 20


def test_one_cascade_in_different_schedules() -> None:
    work = attention(model_named("bert"), 4096)
    architecture = load_architecture("fusemax-cloud")
    shapes = bind(work.cascade, work.shape)
    groups = [
        bind_mapping(name, work.cascade, shapes, architecture).groups[0]
        for name in ("fusemax", "fusemax-not-interleaved")
    ]
    assert groups[0].nest == groups[1].nest
    assert groups[0].phases != groups[1].phases
    assert {group.policy for group in groups} == {Policy.PAPER}


def test_unknown_names() -> None:
    with pytest.raises(SpecError) as caught:
        configuration_named("bindin")
    assert "did you mean binding?" in caught.value.rule
    work = attention(model_named("bert"), 4096)
    with pytest.raises(SpecError, match="no mapping flatt"):
        bind_mapping(
            *("flatt", work.cascade, bind(work.cascade, work.shape)),
            load_architecture("flat-cloud"),
            "BERT",
        )
