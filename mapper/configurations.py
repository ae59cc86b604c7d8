"""Configurations: a cascade, an architecture and a mapping that belong together, by name.

They are data (`mapper/data/configurations.yaml`); nothing here knows what any of them means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from archsim.architecture import Architecture
from archsim.energy import Published
from archsim.load import load_architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping_file import load_mapping
from archsim.quantities import Value
from archsim.section import open_section
from einsum.cascade import Cascade
from einsum.errors import Source, SpecError, choices
from einsum.shapes import Shapes
from mapper.flat import flat_choice


@dataclass(frozen=True, slots=True)
class Configuration:
    """Names of a cascade, an architecture and a mapping.

    `shape` sizes tiles of the cascade by the array's dimensions. `published_omits` lists
    components whose energy the published accounting of this configuration counts as zero, and
    `published_prices` names the architecture whose memories it is priced with ("": its own).
    """

    name: str
    description: str
    cascade: str
    architecture: str
    mapping: str
    shape: tuple[tuple[str, str], ...] = ()
    published_omits: frozenset[str] = frozenset()
    published_prices: str = ""

    @property
    def published(self) -> Published:
        """What the published accounting of this configuration counts otherwise."""
        priced = load_architecture(self.published_prices) if self.published_prices else None
        return Published(self.published_omits, priced)

    def tile_shape(self, architecture: Architecture) -> dict[str, int]:
        """Sizes of tiled ranks that follow from the array, `{"M0": 256}`."""
        return {rank: architecture.dim_size(dim) for rank, dim in self.shape}


@cache
def _configurations() -> dict[str, Configuration]:
    resource = files("mapper") / "data" / "configurations.yaml"
    top = open_section(Source("configurations.yaml", resource.read_text(encoding="utf-8")))
    found = {}
    for name in top:
        part = top.section(name)
        shape = part.section("shape") if "shape" in part else None
        found[name] = Configuration(
            name,
            part.text("description"),
            part.text("cascade"),
            part.text("architecture"),
            part.text("mapping"),
            tuple((rank, shape.text(rank)) for rank in shape) if shape else (),
            frozenset(part.texts("published_omits") if "published_omits" in part else ()),
            part.text("published_prices") if "published_prices" in part else "",
        )
        part.done()
    return found


def configuration_names() -> tuple[str, ...]:
    """All configurations, in the order of the paper."""
    return tuple(_configurations())


def configuration_named(name: str) -> Configuration:
    """The configuration called `name`; `SpecError` lists them if there is none."""
    if name not in _configurations():
        raise SpecError(f"there is no configuration {name}", rule=choices(name, _configurations()))
    return _configurations()[name]


def bind_mapping(
    name_or_path: str,
    cascade: Cascade,
    shapes: Shapes,
    architecture: Architecture,
    model: str = "",
    parameters: Mapping[str, Value] | None = None,
) -> LoopMapping:
    """A mapping by name or file, for these shapes on this hardware.

    `flat` stands for FLAT's own choice, which depends on the model (and on the platform, which
    is told by the size of the array). Raises `SpecError` if there is no such mapping.
    """
    if name_or_path == "flat":
        largest = max(map(architecture.dim_size, architecture.dims), default=1)
        platform = "edge" if largest <= 32 else "cloud"
        buffer = architecture.memory("global_buffer").size_bytes or float("inf")
        choice = flat_choice(platform, model, shapes.size("M"), buffer)
        name_or_path, parameters = choice.template, dict(choice.parameters)
    return load_mapping(name_or_path).bind(cascade, shapes, architecture, parameters)
