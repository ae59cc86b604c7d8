"""Component libraries from YAML files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from archsim.components import (
    Component,
    Library,
    MemoryComponent,
    OperationComponent,
    OperationCost,
    Scaling,
)
from archsim.load import read_file
from archsim.memory_models import (
    Anchored,
    MemoryCost,
    MemoryModel,
    PerBit,
    RegisterFile,
    SramTable,
)
from archsim.quantities import Unit
from archsim.section import Section, open_section
from einsum.errors import Source, SpecError, choices

_SHIPPED = files("archsim") / "libraries"
DEFAULT = ("fusemax-45nm", "tpu-v4i-7nm")
"""The libraries that are read when none is named."""


class _Kind(Enum):
    OPERATION = "operation"
    PER_BIT = "per-bit memory"
    REGISTER_FILE = "register file"
    SRAM_TABLE = "sram table"
    ANCHORED = "anchored memory"


def library_names() -> tuple[str, ...]:
    """The names of the shipped libraries."""
    names = (entry.name for entry in _SHIPPED.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def load_library(*names_or_paths: str | Path) -> Library:
    """The components of the named libraries or YAML files together; of `DEFAULT` for none.

    A component replaces one of the same name in an earlier file. Files are added to the default
    by naming it: `load_library(*DEFAULT, "mine.yaml")`. Raises `SpecError` with the place of
    what is wrong.
    """
    names = tuple(str(name) for name in names_or_paths or DEFAULT)
    if set(names) <= set(library_names()):
        return _load_shipped(names)  # a user's file may change between two calls
    return _load(names)


def library_source(name_or_path: str | Path) -> Source:
    """The text of a library, comments included, to read and to copy."""
    name = str(name_or_path)
    if name in library_names():
        text = (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        return Source(f"{name}.yaml", text)
    return read_file(Path(name), "library", library_names())


def _load(names: tuple[str, ...]) -> Library:
    components: dict[str, Component] = {}
    for name in names:
        folder = _SHIPPED if name in library_names() else Path(name).parent
        _read_library(open_section(library_source(name)), folder, components)
    return Library(" + ".join(Path(name).stem for name in names), tuple(components.values()))


_load_shipped = lru_cache(_load)


def _read_library(top: Section, folder: Traversable, components: dict[str, Component]) -> None:
    for name, section in top.sections("components"):
        components[name] = _read_component(name, section, folder, components)
        section.done()
    top.done()


def _read_component(
    name: str, section: Section, folder: Traversable, known: Mapping[str, Component]
) -> Component:
    kind = section.choice("kind", _Kind)
    source = section.text("source")
    scaling = section.choice("scaling", Scaling) if "scaling" in section else Scaling.LOGIC
    if kind is _Kind.ANCHORED:
        base = _base(section, known)
        return MemoryComponent(name, base.node_nm, source, _read_anchored(section, base), scaling)
    node = section.quantity("node", Unit.NANOMETRES)
    match kind:
        case _Kind.OPERATION:
            cost = OperationCost(_energy(section, "energy"), _area(section, "area"))
            return OperationComponent(name, section.text("format"), node, source, cost, scaling)
        case _Kind.PER_BIT:
            model: MemoryModel = PerBit(
                _energy(section, "read"), _energy(section, "write"), _area(section, "area")
            )
        case _Kind.REGISTER_FILE:
            energies = ("bit", "comparator", "address bit", "address")
            areas = ("bit", "comparator", "address bit")
            energy, area = section.section("energy"), section.section("area")
            model = RegisterFile(
                *(_energy(energy, key) for key in energies), *(_area(area, key) for key in areas)
            )
            energy.done()
            area.done()
        case _Kind.SRAM_TABLE:
            model = section.scalar("table", lambda text: _read_table(folder, text))
    return MemoryComponent(name, node, source, model, scaling)


def _energy(section: Section, key: str) -> float:
    return section.quantity(key, Unit.PICOJOULES, positive=False)


def _area(section: Section, key: str) -> float:
    return section.quantity(key, Unit.SQUARE_MICROMETRES, positive=False)


def _base(section: Section, known: Mapping[str, Component]) -> MemoryComponent:
    memories = {name: one for name, one in known.items() if isinstance(one, MemoryComponent)}
    name = section.text("like")
    if name not in memories:
        section.fail(
            "like",
            f"{name} is not a memory that is defined above",
            rule=choices(name, memories),
        )
    return memories[name]


def _read_anchored(section: Section, base: MemoryComponent) -> Anchored:
    return Anchored(
        base.model,
        8 * section.quantity("size", Unit.BYTES),
        section.integer("access", unit=Unit.BITS),
        MemoryCost(
            section.quantity("read", Unit.PICOJOULES),
            section.quantity("write", Unit.PICOJOULES),
            section.quantity("area", Unit.SQUARE_MICROMETRES),
        ),
    )


_COLUMNS = ("size_bytes", "access_bits", "read_pj", "write_pj", "area_um2")


def _read_table(folder: Traversable, name: str) -> SramTable:
    """The table in the CSV file beside the library. Raises `SpecError` for a bad line."""
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"the table {name} cannot be read: {error}") from None
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    points = []
    try:
        for row in csv.DictReader(io.StringIO("\n".join(lines))):
            size, width, *cost = (float(row[column]) for column in _COLUMNS)
            points.append((8 * size, width, MemoryCost(*cost)))
            if not all(value > 0 for value in (size, width, *cost)):
                raise ValueError("every value is greater than 0")
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(
            f"row {len(points) + 1} of the table {name} cannot be used: {error}",
            rule=f"its columns are {','.join(_COLUMNS)}, all of them numbers",
        ) from None
    for width in {width for _, width, _ in points}:
        if sum(1 for point in points if point[1] == width) < 2:
            raise SpecError(f"the table {name} has one size only for a width of {width:g} bits")
    if not points:
        raise SpecError(f"the table {name} has no rows")
    return SramTable(tuple(points))
