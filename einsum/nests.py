"""Loop nests: how the loop over one variable is cut by values that need all of its iterations.

Einsums that iterate a variable can share one loop over it until one of them needs a value that is
known only when the loop is over, as `exp(QK[m] - GM)` needs a maximum over m. It starts the next
loop (loop distribution: Allen and Kennedy, Optimizing Compilers, 2001, section 2.4). A tensor
whose elements are used in a later loop than the one that makes them has to be held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from einsum.expression import Number
from einsum.walks import Age, Read, Step, Walks


@dataclass(frozen=True)
class Nests:
    """The loops over `variable`, inside one iteration of its rank's outer partitions, `fixed`."""

    walks: Walks
    variable: str
    fixed: frozenset[str] = frozenset()

    @cached_property
    def number(self) -> Mapping[str, int]:
        """By step, the loop that it is in: as early as what it reads allows, but for those that
        wait for their readers and let nothing be held longer by it.

        A step that does not iterate the variable has the number of the first loop after it.
        """
        numbers = dict.fromkeys((step.name for step in self.walks.steps), 0)
        for _ in self.walks.steps:
            before = dict(numbers)
            for step in self.walks.steps:
                ready = max((self._ready(step, read, numbers) for read in step.reads), default=0)
                numbers[step.name] = max(ready, numbers[step.name])
            if numbers == before:
                break
        for step in reversed(self.walks.steps):
            for number in range(self._latest(step, numbers), numbers[step.name], -1):
                if self._may_wait(step, number, numbers):
                    numbers[step.name] = number
                    break
        return numbers

    def late(self, tensor: str, dimension: int) -> tuple[Read, ...]:
        """The reads of `tensor`, element by element along `dimension`, in a loop after its first.

        The first is the one that computes it, or the first that reads it if it is an input.
        """
        reads = [
            (self.number[step.name], read)
            for step in self.walks.consumers[tensor]
            for read in step.reads_of(tensor)
            if self.variable in read.indices[dimension].position
            and not self._is_elsewhere(step, read)
        ]
        producer = self.walks.producers.get(tensor)
        numbers = [number for number, _ in reads]
        first = self.number[producer.name] if producer else min(numbers, default=0)
        return tuple(read for number, read in reads if number > first)

    def _ready(self, step: Step, read: Read, numbers: Mapping[str, int]) -> int:
        """The first loop, or gap before it, in which `step` can have what `read` names."""
        initial = self.walks.initials.get(read.tensor)
        producer = self.walks.producers.get(read.tensor)
        ready = self._end(initial, numbers) if initial else 0
        if producer is None or self._is_elsewhere(step, read):
            return ready
        streams = self.variable in step.variables and self._streams(read, producer)
        return max(ready, numbers[producer.name] if streams else self._end(producer, numbers))

    def _end(self, step: Step, numbers: Mapping[str, int]) -> int:
        return numbers[step.name] + (self.variable in step.variables)

    def _streams(self, read: Read, producer: Step) -> bool:
        """Can what `producer` writes be used in the same loop: element by element, or its first?"""
        return any(
            self.variable in written.position
            and (self.variable in index.position or isinstance(index.constant, Number))
            for written, index in zip(producer.write, read.indices, strict=True)
        )

    def _is_elsewhere(self, step: Step, read: Read) -> bool:
        """Does `read` take nothing that this loop computes?

        That is so for initial values, for what another variable's recurrence carries over, and
        for what is known only when all iterations of `fixed` are over.
        """
        if self.walks.age(read) is Age.INITIAL:
            return True
        recurrence = self.walks.recurrences.get(read.tensor)
        if recurrence and self.walks.is_carried(step, read):
            return self.variable not in recurrence.variables
        names = {name for index in read.indices for name in index.position}
        return not self.fixed <= names

    # Steps that wait.

    def _latest(self, step: Step, numbers: Mapping[str, int]) -> int:
        """The last loop in which `step` can run for all that read its result."""
        if self.variable not in step.variables or self.walks.recurrence_variables(step):
            return numbers[step.name]
        latest = [max(numbers[s.name] for s in self.walks.steps if self.variable in s.variables)]
        for reader in self.walks.consumers[step.tensor]:
            for read in reader.reads_of(step.tensor):
                streams = self.variable in reader.variables and self._streams(read, step)
                latest.append(numbers[reader.name] - (not streams))
        return min(latest)

    def _may_wait(self, step: Step, number: int, numbers: Mapping[str, int]) -> bool:
        """Is nothing held longer if `step` runs in loop `number`?

        So it is if what it reads is still read by another then, or is an input for it alone.
        """
        for read in step.reads:
            if any(self.variable in index.position for index in read.indices):
                others = [s for s in self.walks.consumers[read.tensor] if s is not step]
                is_held = any(numbers[other.name] >= number for other in others)
                if not is_held and (others or read.tensor in self.walks.producers):
                    return False
        return True
