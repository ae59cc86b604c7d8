"""Traversals of one fiber: when each Einsum can run while the elements of a fiber stream by.

The analysis behind passes. A *fiber* is a run of elements of one tensor, the source, along one
rank, all other coordinates fixed. The cascade is walked once, and every Einsum gets a *moment*:

    0        before any element of the fiber is needed
    2k - 1   while the elements stream by for the k-th time
    2k       when the k-th traversal has ended

Four rules give them; docs/passes.md works through examples.

1. An Einsum that reads the source, or a tensor that still holds something for every coordinate of
   the fiber, is a traversal: the first one that starts when all that it reads is there.
2. Any other Einsum runs when the last thing that it reads is there.
3. Its result streams on if all that it read keeps (a part of) its coordinate in the result, as a
   tile's maximum keeps m1, or a running one. If a coordinate is reduced, or the last value of a
   recurrence is read, that is known when the traversal ends: it depends on every element.
4. What is carried from one iteration to the next of a recurrence along another rank belongs to the
   walk over another fiber. So does, for the fiber of one tile, what all tiles go into.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from einsum.fibers import Fiber
from einsum.walks import Age, Read, Step, Walks


@dataclass(frozen=True, slots=True)
class Trace:
    """Dimensions of a tensor that hold a coordinate of the fiber; `whole`: all parts of it."""

    dimensions: frozenset[int]
    whole: bool


@dataclass(frozen=True, slots=True)
class Value:
    """When a tensor is there, and where its elements hold the fiber's coordinate.

    A tensor that streams (an odd moment) has traces. One that is there after a traversal has none,
    unless the initial value of a recurrence streams.
    """

    moment: int = 0
    traces: frozenset[Trace] = frozenset()

    def __or__(self, other: Value) -> Value:
        return Value(max(self.moment, other.moment), self.traces | other.traces)


@dataclass(frozen=True, slots=True)
class Run:
    """When a step runs, what it leaves, and whether it traverses the fiber in doing so."""

    moment: int = 0
    result: Value = Value()
    traverses: bool = False


_NEVER = Run()


def traversal_of(moment: int) -> int:
    """The first traversal that can use, element by element, a value that is there at `moment`."""
    return moment // 2 + 1


@dataclass(frozen=True)
class Traversals:
    """All steps of a cascade against one fiber."""

    walks: Walks
    fiber: Fiber

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """By step, when it runs.

        What a recurrence along the fiber carries to the next coordinate is known only when the
        step that writes it is: the walk is repeated until nothing changes.
        """
        runs: dict[str, Run] = {}
        for _ in self.walks.steps:
            before = dict(runs)
            for step in self.walks.steps:
                runs[step.name] = self._run(step, runs)
            if runs == before:
                break
        return runs

    @cached_property
    def count(self) -> int:
        """The traversals that the cascade makes; a tensor that nobody reads is written in one."""
        numbers = (traversal_of(run.moment) for run in self.runs.values() if run.traverses)
        return max(numbers, default=1)

    def traversal(self, number: int) -> tuple[Step, ...]:
        """The steps that make up the traversal of this number, in an order of dependence."""
        return tuple(
            step
            for step in self.walks.steps
            if (run := self.runs[step.name]).traverses and traversal_of(run.moment) == number
        )

    def value(self, step: Step, read: Read) -> Value:
        """What `step` sees of the fiber through `read`, with its coordinate where it is indexed."""
        return self._seen(step, read, self.runs)

    # One step.

    def _run(self, step: Step, runs: Mapping[str, Run]) -> Run:
        values = [(read, self._seen(step, read, runs)) for read in step.reads]
        moment = max((value.moment for _, value in values), default=0)
        traverses = any(trace.whole for _, value in values for trace in value.traces)
        if traverses:
            moment = 2 * traversal_of(moment) - 1
        kept: set[Trace] = set()
        is_reduced = False
        for read, value in values:
            for trace in value.traces:
                names = self._variables(read, trace)
                left = names & step.kept
                is_reduced |= not left
                where = (d for d, index in enumerate(step.write) if left & set(index.position))
                kept.add(Trace(frozenset(where), trace.whole and left == names))
        result = moment + 1 if is_reduced and moment % 2 else moment
        if not self.fiber.fixed <= step.kept:
            return Run(moment, Value(), traverses)
        traces = frozenset(kept) if result % 2 else frozenset[Trace]()
        return Run(moment, Value(result, traces), traverses)

    def _seen(self, step: Step, read: Read, runs: Mapping[str, Run]) -> Value:
        made = self._made(step, read, runs)
        moment = made.moment
        if moment % 2 == 0 and moment and self._is_looped(step, read):
            moment -= 1
        recurrence = self.walks.recurrences.get(read.tensor)
        last = recurrence if self.walks.age(read) is Age.FINAL else None
        if last and not self.fiber.fixed.isdisjoint(last.variables):
            return Value()
        traces = set()
        for trace in made.traces:
            constant = {d for d in trace.dimensions if read.indices[d].constant is not None}
            if last and constant == {last.dimension}:
                if not self._variables(read, trace):
                    return Value(moment + moment % 2)
                traces.add(Trace(trace.dimensions, False))
            elif not constant:
                traces.add(trace)
        return Value(moment, frozenset(traces))

    def _is_looped(self, step: Step, read: Read) -> bool:
        """Does `read` stay within a recurrence along the fiber? That is all in one traversal."""
        if not self.walks.is_in_recurrence_with(step, read.tensor):
            return False
        return not self.variables.isdisjoint(self.walks.recurrence_variables(step))

    def _made(self, step: Step, read: Read, runs: Mapping[str, Run]) -> Value:
        """What the steps before have made of the tensor that `read` names."""
        if self._is_source(read):
            return self._source
        new = runs.get(read.tensor, _NEVER).result
        initial = runs.get(f"{read.tensor}.init", _NEVER).result
        age = self.walks.age(read)
        if age is Age.INITIAL or not self._sees(step, read):
            return initial
        return new | initial if age is Age.OLD else new

    @cached_property
    def _source(self) -> Value:
        return Value(1, frozenset(Trace(d, True) for d in self.fiber.coordinates))

    def _is_source(self, read: Read) -> bool:
        if read.tensor != self.fiber.tensor:
            return False
        age = self.walks.age(read)
        match self.fiber.age:
            case None:
                return age is not Age.INITIAL
            case Age.NEW:
                return age in (Age.NEW, Age.FINAL)
            case _:
                return age is self.fiber.age

    def _sees(self, step: Step, read: Read) -> bool:
        """Is what `read` takes part of this walk, not carried here by another rank's recurrence?"""
        if not self.walks.is_carried(step, read):
            return True
        return not self.variables.isdisjoint(self.walks.recurrences[read.tensor].variables)

    @cached_property
    def variables(self) -> frozenset[str]:
        """The variables that run over the fiber, where it is written and where it is read."""
        reads = [read for step in self.walks.steps for read in step.reads_of(self.fiber.tensor)]
        accesses = [read.indices for read in reads]
        if producer := self.walks.producers.get(self.fiber.tensor):
            accesses.append(producer.write)
        where = self.fiber.dimensions
        names = {n for indices in accesses for d in where for n in indices[d].position}
        return frozenset(names) - self.fiber.fixed

    def _variables(self, read: Read, trace: Trace) -> frozenset[str]:
        names = (name for d in trace.dimensions for name in read.indices[d].position)
        return frozenset(names) - self.fiber.fixed
