"""Two designs, term by term: what is different in them, and which terms make the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archsim.evaluate import evaluate
from archsim.library import DEFAULT, load_library
from archsim.report import CostReport
from einsum.errors import SpecError
from mapper.sweep.design import resolve
from mapper.sweep.settings import PLAIN, Setpoint, setting_named
from mapper.sweep.spec import architectures_of


@dataclass(frozen=True, slots=True)
class DesignSettings:
    """A design by its settings, in base units, and the name that a person gave to it."""

    name: str
    settings: Mapping[str, Setpoint]
    components: tuple[str, ...] = ()

    def evaluate(self) -> CostReport:
        """Its cost. Raises `SpecError` for settings that do not go together."""
        # Sizes are whole numbers, which the notation's shapes are in.
        exact = {
            name: int(value) if isinstance(value, float) and value.is_integer() else value
            for name, value in self.settings.items()
        }
        design = resolve(exact)
        library = load_library(*DEFAULT, *self.components)
        return evaluate(
            design.cascade,
            design.shapes,
            design.architecture,
            design.mapping,
            library,
            design.published,
        )


@dataclass(frozen=True, slots=True)
class Term:
    """An amount of either design; 0 where one does not have it."""

    name: str
    a: float
    b: float

    @property
    def difference(self) -> float:
        """What B has more than A."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Change:
    """A with one setting of B: its latency, DRAM traffic and energy, or why it cannot be."""

    setting: str
    a: str
    b: str
    amounts: tuple[float, float, float] | None
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """Designs A and B. `traffic` sums up to the DRAM traffic and `energy` to the energy
    (complete accounting); `units` and `einsums` are busy times, which overlap.
    """

    a: DesignSettings
    b: DesignSettings
    reports: tuple[CostReport, CostReport]
    changes: tuple[Change, ...]
    totals: tuple[Term, ...]
    units: tuple[Term, ...]
    einsums: tuple[Term, ...]
    traffic: tuple[Term, ...]
    energy: tuple[Term, ...]


def compare(a: DesignSettings, b: DesignSettings) -> Comparison:
    """`a` beside `b`. Raises `SpecError` if one of them cannot be evaluated."""
    one, other = a.evaluate(), b.evaluate()
    return Comparison(
        a,
        b,
        (one, other),
        tuple(_changes(a, b)),
        _terms(_totals(one), _totals(other)),
        _terms(_units(one), _units(other)),
        _terms(_einsums(one), _einsums(other)),
        _terms(_traffic(one), _traffic(other)),
        _terms(_energy(one), _energy(other)),
    )


def explaining(terms: Iterable[Term], share: float = 0.9) -> list[tuple[Term, float]]:
    """The fewest terms that make up `share` of the difference, each with its own share of it.

    Terms that go against the difference have negative shares, and are not among them.
    """
    terms = list(terms)
    whole = sum(one.difference for one in terms)
    if whole == 0.0:
        return []
    found, reached = [], 0.0
    for one in sorted(terms, key=lambda term: term.difference / whole, reverse=True):
        part = one.difference / whole
        if reached >= share or part <= 0.0:
            break
        found.append((one, part))
        reached += part
    return found


def setpoint_text(name: str, settings: Mapping[str, Setpoint]) -> str:
    """The setting `name` of a design for people; `-` where it has none of its own."""
    if name not in settings:
        return "-"
    architectures = () if name in PLAIN else architectures_of(settings, {})
    return setting_named(name, architectures).format(settings[name])


def _changes(a: DesignSettings, b: DesignSettings) -> Iterable[Change]:
    for name in sorted({*a.settings, *b.settings}):
        values = a.settings.get(name), b.settings.get(name)
        if values[0] == values[1]:
            continue
        texts = setpoint_text(name, a.settings), setpoint_text(name, b.settings)
        changed = {key: value for key, value in a.settings.items() if key != name}
        if values[1] is not None:
            changed[name] = values[1]
        try:
            report = DesignSettings(a.name, changed, a.components).evaluate()
        except SpecError as error:
            yield Change(name, *texts, None, error.message)
        else:
            amounts = report.latency_s, report.dram_traffic_bytes, report.energy_pj_complete
            yield Change(name, *texts, amounts)


def _terms(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[Term, ...]:
    return tuple(Term(name, a.get(name, 0.0), b.get(name, 0.0)) for name in dict.fromkeys([*a, *b]))


def _totals(report: CostReport) -> dict[str, float]:
    return {
        "latency_s": report.latency_s,
        "compute_s": report.compute_s,
        "memory_s": report.memory_s,
        "dram_traffic_bytes": report.dram_traffic_bytes,
        "energy_pj": report.energy_pj_complete,
        "area_um2": report.area_um2,
        "util_2d": report.util_2d,
        "util_1d": report.util_1d,
        "util_useful_macs": report.util_useful_macs,
    }


def _units(report: CostReport) -> dict[str, float]:
    return {one.unit: one.busy_s for one in report.units}


def _einsums(report: CostReport) -> dict[str, float]:
    return _summed((f"{one.einsum} on {one.unit}", one.busy_s) for one in report.einsums)


def _traffic(report: CostReport) -> dict[str, float]:
    """By tensor, at the outermost memory."""
    dram = report.memories[0].memory
    return _summed(
        (one.tensor, one.read_bytes + one.write_bytes)
        for one in report.tensors
        if one.memory == dram
    )


def _energy(report: CostReport) -> dict[str, float]:
    return _summed((f"{one.owner} {one.action}", one.complete_pj) for one in report.energies)


def _summed(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, amount in parts:
        found[name] = found.get(name, 0.0) + amount
    return found
