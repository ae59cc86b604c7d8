"""Our mappings as AccelForge's, to be evaluated there.

A tile that stays while loops turn that its tensor does not have is fetched once in our model; a
storage node of AccelForge fetches for every turn of the loops above it, so it is written above
those loops. Loops across instances are free to trade places with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from archsim.architecture import Architecture
from archsim.mapping import Branches, Compute, For, Hold, Nest, Node, Spread, nodes
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import Leaf, walk
from archsim.place import home
from einsum.errors import SpecError
from einsum.expression import variables
from einsum.shapes import Shapes
from mapper.accelforge.architecture import Machine
from mapper.accelforge.workload import Workload


def accelforge_yaml(
    mapping: LoopMapping, workload: Workload, shapes: Shapes, machine: Machine
) -> str:
    """`mapping` as the text of an AccelForge mapping file.

    Raises `SpecError` for what its mappings cannot say: spilled, overlaid and double-buffered
    tiles, loops that are dealt, free tile sizes, a tile that stays while a memory further out is
    filled.
    """
    architecture = machine.architecture
    leaves = tuple(
        leaf
        for number, group in enumerate(mapping.groups)
        for leaf in walk(group.nest, workload.cascade, architecture, shapes.sizes, {}, number)
    )
    left = _Left(
        {rank.lower(): size for rank, size in workload.shape.items()},
        {dim: architecture.dim_size(dim) for dim in architecture.dims},
    )
    writer = _Writer(workload, machine, {leaf.einsum.name: leaf for leaf in leaves})
    in_root = [
        tensor.name
        for tensor in workload.cascade.tensors
        if home(tensor.name, leaves, workload.cascade) is None
    ]
    root = architecture.root.name
    lines = ["mapping:", "  nodes:", *writer.storage(in_root, root, "  ")]
    copies = [tuple(writer.copy(name, 6)) for name in range(len(workload.copies))]
    nests = [tuple(writer.nest(group.nest, 6, left)) for group in mapping.groups]
    if copies or len(nests) > 1:
        lines += ["  - !Sequential", "    nodes:"]
        for part in (*copies, *nests):
            lines += ["    - !Nested", "      nodes:", *part]
    else:
        lines += writer.nest(mapping.groups[0].nest, 2, left)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of each rank variable at a place, and of each dimension of the architecture."""

    extents: Mapping[str, int]
    instances: Mapping[str, int]

    def below(self, node: Node) -> _Left:
        """What is left below `node`."""
        match node:
            case For(variable, int(tile)):
                tile = min(tile, self.extents[variable])
                return replace(self, extents={**self.extents, variable: tile})
            case Spread(variable, dim, count):
                extent, free = self.extents[variable], self.instances[dim]
                wide = min(extent, count or free)
                extents = {**self.extents, variable: -(-extent // wide)}
                return _Left(extents, {**self.instances, dim: free // wide})
        return self


@dataclass(frozen=True, slots=True)
class _Writer:
    workload: Workload
    machine: Machine
    leaves: dict[str, Leaf]

    @property
    def architecture(self) -> Architecture:
        return self.machine.architecture

    def nest(self, nest: Nest, indent: int, left: _Left) -> Iterator[str]:
        """The lines of `nest`, with every hold where AccelForge fetches as often as we do."""
        yield from self._lines(self._raised(nest, left), indent, left)

    def _lines(self, nest: Nest, indent: int, left: _Left) -> Iterator[str]:
        pad = " " * indent
        for node in nest:
            match node:
                case Hold(tensors, memory, 1, 0.0, False, ()):
                    yield from self.storage(tensors, memory, pad)
                case For(variable, int(tile), ""):
                    yield self._loop(pad, variable, tile)
                    left = left.below(node)
                case Spread():
                    left, before = left.below(node), left
                    tile = left.extents[node.variable]
                    if before.extents[node.variable] > tile:
                        yield self._spatial(pad, node, tile)
                case Branches(nests):
                    yield f"{pad}- !Sequential"
                    yield f"{pad}  nodes:"
                    for branch in nests:
                        yield f"{pad}  - !Nested"
                        yield f"{pad}    nodes:"
                        yield from self._lines(branch, indent + 4, left)
                case Compute(einsum, unit):
                    yield from self._compute(einsum, unit, pad)
                case For() | Hold():
                    raise SpecError(
                        f"{node} cannot be said in a mapping of AccelForge",
                        rule="export a mapping with fixed tiles and plain holds",
                    )

    def storage(self, tensors: list[str] | tuple[str, ...], memory: str, pad: str) -> list[str]:
        """A storage node; a tensor has its copies' names beside its own."""
        names: list[str] = []
        for tensor in tensors:
            names.append(tensor)
            for copy in self.workload.copies:
                if copy.inputs[0].tensor in names:
                    names.append(copy.output.tensor)
        listed = ", ".join(dict.fromkeys(names))
        return [f"{pad}- !Storage {{tensors: [{listed}], component: {memory}}}"]

    def copy(self, number: int, indent: int) -> Iterator[str]:
        """A copy within the root memory, which costs nothing."""
        entry = self.workload.copies[number]
        pad = " " * indent
        for _, variable in entry.output.projection:
            yield self._loop(pad, variable, 1)
        unit = self.architecture.units[0].name
        yield f"{pad}- !Compute {{einsum: {entry.name}, component: {unit}}}"

    def _compute(self, einsum: str, unit: str, pad: str) -> Iterator[str]:
        if self.architecture.unit(unit).latches:
            raise SpecError(
                f"{unit} latches its operands, which no unit of AccelForge does",
                rule="write latches: false",
            )
        # What the nest leaves is walked by the unit, point by point.
        leaf = self.leaves[einsum]
        for step in leaf.steps[-len(leaf.einsum.variables) :]:
            if float(step.trips) > 1:
                yield self._loop(pad, step.variable, 1)
        name = next(n for n, own in self.workload.einsum_names.items() if own == einsum)
        yield f"{pad}- !Compute {{einsum: {name}, component: {unit}}}"

    def _spatial(self, pad: str, node: Spread, tile: int) -> str:
        component, name = self.machine.dims[node.dim]
        return (
            f"{pad}- !Spatial {{rank_variable: {node.variable}, tile_shape: {tile}, "
            f"name: {name}, component: {component}}}"
        )

    def _loop(self, pad: str, variable: str, tile: int) -> str:
        return f"{pad}- !Temporal {{rank_variable: {variable}, tile_shape: {tile}}}"

    def _raised(self, nest: Nest, left: _Left) -> Nest:
        """The nest with every hold above the loops directly above it that its tensor lacks."""
        einsums = {node.einsum for node in nodes(nest) if isinstance(node, Compute)}
        found: list[Node] = []
        for node in nest:
            match node:
                case For(variable, int(tile)) if tile >= self._left(found, left, variable):
                    pass  # it turns once
                case Spread():
                    self._insert(node, found, left)
                case Hold():
                    for tensor in node.tensors:
                        self._place(replace(node, tensors=(tensor,)), found, einsums)
                case Branches(nests):
                    below = reduce(_Left.below, found, left)
                    raised = tuple(self._raised(branch, below) for branch in nests)
                    found.append(Branches(self._hoisted(raised, found, einsums)))
                case _:
                    found.append(node)
        return tuple(found)

    def _place(self, hold: Hold, found: list[Node], einsums: set[str]) -> None:
        """Adds the hold of one tensor to `found`, above the last loops that the tensor lacks."""
        place = len(found)
        while place and self._passes(found[place - 1], hold.tensors[0], einsums):
            place -= 1
        while place < len(found) and not isinstance(found[place], For):
            place += 1  # only loops are worth passing: keep the order of the holds
        above = next((n for n in reversed(found[:place]) if isinstance(n, For)), None)
        if above is not None and self._passes(above, hold.tensors[0], einsums):
            raise SpecError(
                f"{hold.tensors[0]} stays in {hold.memory} while {above.variable} turns, though "
                "memories above it are filled in between, which no mapping of AccelForge says",
                rule=f"hold it above the loop over {above.variable}",
            )
        found.insert(place, hold)

    def _hoisted(
        self, branches: tuple[Nest, ...], found: list[Node], einsums: set[str]
    ) -> tuple[Nest, ...]:
        """The branches without the holds that go to `found`.

        What is held in a memory that no other branch uses is still there in the next turn.
        """
        kept = []
        for number, branch in enumerate(branches):
            others = [one for other, one in enumerate(branches) if other != number]
            used = {n.memory for one in others for n in nodes(one) if isinstance(n, Hold)}
            stay: list[Node] = []
            for node in branch:
                before = all(isinstance(one, Hold) for one in stay)
                if before and isinstance(node, Hold) and node.memory not in used:
                    size = len(found)
                    self._place(node, found, einsums)
                    if found[size] is not node:
                        continue
                    found.pop()
                stay.append(node)
            kept.append(tuple(stay))
        return tuple(kept)

    def _passes(self, node: Node, tensor: str, einsums: set[str]) -> bool:
        match node:
            case For(variable):
                return all(
                    variable not in variables(access)
                    for einsum in self.workload.cascade.steps
                    if einsum.name in einsums
                    for access in (einsum.output, *einsum.inputs)
                    if access.tensor == tensor
                )
            case Hold(tensors):
                return tensor not in tensors
        return False

    def _insert(self, spread: Spread, found: list[Node], left: _Left) -> None:
        """Puts a spatial loop in front of the loops at the end of `found`, where that is the same.

        Of its own rank, tiles of the loop are then smaller by as many as it has instances. Holds
        in memories that each instance has for itself come after it.
        """
        place = len(found)
        while place:
            node = found[place - 1]
            match node:
                case Hold() if spread.dim in self.architecture.instance_dims(node.memory):
                    pass
                case For(variable, int(tile)) if variable == spread.variable:
                    extent = self._left(found[: place - 1], left, variable)
                    if not spread.count or extent % tile or tile % spread.count:
                        break
                    found[place - 1] = replace(node, tile=tile // spread.count)
                case For(_, int()):
                    pass
                case _:
                    break
            place -= 1
        found.insert(place, spread)

    def _left(self, above: list[Node], left: _Left, variable: str) -> int:
        return reduce(_Left.below, above, left).extents[variable]
