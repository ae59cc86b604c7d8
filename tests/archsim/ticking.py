"""A simulator that does nothing clever: every cycle by itself, all lists written out.

It shares the definition of a program with `archsim.simulation`, and no code that executes one.
"""

from __future__ import annotations

from dataclasses import dataclass

from archsim.simulation.program import Action, Again, Block, Kind, Program, Run


class DeadlockError(Exception):
    pass


@dataclass
class Ticked:
    cycles: int
    stalls: list[int]
    requested: list[int]
    acquired: list[int]
    released: list[int]


def tick(program: Program) -> Ticked:
    """Execute `program` cycle by cycle."""
    script = _script(program)
    streams = range(len(program.streams))
    wanted = [sum(a is Action.ACQUIRE and s == n for _, a, s in script) for n in streams]
    done = Ticked(0, [0 for _ in streams], [0 for _ in streams], [0 for _ in streams], [])
    done.released = [0 for _ in streams]
    usable: list[list[int]] = [[] for _ in streams]  # by stream, the cycle each place or tile is
    queue: list[tuple[int, int]] = []  # (stream, index into usable) waiting for the channel
    busy = 0  # cycles that the channel still works on the first of the queue

    def request(number: int) -> None:
        nonlocal busy
        if done.requested[number] == wanted[number]:
            return
        done.requested[number] += 1
        usable[number].append(-1)
        if not queue:
            busy = program.streams[number].service_cycles
        queue.append((number, len(usable[number]) - 1))

    def serve(now: int) -> None:
        """What the channel finishes at the begin of this cycle."""
        nonlocal busy
        while queue and busy == 0:
            number, index = queue.pop(0)
            usable[number][index] = now + program.streams[number].latency_cycles
            if queue:
                busy = program.streams[queue[0][0]].service_cycles

    for copy in range(max((s.copies for s in program.streams), default=0)):
        for number, stream in enumerate(program.streams):
            if copy < stream.copies:
                if stream.kind is Kind.LOAD:
                    request(number)
                else:
                    usable[number].append(0)
    end = sum(_length(block) for block in program.blocks)
    at = position = 0
    while True:
        serve(done.cycles)
        stuck = -1
        while position < len(script) and script[position][0] == at:
            _, action, number = script[position]
            if action is Action.RELEASE:
                done.released[number] += 1
                request(number)
                serve(done.cycles)
            else:
                if done.acquired[number] == len(usable[number]):
                    raise DeadlockError
                ready = usable[number][done.acquired[number]]
                if ready < 0 or ready > done.cycles:
                    stuck = number
                    break
                done.acquired[number] += 1
            position += 1
        if at == end and position == len(script) and not queue:
            return done
        done.cycles += 1
        busy -= 1 if queue else 0
        if stuck >= 0:
            done.stalls[stuck] += 1
        elif at < end:
            at += 1


def _length(block: Block) -> int:
    match block:
        case Run():
            return (block.steps + block.stages - 1) * block.ii
        case Again(trips, inner):
            return trips * sum(map(_length, inner))


def _script(program: Program) -> list[tuple[int, Action, int]]:
    """Everything that happens, in order: schedule time, action, stream."""
    found: list[tuple[int, Action, int]] = []
    visits: dict[int, int] = {}
    begin = 0

    def write(block: Block) -> None:
        nonlocal begin
        if isinstance(block, Again):
            for _ in range(block.trips):
                for inner in block.blocks:
                    write(inner)
            return
        visit = visits.get(block.number, 0)
        visits[block.number] = visit + 1
        events = []
        for step in range(block.steps):
            for order, touch in enumerate(block.touches):
                period = touch.steps or block.steps
                if touch.action is Action.ACQUIRE:
                    due = step % period == 0 and visit % touch.runs == 0
                else:
                    last = step % period == period - 1 or step == block.steps - 1
                    due = last and visit % touch.runs == touch.runs - 1
                if due:
                    when = step * block.ii + touch.offset
                    events.append((when, touch.action.value, order, touch))
        for when, _, _, touch in sorted(events, key=lambda event: event[:3]):
            found.append((begin + when, touch.action, touch.stream))
        begin += (block.steps + block.stages - 1) * block.ii

    for block in program.blocks:
        write(block)
    return found
