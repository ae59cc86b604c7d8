"""The component library: what an action of a hardware component costs, and its area.

A library is a list of YAML files (`docs/components.md`). A later file adds components and
replaces those of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from archsim.memory_models import MemoryCost, MemoryModel
from archsim.scaling import area_factor, energy_factor
from einsum.errors import SpecError, choices


class Scaling(Enum):
    """How a component changes with the technology node.

    LOGIC: by the factors of `archsim.scaling`. NONE: not at all (DRAM, wires: their energy is
    that of a load which does not shrink).
    """

    LOGIC = "logic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OperationCost:
    """Energy of one action and area of one instance."""

    energy_pj: float
    area_um2: float


@dataclass(frozen=True, slots=True)
class OperationComponent:
    """A datapath component: a MAC, an adder, a wire. Costs are those at `node_nm`."""

    name: str
    format: str
    node_nm: float
    source: str
    cost: OperationCost
    scaling: Scaling = Scaling.LOGIC


@dataclass(frozen=True, slots=True)
class MemoryComponent:
    """A memory, with a model of its costs at `node_nm`."""

    name: str
    node_nm: float
    source: str
    model: MemoryModel
    scaling: Scaling = Scaling.LOGIC


Component: TypeAlias = OperationComponent | MemoryComponent


@dataclass(frozen=True)
class Library:
    """Components with different names."""

    name: str
    components: tuple[Component, ...]

    @cached_property
    def _components(self) -> Mapping[str, Component]:
        return {component.name: component for component in self.components}

    def component(self, name: str) -> Component:
        """The component called `name`; `SpecError` lists them if there is none."""
        if name not in self._components:
            raise SpecError(
                f"library {self.name} has no component {name}",
                rule=choices(name, self._components),
            )
        return self._components[name]

    def operation_cost(self, name: str, node_nm: float) -> OperationCost:
        """One action of an operation component at `node_nm`, and the area of an instance."""
        match self.component(name):
            case OperationComponent(cost=cost) as component:
                energy, area = _factors(component, node_nm)
                return OperationCost(cost.energy_pj * energy, cost.area_um2 * area)
            case MemoryComponent():
                valid = [c.name for c in self.components if isinstance(c, OperationComponent)]
                raise SpecError(f"{name} is a memory, not an operation", rule=choices(name, valid))

    def memory_cost(
        self, name: str, size_bytes: float | None, access_bits: float, node_nm: float
    ) -> MemoryCost:
        """One access of `access_bits` to a memory of `size_bytes` (None: unbounded)."""
        match self.component(name):
            case MemoryComponent(model=model) as component:
                bits = None if size_bytes is None else 8 * size_bytes
                energy, area = _factors(component, node_nm)
                return model.cost(bits, access_bits).scaled(energy, energy, area)
            case OperationComponent():
                valid = [c.name for c in self.components if isinstance(c, MemoryComponent)]
                raise SpecError(f"{name} is an operation, not a memory", rule=choices(name, valid))


def _factors(component: Component, node_nm: float) -> tuple[float, float]:
    """Factors of energy and area from the component's node to `node_nm`."""
    match component.scaling:
        case Scaling.NONE:
            return 1.0, 1.0
        case Scaling.LOGIC:
            return (
                energy_factor(component.node_nm, node_nm),
                area_factor(component.node_nm, node_nm),
            )
