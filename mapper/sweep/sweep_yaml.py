"""Sweeps from YAML files and from the options of a command; `docs/sweeps.md` is the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

from archsim.load import read_file
from archsim.section import Section, open_section
from archsim.yaml_nodes import Sequence as Listed
from einsum.errors import Source, Span, SpecError
from mapper.sweep.constraint import parse_constraint, parse_objective
from mapper.sweep.domains import Domain, Levels, Parameter, parse_domain, read_domain
from mapper.sweep.samplers import GRID, Method, Sampler
from mapper.sweep.settings import PLAIN, Setpoint, Setting, setting_named
from mapper.sweep.spec import DEFAULT_OBJECTIVES, Sweep, architectures_of

T = TypeVar("T")

_NAMES_ARCHITECTURES = ("config", "cascade", "arch")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A setting as it was given: how its values are read, and how an error finds its place.

    A `fixed` one with a single value is no parameter.
    """

    name: str
    read: Callable[[Setting], Domain]
    fail: Callable[[SpecError], SpecError]
    fixed: bool


def load_sweep(path: str | Path) -> Sweep:
    """The sweep in a YAML file. Raises `SpecError` with the place of what is wrong."""
    return parse_sweep(read_file(Path(path), "sweep", ()))


def parse_sweep(source: Source) -> Sweep:
    """The sweep that a YAML text describes."""
    top = open_section(source)
    top.offer("sweep", *PLAIN, "set", "parameters", "constraints", "objectives", "sampler")
    top.offer("components")
    entries = [_entry(top, name, fixed=True) for name in top if name in PLAIN]
    for part, fixed in (("set", True), ("parameters", False)):
        if part in top:
            section = top.section(part)
            entries += [_entry(section, name, fixed=fixed) for name in section]
    constraints = tuple(_each(top, "constraints", parse_constraint))
    objectives = tuple(_each(top, "objectives", parse_objective))
    sampler = _sampler(top.section("sampler")) if "sampler" in top else GRID
    components = top.texts("components") if "components" in top else ()
    name = top.text("sweep") if "sweep" in top else PurePath(source.name).stem
    top.done()
    base, parameters = _settings(entries)
    with _located(source):
        objectives = objectives or DEFAULT_OBJECTIVES
        return Sweep(name, base, parameters, constraints, objectives, sampler, components)


def build_sweep(
    settings: Mapping[str, str],
    changes: Sequence[str] = (),
    *,
    name: str = "sweep",
    constraints: Sequence[str] = (),
    objectives: Sequence[str] = (),
    sampler: Sampler = GRID,
    components: Sequence[str] = (),
) -> Sweep:
    """The sweep that options describe, each value a value, a list or a range.

    >>> build_sweep({"workload": "bert", "seq_len": "1K..4K"}, ["array_2d.rows=64,128"]).size
    6

    `settings` are those that are named by options of their own, `changes` are PATH=VALUES.
    Raises `SpecError`.
    """
    entries = [_given(key, text) for key, text in settings.items()]
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise SpecError(f"--set {change} has no value", rule="write PATH=VALUE,VALUE,...")
        entries.append(_given(path.strip(), text))
    base, parameters = _settings(entries)
    return Sweep(
        name,
        base,
        parameters,
        tuple(map(parse_constraint, constraints)),
        tuple(map(parse_objective, objectives)) or DEFAULT_OBJECTIVES,
        sampler,
        tuple(components),
    )


def _settings(
    entries: Sequence[_Entry],
) -> tuple[dict[str, Setpoint], tuple[Parameter, ...]]:
    """What is fixed and what is swept; which paths there are depends on the architectures."""
    read: dict[str, Parameter] = {}
    for entry in sorted(entries, key=lambda one: one.name not in _NAMES_ARCHITECTURES):
        try:
            if entry.name in read:
                raise SpecError(f"{entry.name} is given twice", rule="give it once")
            architectures = architectures_of({}, read) if entry.name not in PLAIN else ()
            setting = setting_named(entry.name, architectures)
            read[entry.name] = Parameter(setting, entry.read(setting))
        except SpecError as error:
            raise entry.fail(error) from None
    base: dict[str, Setpoint] = {}
    parameters = []
    for entry in entries:
        match read[entry.name].domain:
            case Levels((value,)) if entry.fixed:
                base[entry.name] = value
            case _:
                parameters.append(read[entry.name])
    return base, tuple(parameters)


def _given(name: str, text: str) -> _Entry:
    def named(error: SpecError) -> SpecError:
        return SpecError(f"{name}={text.strip()}: {error.message}", rule=error.rule)

    return _Entry(name, lambda setting: parse_domain(setting, text), named, fixed=True)


def _entry(section: Section, name: str, *, fixed: bool) -> _Entry:
    section.offer(name)
    span = section.table.keys[name]
    return _Entry(
        name,
        lambda setting: read_domain(setting, section, name),
        lambda error: error.located(section.source, span),
        fixed,
    )


def _each(top: Section, key: str, parse: Callable[[str], T]) -> Iterator[T]:
    """The entries of a list, or the one entry that stands alone."""
    if key not in top:
        return
    node = top.table.entries[key]
    if not isinstance(node, Listed):
        yield top.scalar(key, parse)
        return
    for text, item in zip(top.texts(key), node.items, strict=True):
        with _located(top.source, item.span):
            yield parse(text)


def _sampler(part: Section) -> Sampler:
    part.offer("kind", "points", "seed", "round")
    method = part.choice("kind", Method)
    points = part.integer("points") if "points" in part else 0
    seed = part.integer("seed", minimum=0) if "seed" in part else 0
    size = part.integer("round") if "round" in part else GRID.round_size
    part.done()
    with _located(part.source, part.span):
        return Sampler(method, points, seed, size)


@contextmanager
def _located(source: Source, span: Span | None = None) -> Iterator[None]:
    try:
        yield
    except SpecError as error:
        raise error.located(source, span) from None
