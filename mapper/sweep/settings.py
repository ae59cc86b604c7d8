"""What a design is made of: named settings, some fixed by a sweep and some swept.

A setting is one of `PLAIN`, `shape.RANK`, `format.TENSOR`, `mapping.PARAMETER`, or the path of a
value of the architecture (`array_2d.rows`). Its value is a name, or a number in the base unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from archsim.architecture import Architecture
from archsim.mapping import Policy
from archsim.parameter_paths import parameter_units
from archsim.quantities import Unit, format_quantity, parse_quantity
from einsum.errors import SpecError, choices
from einsum.formats import FORMATS
from mapper.configurations import configuration_names

Setpoint: TypeAlias = str | float
"""The value of a setting: a name, or a number in its base unit."""

PHASES = ("prefill", "decode")
"""Prefill computes all queries of a sequence, a step of decoding one."""

PLAIN: Mapping[str, Unit | None] = MappingProxyType(
    {
        "workload": None,
        "seq_len": Unit.COUNT,
        "query_len": Unit.COUNT,
        "batch": Unit.COUNT,
        "phase": None,
        "config": None,
        "cascade": None,
        "arch": None,
        "mapping": None,
        "policy": None,
        "format": None,
    }
)
_FAMILIES: Mapping[str, Unit | None] = MappingProxyType(
    {"shape": Unit.COUNT, "format": None, "mapping": Unit.COUNT}
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's name and what it measures; a setting without a unit takes names."""

    name: str
    unit: Unit | None

    def parse(self, text: str) -> Setpoint:
        """The value that `text` writes. Raises `SpecError` for a wrong unit or name."""
        text = text.strip()
        if not text:
            raise SpecError(f"{self.name} has an empty value")
        if self.unit is None:
            valid = self._names()
            if valid and text not in valid:
                raise SpecError(f"{self.name} {text} is unknown", rule=choices(text, valid))
            return text
        value = parse_quantity(text, self.unit)
        if self.is_size and (value < 1 or value != int(value)):
            raise SpecError(
                f"{self.name} is {text}", rule=f"{self.name} is a whole number, at least 1"
            )
        return float(value)

    def format(self, value: Setpoint) -> str:
        """The shortest text that `parse` reads back."""
        if isinstance(value, str) or self.unit is None:
            return str(value)
        return format_quantity(value, self.unit)

    @property
    def is_size(self) -> bool:
        """A whole number by its nature; an architecture's own counts are checked as it is built."""
        return self.unit is Unit.COUNT and (self.name in PLAIN or self.name.startswith("shape."))

    def _names(self) -> Iterable[str]:
        match self.name.partition(".")[0]:
            case "phase":
                return PHASES
            case "policy":
                return [policy.value for policy in Policy]
            case "format":
                return FORMATS
            case "config":
                return configuration_names()
            case _:
                return ()


def setting_named(name: str, architectures: Iterable[Architecture]) -> Setting:
    """The setting called `name`, for all of `architectures`. `SpecError` lists the valid ones."""
    if name in PLAIN:
        return Setting(name, PLAIN[name])
    family, dot, member = name.partition(".")
    if dot and member and family in _FAMILIES:
        return Setting(name, _FAMILIES[family])
    units: list[Mapping[str, Unit | None]] = [parameter_units(one) for one in architectures]
    for architecture, known in zip(architectures, units, strict=True):
        if name not in known:
            raise SpecError(
                f"there is no {name} to set, neither in the workload nor in {architecture.name}",
                rule=_valid(name, known),
            )
    return Setting(name, units[0][name])


def _valid(name: str, known: Iterable[str]) -> str:
    """The settings that `name` may stand for: those of the memory or unit that it names, or all
    plain ones and how the others begin.
    """
    owner, dot, _ = name.partition(".")
    own = [path for path in known if path.startswith(f"{owner}.")]
    if dot and own:
        return choices(name, own)
    plain = [path for path in known if "." not in path]
    families = ["shape.RANK", "format.TENSOR", "mapping.PARAMETER"]
    families += dict.fromkeys(f"{path.partition('.')[0]}.KEY" for path in known if "." in path)
    return choices(name, [*PLAIN, *plain, *families])
