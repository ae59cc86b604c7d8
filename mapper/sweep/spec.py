"""A sweep as a value: what is fixed, what is swept, over which values, and what is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from archsim.architecture import Architecture
from archsim.library import DEFAULT, load_library
from archsim.load import load_architecture
from archsim.model_version import MODEL_VERSION
from archsim.parameter_paths import parameter_values
from einsum.errors import SpecError, choices
from mapper.configurations import configuration_named
from mapper.sweep.constraint import Constraint, Objective
from mapper.sweep.content import content_digest, library_digest
from mapper.sweep.domains import Interval, Levels, Parameter
from mapper.sweep.formula import Formula
from mapper.sweep.members import check_members
from mapper.sweep.outcome import METRICS
from mapper.sweep.samplers import GRID, Method, Sampler, grid_size
from mapper.sweep.settings import Setpoint

DEFAULT_CONFIGURATION = "binding"
DEFAULT_ARCHITECTURE = "fusemax-cloud"
DEFAULT_OBJECTIVES = (Objective("latency_s"), Objective("energy_pj"))


@dataclass(frozen=True)
class Sweep:
    """A sweep, checked when it is built.

    `base` are the fixed settings and `parameters` the swept ones, which stand before them;
    `components` are libraries besides the default ones. Raises `SpecError` for settings that do
    not go together, formulas over unknown names, and a grid over a continuous interval.
    """

    name: str
    base: Mapping[str, Setpoint] = field(hash=False)
    parameters: tuple[Parameter, ...]
    constraints: tuple[Constraint, ...] = ()
    objectives: tuple[Objective, ...] = DEFAULT_OBJECTIVES
    sampler: Sampler = GRID
    components: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", MappingProxyType(dict(self.base)))
        self._check_combination()
        self._check_domains()
        configs = self._texts("config")
        if not configs and "cascade" not in self.names:
            configs = (DEFAULT_CONFIGURATION,)
        check_members(self.names, self._texts("cascade"), self._texts("mapping"), configs)
        load_library(*DEFAULT, *self.components)
        for name in self.names:  # names of what does not exist are found now, not point by point
            for value in self._texts(name):
                content_digest(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle, and sweeps go to other processes.
        parts = (self.parameters, self.constraints, self.objectives, self.sampler, self.components)
        return Sweep, (self.name, dict(self.base), *parts)

    # What there is to know about it.

    @property
    def size(self) -> int:
        """How many points it has."""
        if self.sampler.method is Method.GRID:
            return grid_size(tuple(len(one.values) for one in self._levels))
        return self.sampler.points

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a row of results: every parameter, every metric, status and reason."""
        return (*(one.name for one in self.parameters), *METRICS, "status", "reason")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every setting that a point has, in alphabetical order."""
        return tuple(sorted({*self.base, *(one.name for one in self.parameters)}))

    @cached_property
    def free(self) -> tuple[Parameter, ...]:
        """The parameters that a sampler chooses: all but the linked ones."""
        return tuple(one for one in self.parameters if not isinstance(one.domain, Formula))

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """The architectures that points start from."""
        return architectures_of(self.base, {p.name: p for p in self.parameters})

    @property
    def constants(self) -> dict[str, float]:
        """Numbers that formulas may name: fixed settings and values of the architecture.

        A value that differs between the architectures of the sweep has no name.
        """
        tables = [parameter_values(one) for one in self.architectures]
        alike = {
            name: value
            for name, value in tables[0].items()
            if all(table.get(name) == value for table in tables)
        }
        fixed = {name: value for name, value in self.base.items() if not isinstance(value, str)}
        return {**alike, **fixed}

    def rounds(self) -> Iterator[tuple[int, int]]:
        """The index ranges whose points can be made together, in order."""
        step = self.sampler.round_size if self.sampler.adaptive else max(1, self.size)
        for start in range(0, self.size, step):
            yield start, min(start + step, self.size)

    @cached_property
    def content(self) -> bytes:
        """Everything that its results depend on, in a canonical form, to be hashed or compared.

        Not its name. Equal sweeps have equal content, however their files were written.
        """
        lines = [
            f"model {MODEL_VERSION}",
            f"library {library_digest(self.components)}",
            *(f"{name} = {self._canonical(name, self.base[name])}" for name in sorted(self.base)),
            *(f"{p.name} in {self._domain(p)}" for p in self.parameters),
            *(f"constraint {one}" for one in self.constraints),
            *(f"objective {one}" for one in self.objectives),
            f"sampler {self.sampler}",
        ]
        return "\n".join(lines).encode()

    @property
    def digest(self) -> str:
        """The hash of `content`, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def point_basis(self) -> bytes:
        """16 bytes for what the results of a point depend on besides its own settings."""
        parts = (MODEL_VERSION, library_digest(self.components), *map(str, self.constraints))
        text = "\n".join((*parts, *self.names))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    # Internals.

    @property
    def _levels(self) -> tuple[Levels, ...]:
        return tuple(one.domain for one in self.free if isinstance(one.domain, Levels))

    def _texts(self, name: str) -> tuple[str, ...]:
        """The names that a setting takes in this sweep."""
        values: tuple[Setpoint, ...] = (self.base[name],) if name in self.base else ()
        for parameter in self.parameters:
            if parameter.name == name and isinstance(parameter.domain, Levels):
                values = parameter.domain.values
        return tuple(value for value in values if isinstance(value, str))

    def _canonical(self, name: str, value: Setpoint) -> str:
        return content_digest(name, value) if isinstance(value, str) else repr(float(value))

    def _domain(self, parameter: Parameter) -> str:
        match parameter.domain:
            case Levels(values):
                return ", ".join(self._canonical(parameter.name, value) for value in values)
            case Formula(text=text):
                return f"= {text}"
            case Interval() as interval:
                return repr(interval)

    def _check_combination(self) -> None:
        names = {*self.base, *(one.name for one in self.parameters)}
        if len(names) < len(self.base) + len(self.parameters):
            swept = [one.name for one in self.parameters]
            twice = next(name for name in swept if name in self.base or swept.count(name) > 1)
            raise SpecError(f"{twice} is given twice", rule="fix a setting or sweep it, once")
        if not self.objectives:
            raise SpecError("a sweep has no objective", rule=choices("", METRICS))
        if not {"workload", "cascade"} & names:
            raise SpecError(
                "nothing to evaluate",
                rule="give a workload and seq_len, or a cascade and shape.RANK for each rank",
            )
        if "workload" in names and "seq_len" not in names:
            raise SpecError("the workload has no length", rule="give seq_len, for example 64K")
        for name in ("seq_len", "query_len", "batch", "phase"):
            if name in names and "workload" not in names:
                raise SpecError(f"{name} without a workload", rule="give sizes as shape.RANK")
        if {"query_len", "phase"} <= names:
            raise SpecError("query_len and phase contradict", rule="give one of them")

    def _check_domains(self) -> None:
        known: dict[str, object] = {**self.constants, **{p.name: p for p in self.free}}
        for parameter in self.parameters:
            match parameter.domain:
                case Interval() if self.sampler.method is Method.GRID:
                    raise SpecError(
                        f"{parameter.name} has no step, and a grid needs one",
                        rule="give step, count or factor, or a sampler: random, sobol, bayesian",
                    )
                case Formula(names=names, text=text):
                    for name in names:
                        if name not in known:
                            raise SpecError(
                                f"{parameter.name} = {text}: unknown name {name}",
                                rule=choices(name, known),
                            )
                    known[parameter.name] = parameter
                case _:
                    pass
        for constraint in self.constraints:
            for name in constraint.names:
                if name not in known and name not in METRICS:
                    raise SpecError(
                        f"constraint {constraint}: unknown name {name}",
                        rule=choices(name, [*METRICS, *known]),
                    )


def architectures_of(
    base: Mapping[str, Setpoint], parameters: Mapping[str, Parameter]
) -> tuple[Architecture, ...]:
    """The architectures that settings name: `arch`, else those of the configurations."""

    def values(name: str) -> list[str]:
        domain = parameters[name].domain if name in parameters else None
        if isinstance(domain, Levels):
            return [str(value) for value in domain.values]
        return [str(base[name])] if name in base else []

    names = values("arch")
    if not names:
        default = [] if "cascade" in {*base, *parameters} else [DEFAULT_CONFIGURATION]
        configurations = values("config") or default
        names = [configuration_named(name).architecture for name in configurations]
    return tuple(map(load_architecture, dict.fromkeys(names or [DEFAULT_ARCHITECTURE])))
