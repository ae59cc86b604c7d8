"""Our mapping of one Einsum as a file of Timeloop's, version 4.

Timeloop gives every memory one block of temporal loops, in which it holds all that it keeps, and
every fanout one block of spatial ones; what a tensor finds unchanged it keeps, as ours do. A hold
may therefore move inwards past loops that its tensor lacks, until all of a memory stand together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from archsim.architecture import Architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.nest import Leaf, Step, walk
from einsum.cascade import Cascade, Einsum
from einsum.errors import SpecError
from einsum.expression import Access, Variable, variables
from einsum.shapes import Shapes


def timeloop_yaml(
    mapping: LoopMapping, cascade: Cascade, shapes: Shapes, architecture: Architecture
) -> str:
    """`problem` and `mapping` of a Timeloop file, for a cascade of one Einsum.

    Spatial loops stand at the memory or the unit that has the dimension; the last dimension is
    the X of its mesh, the one before it Y. Raises `SpecError` for what Timeloop cannot say: other
    cascades, tiles that do not divide, two loops of one rank at a memory, holds of a memory that
    cannot stand together, spilled, overlaid and double-buffered tiles.
    """
    if len(cascade.steps) != 1:
        raise SpecError(
            f"{cascade.name} has {len(cascade.steps)} Einsums", rule="Timeloop maps one at a time"
        )
    (leaf,) = (
        leaf
        for number, group in enumerate(mapping.groups)
        for leaf in walk(group.nest, cascade, architecture, shapes.sizes, {}, number)
    )
    writer = _Writer(leaf, cascade, architecture)
    lines = [*writer.problem(shapes), "mapping:", *writer.mapping()]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Writer:
    leaf: Leaf
    cascade: Cascade
    architecture: Architecture

    def mapping(self) -> Iterator[str]:
        self._check_factors()
        path = self.architecture.path(self.leaf.unit)
        depths = self._depths()
        for number, memory in enumerate(path):
            yield from self._spatial(memory.name)
            kept = sorted(
                {tensor for tensor in self.leaf.tensors if self._is_kept(tensor, memory.name)}
            )
            passed = sorted(set(self.leaf.tensors) - set(kept))
            yield (
                f"- {{target: {memory.name}, type: dataspace, keep: [{', '.join(kept)}], "
                f"bypass: [{', '.join(passed)}]}}"
            )
            end = depths[number + 1] if number + 1 < len(path) else len(self.leaf.steps)
            block = [step for step in self.leaf.steps[depths[number] : end] if not step.dim]
            yield self._block(memory.name, "temporal", self._merged(block, memory.name))
        yield from self._spatial(self.leaf.unit)

    def _is_kept(self, tensor: str, memory: str) -> bool:
        if memory == self.architecture.root.name:
            return True
        return any(held.hold.memory == memory for held in self.leaf.hold_of(tensor))

    def _depths(self) -> list[int]:
        """Under how many loops each memory of the path holds what it keeps.

        One that keeps nothing has no loops: those above the next one are further out.
        """
        found = [0]
        empty = 0
        for memory in self.architecture.path(self.leaf.unit)[1:]:
            own = [held for held in self.leaf.holds if held.hold.memory == memory.name]
            if not own:
                empty += 1
                continue
            depth = max([held.depth for held in own] + found[-1:])
            found += [depth] * (empty + 1)
            empty = 0
            for held in own:
                plain = held.hold.copies == 1 and not held.hold.spilled and not held.hold.parts
                if not plain or held.hold.overlaid:
                    raise SpecError(
                        f"{', '.join(held.hold.tensors)} is held in {memory.name} in a way that "
                        "Timeloop does not have",
                        rule="export plain holds",
                    )
                between = self.leaf.steps[held.depth : found[-1]]
                for tensor in held.hold.tensors:
                    self._check_sinks(tensor, memory.name, between)
        return [*found, *[len(self.leaf.steps)] * empty]

    def _check_sinks(self, tensor: str, memory: str, between: Iterable[Step]) -> None:
        own = _reached(tensor, self.leaf.einsum)
        for step in between:
            if not step.dim and float(step.trips) > 1 and step.variable in own:
                raise SpecError(
                    f"{tensor} is held in {memory} above the loop over {step.variable}, other "
                    "tensors or memories further out below it",
                    rule="Timeloop holds all of a memory at one place, the outer memories first",
                )

    def _check_factors(self) -> None:
        for variable in self.leaf.einsum.variables:
            trips = [int(step.trips) for step in self.leaf.steps if step.variable == variable]
            size = int(self.leaf.full[variable])
            if prod(trips) != size:
                raise SpecError(
                    f"the loops over {variable} turn {' x '.join(map(str, trips))} times, its size "
                    f"is {size}",
                    rule="export a mapping whose tiles divide",
                )

    def _merged(self, steps: Iterable[Step], target: str) -> list[tuple[str, int]]:
        """Loops that turn, outermost first; neighbours over one rank are one loop."""
        found: list[tuple[str, int]] = []
        for step in steps:
            if (trips := int(step.trips)) == 1:
                continue
            if found and found[-1][0] == step.variable:
                found[-1] = (step.variable, found[-1][1] * trips)
            elif step.variable in dict(found):
                raise SpecError(
                    f"{target} has two loops over {step.variable}",
                    rule="Timeloop has one loop of a rank at a memory",
                )
            else:
                found.append((step.variable, trips))
        return found

    def _spatial(self, owner: str) -> Iterator[str]:
        """The loops across the dimensions of a memory's fanout, or of a unit."""
        dims = [f"{owner}.{dim.name}" for dim in self.architecture.own_dims(owner)]
        if not dims:
            return
        if len(dims) > 2:
            raise SpecError(f"{owner} has {len(dims)} dimensions", rule="Timeloop has X and Y")
        along = [
            self._merged([step for step in self.leaf.steps if step.dim == dim], dim) for dim in dims
        ]
        names = [variable for loops in along for variable, _ in loops]
        if len(set(names)) < len(names):
            raise SpecError(
                f"a rank is spread over both dimensions of {owner}",
                rule="Timeloop has one spatial loop of a rank at a fanout",
            )
        loops = [loop for own in along for loop in own]
        yield self._block(owner, "spatial", loops, len(along[-1]))

    def _block(
        self, target: str, kind: str, loops: list[tuple[str, int]], split: int | None = None
    ) -> str:
        names = {variable: variable.upper() for variable in self.leaf.einsum.variables}
        turning = dict(loops)
        still = [variable for variable in names if variable not in turning]
        factors = ", ".join(f"{name}={turning.get(v, 1)}" for v, name in names.items())
        order = [*(v for v, _ in reversed(loops)), *still]  # the innermost first
        permutation = ", ".join(names[v] for v in order)
        text = (
            f"- {{target: {target}, type: {kind}, factors: [{factors}], "
            f"permutation: [{permutation}]"
        )
        return f"{text}, split: {split}}}" if split is not None else f"{text}}}"

    def problem(self, shapes: Shapes) -> Iterator[str]:
        einsum = self.leaf.einsum
        names = [variable.upper() for variable in einsum.variables]
        yield "problem:"
        yield "  version: 0.4"
        yield "  shape:"
        yield f"    name: {self.cascade.name.rpartition('/')[2]}"
        yield f"    dimensions: [{', '.join(names)}]"
        yield "    data_spaces:"
        for access in dict.fromkeys((*einsum.inputs, einsum.output)):
            written = ", read_write: true" if access == einsum.output else ""
            yield f"    - {{name: {access.tensor}, projection: [{_projection(access)}]{written}}}"
        sizes = (f"{v.upper()}: {int(self.leaf.full[v])}" for v in einsum.variables)
        yield f"  instance: {{{', '.join(sizes)}}}"


def _reached(tensor: str, einsum: Einsum) -> set[str]:
    """The variables of all accesses of a tensor."""
    return {
        name
        for access in (einsum.output, *einsum.inputs)
        if access.tensor == tensor
        for name in variables(access)
    }


def _projection(access: Access) -> str:
    """A sum of dimensions for every rank: `[[P], [R]]` for `p + r`."""
    ranks = []
    for index in access.indices:
        names = sorted(variables(index))
        plain = isinstance(index, Variable) or str(index) in (" + ".join(names), *_sums(names))
        if not plain or not names:
            raise SpecError(
                f"the index {index} of {access.tensor} cannot be exported",
                rule="Timeloop's projections are sums of dimensions",
            )
        ranks.append(f"[{', '.join(f'[{name.upper()}]' for name in names)}]")
    return ", ".join(ranks)


def _sums(names: list[str]) -> Iterator[str]:
    yield " + ".join(reversed(names))
