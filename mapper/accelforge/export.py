"""Our mappings as AccelForge's, to be evaluated there.

A tile that stays while loops turn that its tensor does not have is fetched once in our model; a
storage node of AccelForge fetches for every turn of the loops above it, so it is written above
those loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archsim.architecture import Architecture
from archsim.mapping import Branches, Compute, For, Hold, Nest, Node, Spread
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import Leaf, walk
from archsim.place import home
from einsum.errors import SpecError
from einsum.expression import variables
from einsum.shapes import Shapes
from mapper.accelforge.workload import Workload


def accelforge_yaml(
    mapping: LoopMapping, workload: Workload, shapes: Shapes, architecture: Architecture
) -> str:
    """`mapping` as the text of an AccelForge mapping file.

    Raises `SpecError` for what its mappings cannot say: spatial loops, spilled, overlaid and
    double-buffered tiles, free tile sizes.
    """
    leaves = tuple(
        leaf
        for number, group in enumerate(mapping.groups)
        for leaf in walk(group.nest, workload.cascade, architecture, shapes.sizes, {}, number)
    )
    writer = _Writer(workload, architecture, {leaf.einsum.name: leaf for leaf in leaves})
    in_root = [
        tensor.name
        for tensor in workload.cascade.tensors
        if home(tensor.name, leaves, workload.cascade) is None
    ]
    root = architecture.root.name
    lines = ["mapping:", "  nodes:", *writer.storage(in_root, root, "  ")]
    copies = [tuple(writer.copy(name, 6)) for name in range(len(workload.copies))]
    nests = [tuple(writer.nest(group.nest, 6)) for group in mapping.groups]
    if copies or len(nests) > 1:
        lines += ["  - !Sequential", "    nodes:"]
        for part in (*copies, *nests):
            lines += ["    - !Nested", "      nodes:", *part]
    else:
        lines += writer.nest(mapping.groups[0].nest, 2)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Writer:
    workload: Workload
    architecture: Architecture
    leaves: dict[str, Leaf]

    def nest(self, nest: Nest, indent: int) -> Iterator[str]:
        pad = " " * indent
        for node in self._raised(nest):
            match node:
                case Hold(tensors, memory, 1, 0.0, False):
                    yield from self.storage(tensors, memory, pad)
                case For(variable, int(tile)):
                    yield self._loop(pad, variable, tile)
                case Branches(nests):
                    yield f"{pad}- !Sequential"
                    yield f"{pad}  nodes:"
                    for branch in nests:
                        yield f"{pad}  - !Nested"
                        yield f"{pad}    nodes:"
                        yield from self.nest(branch, indent + 4)
                case Compute(einsum, unit):
                    yield from self._compute(einsum, unit, pad)
                case Spread() | For() | Hold():
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

    def _loop(self, pad: str, variable: str, tile: int) -> str:
        return f"{pad}- !Temporal {{rank_variable: {variable}, tile_shape: {tile}}}"

    def _raised(self, nest: Nest) -> list[Node]:
        """The nest with every hold above the loops directly above it that its tensor lacks."""
        found: list[Node] = []
        for node in nest:
            if not isinstance(node, Hold):
                found.append(node)
                continue
            for tensor in node.tensors:
                place = len(found)
                while place and self._passes(found[place - 1], tensor):
                    place -= 1
                while place < len(found) and not isinstance(found[place], For):
                    place += 1  # only loops are worth passing: keep the order of the holds
                single = Hold((tensor,), node.memory, node.copies, node.spilled, node.overlaid)
                found.insert(place, single)
        return found

    def _passes(self, node: Node, tensor: str) -> bool:
        match node:
            case For(variable):
                return all(
                    variable not in variables(access)
                    for einsum in self.workload.cascade.steps
                    for access in (einsum.output, *einsum.inputs)
                    if access.tensor == tensor
                )
            case Hold(tensors):
                return tensor not in tensors
        return False
