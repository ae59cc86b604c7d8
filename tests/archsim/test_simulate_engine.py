"""The event-driven simulator against one that executes every cycle."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.simulation.engine import Engine
from archsim.simulation.machine import Machine
from archsim.simulation.program import Action, Again, Block, Kind, Program, Run, Stream, Touch
from einsum.errors import SpecError
from tests.archsim.ticking import DeadlockError, Ticked, tick


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Small programs whose runs touch streams within a step's stages."""
    streams = tuple(
        Stream(
            f"T{number}",
            "buffer",
            draw(st.sampled_from(Kind)),
            draw(st.integers(1, 3)),
            64,
            draw(st.integers(0, 25)),
            draw(st.integers(0, 12)),
        )
        for number in range(draw(st.integers(1, 3)))
    )
    inner = draw(st.integers(1, 3))
    numbers = iter(range(6))

    def run(owned: list[int]) -> Run:
        ii, stages = draw(st.integers(1, 6)), draw(st.integers(1, 3))
        touches = []
        for stream in owned:
            steps = draw(st.sampled_from([0, 1, inner, inner * 2, inner * 4]))
            begin = draw(st.integers(0, ii * stages - 1))
            end = draw(st.integers(begin + 1, ii * stages))
            every = 1 if steps else draw(st.sampled_from([1, 2, 4]))
            touches.append(Touch(stream, Action.ACQUIRE, begin, steps, every))
            touches.append(Touch(stream, Action.RELEASE, end, steps, every))
        return Run(next(numbers), draw(st.integers(1, 40)), ii, stages, tuple(touches))

    first = draw(st.integers(0, len(streams)))
    blocks: list[Block] = [run(list(range(first))), run(list(range(first, len(streams))))]
    trips = draw(st.integers(1, 3)) * 4
    return Program((Again(trips, tuple(blocks)),), streams)


def engine(program: Program, skipping: bool) -> Ticked | None:
    machine = Machine(program)
    try:
        Engine(program, machine, skipping).execute()
    except SpecError:
        return None
    return Ticked(
        machine.now,
        machine.stalls,
        [own.requested for own in machine.tiles],
        [own.acquired for own in machine.tiles],
        [own.released for own in machine.tiles],
    )


@settings(max_examples=300, deadline=None)
@given(programs())
def test_agrees_with_every_single_cycle(program: Program) -> None:
    expected: Ticked | None
    try:
        expected = tick(program)
    except DeadlockError:
        expected = None
    assert engine(program, skipping=False) == expected
    assert engine(program, skipping=True) == expected


def test_long_runs_are_skipped_not_executed() -> None:
    touches = (Touch(0, Action.ACQUIRE, 0, 8), Touch(0, Action.RELEASE, 5, 8))
    stream = Stream("K", "buffer", Kind.LOAD, 2, 64, 57, 3)
    run = Run(0, 8 * 10**12, 7, 2, touches)
    program = Program((Again(10**9, (run,)),), (stream,))
    machine = Machine(program)
    Engine(program, machine).execute()
    assert machine.now > 10**9 * 8 * 10**12 * 7
    assert machine.tiles[0].requested == 10**21


def test_periods_within_periods_are_skipped() -> None:
    """Tiles of every step, of every 64 and of every 4096: a few of each are executed."""
    touches = [
        Touch(stream, action, offset, steps)
        for stream, steps in enumerate((4096, 64, 1))
        for action, offset in ((Action.ACQUIRE, 0), (Action.RELEASE, 64))
    ]
    streams = (
        Stream("Q", "buffer", Kind.LOAD, 1, 64, 4590, 94),
        Stream("K", "buffer", Kind.LOAD, 2, 64, 72, 94),
        Stream("QK", "array", Kind.STORE, 2, 64, 287),
    )
    program = Program((Run(0, 4096 * 768, 64, 1, tuple(touches)),), streams)
    counted = CountingMachine(program)
    Engine(program, counted).execute()
    assert counted.acts < 20_000
    assert counted.tiles[2].released == 4096 * 768


class CountingMachine(Machine):
    """Counts what is executed and not skipped."""

    acts = 0

    def act(self, action: Action, number: int) -> None:
        self.acts += 1
        super().act(action, number)
