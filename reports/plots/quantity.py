"""How a column of results reads: its name for people, and its values with their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import assert_never

from archsim.engineering import binary, engineering
from archsim.quantities import Unit
from einsum.quantity import format_count
from mapper.sweep.description import Description


class Measure(Enum):
    """What the numbers of a column are; `COUNT` has K and M for powers of 1024."""

    NAME = "name"
    COUNT = "count"
    NUMBER = "number"
    BYTES = "bytes"
    BYTES_PER_S = "bytes/s"
    SECONDS = "s"
    HERTZ = "Hz"
    ENERGY = "pJ"
    ENERGY_DELAY = "pJ s"
    AREA = "um2"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column: its name, the name that an axis has, and what it measures.

    `binary` quantities are powers of two by habit, and so are the ticks of their axes;
    `texts` are the levels of a column of names.
    """

    column: str
    label: str
    measure: Measure
    maximise: bool = False
    texts: tuple[str, ...] = ()

    @property
    def binary(self) -> bool:
        """Whether its axis goes by powers of two."""
        return self.measure in (Measure.BYTES, Measure.COUNT)

    @property
    def short(self) -> str:
        """Its name within a sentence."""
        label = self.label.partition(" (")[0]
        return label.lower() if label[1:2].islower() and "." not in label else label

    def text(self, value: float) -> str:
        """A value with its unit.

        >>> Quantity("latency_s", "Latency", Measure.SECONDS).text(0.0125)
        '12.5 ms'
        """
        match self.measure:
            case Measure.NAME:
                return self.texts[int(value)]
            case Measure.COUNT:
                whole = float(value).is_integer() and value < 2**53
                if not whole:
                    return f"{value:,.4g}"
                short = format_count(int(value))
                return f"{int(value):,}" if short.isdigit() else short
            case Measure.NUMBER:
                return f"{value:,.4g}"
            case Measure.BYTES:
                return binary(value)
            case Measure.AREA:
                return f"{value / 1e6:,.4g} mm²"
            case Measure.SHARE:
                return f"{100 * value:.3g} %"
            case Measure.ENERGY:
                return engineering(value * 1e-12, "J")
            case Measure.ENERGY_DELAY:
                return engineering(value * 1e-12, "J s")
            case Measure.BYTES_PER_S | Measure.SECONDS | Measure.HERTZ:
                return engineering(value, _SUFFIX[self.measure])
            case _:
                assert_never(self.measure)


_SUFFIX = {Measure.BYTES_PER_S: "B/s", Measure.SECONDS: "s", Measure.HERTZ: "Hz"}

_METRICS: Mapping[str, tuple[str, Measure]] = MappingProxyType(
    {
        "latency_s": ("Latency", Measure.SECONDS),
        "energy_pj": ("Energy", Measure.ENERGY),
        "edp_pj_s": ("Energy × latency", Measure.ENERGY_DELAY),
        "dram_traffic_bytes": ("DRAM traffic", Measure.BYTES),
        "area_um2": ("Chip area", Measure.AREA),
        "buffer_bytes": ("Held on chip", Measure.BYTES),
        "util_2d": ("2D array, busy share", Measure.SHARE),
        "util_1d": ("1D array, busy share", Measure.SHARE),
        "util_useful_macs": ("Useful MACs, share of the peak", Measure.SHARE),
        "compute_s": ("Time of computing", Measure.SECONDS),
        "memory_s": ("Time of DRAM", Measure.SECONDS),
        "energy_pj_published": ("Energy as published", Measure.ENERGY),
        "traffic_bound_bytes": ("Compulsory DRAM traffic", Measure.BYTES),
    }
)

_SETTINGS = {
    "seq_len": "Sequence length (tokens)",
    "query_len": "Queries (tokens)",
    "batch": "Batch (sequences)",
    "config": "Configuration",
    "workload": "Model",
    "phase": "Phase",
    "cascade": "Cascade",
    "arch": "Architecture",
    "policy": "Schedule policy",
}

_UNITS: Mapping[str, Measure] = MappingProxyType(
    {
        Unit.BYTES.name.lower(): Measure.BYTES,
        Unit.BITS.name.lower(): Measure.NUMBER,
        Unit.BYTES_PER_S.name.lower(): Measure.BYTES_PER_S,
        Unit.SECONDS.name.lower(): Measure.SECONDS,
        Unit.HERTZ.name.lower(): Measure.HERTZ,
        Unit.NANOMETRES.name.lower(): Measure.NUMBER,
        Unit.PICOJOULES.name.lower(): Measure.ENERGY,
        Unit.SQUARE_MICROMETRES.name.lower(): Measure.AREA,
        Unit.COUNT.name.lower(): Measure.COUNT,
    }
)
_LABELLED = {"bits": " (bits)", "nanometres": " (nm)"}


def quantity(description: Description, name: str) -> Quantity:
    """The quantity in column `name`, a parameter or a metric that the description has."""
    for one in description.parameters:
        if one.name == name:
            label = _SETTINGS.get(name, name) + _LABELLED.get(one.unit or "", "")
            if one.texts is not None:
                return Quantity(name, label, Measure.NAME, texts=one.texts)
            return Quantity(name, label, _UNITS[one.unit] if one.unit else Measure.NUMBER)
    label, measure = _METRICS.get(name, (name, Measure.NUMBER))
    goals = {goal.metric: goal.maximise for goal in description.objectives}
    return Quantity(name, label, measure, goals.get(name, name.startswith("util_")))


def setting_text(description: Description, name: str) -> str:
    """The value of a fixed setting."""
    value = description.base[name]
    if isinstance(value, str):
        return value
    return f"{value:,.10g}"
