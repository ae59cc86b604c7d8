"""Its mappings as ours.

A storage node of AccelForge fetches once for each turn of all loops above it and keeps its tile
down to the first loop that the tensor does not have; ours keeps what it has until the tile
changes. The same movement is therefore a hold directly above that loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archsim.mapping import Branches, Compute, For, Group, Hold, Nest, Node, Policy
from archsim.mapping import Mapping as LoopMapping
from archsim.section import Section
from archsim.yaml_nodes import Sequence
from einsum.errors import Source
from einsum.expression import variables
from mapper.accelforge.architecture import Machine
from mapper.accelforge.text import open_spec
from mapper.accelforge.workload import Workload


def load_accelforge_mapping(
    source: Source,
    workload: Workload,
    machine: Machine,
    values: Mapping[str, int | float | str] | None = None,
) -> LoopMapping:
    """The mapping in the text of an AccelForge file.

    It is one serial group: AccelForge computes one Einsum after another. Raises `SpecError` with
    the place of a node that is not supported.
    """
    top = open_spec(source, values or {})
    nodes = top.section("mapping").listed("nodes")
    top.done()
    nest = _Reader(workload, machine).nest(nodes, ())
    return LoopMapping(source.name, (Group(nest, Policy.SERIAL),))


@dataclass(frozen=True, slots=True)
class _Storage:
    tensor: str
    memory: str


@dataclass(frozen=True, slots=True)
class _Reader:
    workload: Workload
    machine: Machine

    def nest(self, nodes: Iterable[Section], pending: tuple[_Storage, ...]) -> Nest:
        """Our nodes for `nodes`; `pending` are kept from above and have no hold yet."""
        found: list[Node] = []
        for node in nodes:
            match node.table.tag:
                case "!Storage":
                    node.offer("tensors", "component")
                    pending += self._stored(node)
                case "!Temporal":
                    variable, tile = self._variable(node), node.integer("tile_shape")
                    settled, pending = self._settled(pending, variable)
                    found += [*settled, For(variable, tile)]
                case "!Sequential":
                    parts = [part.listed("nodes") for part in node.listed("nodes")]
                    found += _holds(pending)
                    nests = (self.nest(part, ()) for part in parts)
                    return (*found, Branches(tuple(nest for nest in nests if nest)))
                case "!Nested":
                    return (*found, *self.nest(node.listed("nodes"), pending))
                case "!Compute":
                    name, unit = node.text("einsum"), node.text("component")
                    if name in (copy.name for copy in self.workload.copies):
                        return ()  # its target is its source: nothing moves within a memory
                    einsum = self.workload.einsum_names[name]
                    found += [*_holds(pending), Compute(einsum, unit)]
                case tag:
                    node.fail("component", f"{tag or 'a node without a tag'} cannot be imported")
            node.done()
        return tuple(found)

    def _stored(self, node: Section) -> tuple[_Storage, ...]:
        memory = self.machine.architecture.memory(node.text("component"))
        sources = self.workload.sources
        names = dict.fromkeys(sources.get(name, name) for name in node.texts("tensors"))
        known = {tensor.name for tensor in self.workload.cascade.tensors}
        return tuple(
            _Storage(name, memory.name)
            for name in names
            # Everything that is held nowhere else lives in the root.
            if name in known and memory.parent is not None
        )

    def _settled(
        self, pending: tuple[_Storage, ...], variable: str
    ) -> tuple[tuple[Hold, ...], tuple[_Storage, ...]]:
        """The holds that must stand above a loop over `variable`, and those that may sink."""
        cascade = self.workload.cascade
        sinks = [
            all(
                variable in variables(access)
                for einsum in cascade.steps
                for access in (einsum.output, *einsum.inputs)
                if access.tensor == one.tensor
            )
            for one in pending
        ]
        # A hold stays above those of the same tensor further in: its memory is further out.
        last = {one.tensor: number for number, one in enumerate(pending)}
        sinking = [
            sink and last[one.tensor] == n
            for n, (one, sink) in enumerate(zip(pending, sinks, strict=True))
        ]
        above = tuple(one for one, sink in zip(pending, sinking, strict=True) if not sink)
        below = tuple(one for one, sink in zip(pending, sinking, strict=True) if sink)
        return _holds(above), below

    def _variable(self, node: Section) -> str:
        node.offer("rank_variable", "initial_tile_shape")
        if isinstance(node.table.entries.get("rank_variable"), Sequence):
            names = node.texts("rank_variable")
            if len(names) != 1:
                node.fail("rank_variable", "a loop over several rank variables", rule="name one")
            return names[0]
        return node.text("rank_variable")


def _holds(pending: Iterable[_Storage]) -> tuple[Hold, ...]:
    return tuple(Hold((one.tensor,), one.memory) for one in pending)
