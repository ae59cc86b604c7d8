"""Its mappings as ours.

A storage node of AccelForge fetches once for each turn of all loops above it and keeps its tile
down to the first loop that the tensor does not have, or that is spread over what shares the
memory; ours keeps what it has until the tile changes. The same movement is therefore a hold
directly above that loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archsim.mapping import Branches, Compute, For, Group, Hold, Nest, Node, Policy, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.section import Section
from archsim.yaml_nodes import Sequence as ListNode
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
    sizes = {rank.lower(): size for rank, size in workload.shape.items()}
    nest = _Reader(workload, machine).nest(nodes, (), sizes)
    return LoopMapping(source.name, (Group(nest, Policy.SERIAL),))


@dataclass(frozen=True, slots=True)
class _Storage:
    tensor: str
    memory: str


@dataclass(frozen=True, slots=True)
class _Reader:
    workload: Workload
    machine: Machine

    def nest(
        self, nodes: Sequence[Section], pending: tuple[_Storage, ...], extents: Mapping[str, int]
    ) -> Nest:
        """Our nodes for `nodes`; `pending` are kept from above and have no hold yet.

        `extents` is what is left of each rank variable.
        """
        found: list[Node] = []
        einsums = frozenset(_computed(nodes))
        for node in nodes:
            match node.table.tag:
                case "!Storage":
                    node.offer("tensors", "component")
                    pending += self._stored(node)
                case "!Temporal":
                    variable, tile = self._variable(node), node.integer("tile_shape")
                    settled, pending = self._settled(pending, variable, einsums)
                    found += [*settled, For(variable, tile)]
                    extents = {**extents, variable: tile}
                case "!Spatial":
                    variable, tile = self._variable(node), node.integer("tile_shape")
                    dim = self._dim(node)
                    inside = [self._is_below(one.memory, dim) for one in pending]
                    found += _holds(
                        one for one, below in zip(pending, inside, strict=True) if not below
                    )
                    pending = tuple(
                        one for one, below in zip(pending, inside, strict=True) if below
                    )
                    found.append(Spread(variable, dim, -(-extents[variable] // tile)))
                    extents = {**extents, variable: tile}
                case "!Sequential":
                    parts = [part.listed("nodes") for part in node.listed("nodes")]
                    found += _holds(pending)
                    nests = (self.nest(part, (), extents) for part in parts)
                    return (*found, Branches(tuple(nest for nest in nests if nest)))
                case "!Nested":
                    return (*found, *self.nest(node.listed("nodes"), pending, extents))
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
        self, pending: tuple[_Storage, ...], variable: str, einsums: frozenset[str]
    ) -> tuple[tuple[Hold, ...], tuple[_Storage, ...]]:
        """The holds that must stand above a loop over `variable`, and those that may sink.

        `einsums` are computed under the loop, by their names there.
        """
        own = [self.workload.einsum_names.get(name) for name in einsums]
        sinks = [
            all(
                variable in variables(access)
                for einsum in self.workload.cascade.steps
                if einsum.name in own
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

    def _dim(self, node: Section) -> str:
        place = (node.text("component"), node.text("name"))
        dims = {given: dim for dim, given in self.machine.dims.items()}
        if place not in dims:
            known = ", ".join(" of ".join(reversed(one)) for one in dims)
            node.fail("name", f"{place[0]} has no dimension {place[1]}", rule=f"there is {known}")
        return dims[place]

    def _is_below(self, memory: str, dim: str) -> bool:
        return dim in self.machine.architecture.instance_dims(memory)

    def _variable(self, node: Section) -> str:
        node.offer("rank_variable", "initial_tile_shape")
        name = self._variable_text(node)
        if name.upper() not in self.workload.shape:
            node.fail("rank_variable", f"there is no rank variable {name}")
        return name

    def _variable_text(self, node: Section) -> str:
        if isinstance(node.table.entries.get("rank_variable"), ListNode):
            names = node.texts("rank_variable")
            if len(names) != 1:
                node.fail("rank_variable", "a loop over several rank variables", rule="name one")
            return names[0]
        return node.text("rank_variable")


def _computed(nodes: Iterable[Section]) -> Iterator[str]:
    """The Einsums at the ends of `nodes`."""
    for node in nodes:
        if node.table.tag == "!Compute":
            yield node.text("einsum")
        elif "nodes" in node:
            yield from _computed(node.listed("nodes"))


def _holds(pending: Iterable[_Storage]) -> tuple[Hold, ...]:
    return tuple(Hold((one.tensor,), one.memory) for one in pending)
