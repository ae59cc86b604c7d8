"""From the settings of a design to what is evaluated: names become values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archsim.architecture import Architecture
from archsim.default_mapping import default_mapping
from archsim.energy import Published
from archsim.load import load_architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from archsim.parameter_paths import with_values
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.formats import format_named
from einsum.shapes import Shapes, bind
from mapper.configurations import Configuration, bind_mapping, configuration_named
from mapper.models import load_model
from mapper.sweep.settings import PLAIN
from mapper.sweep.spec import DEFAULT_ARCHITECTURE, DEFAULT_CONFIGURATION
from workloads.library import load_cascade
from workloads.models import Model
from workloads.transformer import attention

_FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Design:
    """A cascade with sizes on an architecture, and how the one is mapped to the other."""

    cascade: Cascade
    shapes: Shapes
    architecture: Architecture
    mapping: LoopMapping
    published: Published


def resolve(settings: Mapping[str, Any]) -> Design:
    """The design that `settings` describe; its numbers are used as they are, whatever they are.

    Raises `SpecError` where they do not go together.
    """
    configuration = _configuration(settings)
    default = configuration.architecture if configuration else DEFAULT_ARCHITECTURE
    architecture = load_architecture(settings.get("arch", default))
    changes = {name: settings[name] for name in settings if _is_path(name)}
    if changes:
        architecture = with_values(architecture, changes)
    name = settings.get("cascade") or (configuration.cascade if configuration else "")
    cascade = _with_formats(load_cascade(name), settings)
    sizes: dict[str, Any] = {}
    if configuration:
        tiles = configuration.tile_shape(architecture)
        sizes |= {rank: size for rank, size in tiles.items() if rank in cascade.parents}
    model = load_model(settings["workload"]) if "workload" in settings else None
    if model:
        sizes |= _workload(model, name, settings)
    shapes = bind(cascade, sizes | _family(settings, "shape"))
    mapping = _mapping(settings, configuration, shapes, architecture, model)
    published = configuration.published if configuration else Published()
    return Design(cascade, shapes, architecture, mapping, published)


def _configuration(settings: Mapping[str, Any]) -> Configuration | None:
    if "config" in settings:
        return configuration_named(settings["config"])
    return None if "cascade" in settings else configuration_named(DEFAULT_CONFIGURATION)


def _is_path(name: str) -> bool:
    return name not in PLAIN and name.partition(".")[0] not in ("shape", "format", "mapping")


def _family(settings: Mapping[str, Any], family: str) -> dict[str, Any]:
    prefix = f"{family}."
    return {
        name.removeprefix(prefix): settings[name]
        for name in settings
        if name[: len(prefix)] == prefix
    }


def _workload(model: Model, cascade: str, settings: Mapping[str, Any]) -> Mapping[str, int]:
    query_len = 1 if settings.get("phase") == "decode" else settings.get("query_len")
    return attention(
        model,
        settings["seq_len"],
        cascade=cascade,
        batch=settings.get("batch"),
        query_len=query_len,
    ).shape


def _with_formats(cascade: Cascade, settings: Mapping[str, Any]) -> Cascade:
    """`cascade` with the number formats that are set for all or for single tensors."""
    own = _family(settings, "format")
    for name in own:
        cascade.tensor(name)  # refuses unknown ones
    chosen = {
        tensor.name: own.get(tensor.name, settings.get("format")) for tensor in cascade.tensors
    }
    tensors = tuple(
        replace(tensor, format=format_named(given)) if (given := chosen[tensor.name]) else tensor
        for tensor in cascade.tensors
    )
    return replace(cascade, tensors=tensors) if tensors != cascade.tensors else cascade


def _mapping(
    settings: Mapping[str, Any],
    configuration: Configuration | None,
    shapes: Shapes,
    architecture: Architecture,
    model: Model | None,
) -> LoopMapping:
    name = str(settings.get("mapping") or (configuration.mapping if configuration else ""))
    parameters = _family(settings, "mapping")
    if name == _FLAT and model is None:
        raise SpecError(
            "the mapping flat is FLAT's choice for a model", rule="give workload, or a mapping"
        )
    if not name:
        mapping = default_mapping(shapes.cascade, shapes, architecture)
    else:
        label = model.name if model else ""
        mapping = bind_mapping(name, shapes.cascade, shapes, architecture, label, parameters)
    if "policy" not in settings:
        return mapping
    policy = Policy(settings["policy"])
    if policy is Policy.PAPER and not all(group.phases for group in mapping.groups):
        raise SpecError(
            f"mapping {mapping.name} has no phases for policy paper",
            rule="choose serial or overlapped, or a mapping file that lists phases",
        )
    return replace(mapping, groups=tuple(replace(g, policy=policy) for g in mapping.groups))
