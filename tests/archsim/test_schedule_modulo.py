"""Modulo schedules against brute force, and checked cycle by cycle."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.modulo import ModuloSchedule, modulo_schedule
from archsim.recurrence import rec_mii
from archsim.task_graph import Dependence, Life, Mode, Pulses, Task, TaskGraph, Window
from einsum.errors import SpecError


def block(name: str, resource: str, cycles: int) -> Task:
    """A task of one Einsum in one piece."""
    return Task(name, (Mode((Pulses(resource, 0, cycles),), (Window(name, 0, cycles, cycles),)),))


@st.composite
def graphs(draw: st.DrawFn) -> TaskGraph:
    count = draw(st.integers(2, 4))
    tasks = []
    for number in range(count):
        resource, cycles = draw(st.sampled_from("ab")), draw(st.integers(1, 3))
        tasks.append(block(f"T{number}", resource, cycles))
        if draw(st.booleans()) and cycles > 1:  # the same work every other cycle
            end = 2 * cycles - 1
            spread = Mode(
                (Pulses(resource, 0, 1, cycles, 2),), (Window(f"T{number}", 0, end, end),)
            )
            tasks[-1] = Task(f"T{number}", (*tasks[-1].modes, spread))
    edges = []
    for source, target in product(range(count), repeat=2):
        if draw(st.booleans()):
            # Backwards only with a distance: no step waits for itself.
            least = 0 if source < target else 1
            distance = draw(st.integers(least, 2))
            delay = draw(st.integers(0, 2))
            edges.append(Dependence(f"T{source}", f"T{target}", "X", distance, delay))
    return TaskGraph(tuple(tasks), tuple(edges))


def brute_force(graph: TaskGraph) -> int:
    """The least interval for which some modes and slots work; stages by difference constraints."""
    ii = 1
    while True:
        for modes in product(*(task.modes for task in graph.tasks)):
            if any(
                _feasible(graph, modes, slots, ii)
                for slots in product(range(ii), repeat=len(modes))
            ):
                return ii
        ii += 1


def _feasible(graph: TaskGraph, modes: tuple[Mode, ...], slots: tuple[int, ...], ii: int) -> bool:
    taken: Counter[tuple[str, int]] = Counter()
    for mode, slot in zip(modes, slots, strict=True):
        for pulses in mode.pulses:
            for begin, end in pulses.intervals():
                taken.update((pulses.resource, (slot + at) % ii) for at in range(begin, end))
    if any(count > 1 for count in taken.values()):
        return False
    stage = [0] * len(modes)
    for _ in range(len(modes) + 1):
        settled = True
        for edge in graph.dependences:
            source, target = graph.task_of[edge.source], graph.task_of[edge.target]
            written = modes[source].window(edge.source).end + edge.delay + slots[source]
            wait = written - slots[target] - ii * edge.distance + ii * stage[source]
            least = -(-wait // ii)
            if stage[target] < least:
                stage[target], settled = least, False
        if settled:
            return True
    return False


def check(graph: TaskGraph, found: ModuloSchedule, steps: int = 12) -> None:
    """Unroll some steps: one task to a resource and cycle, values before their use."""
    ii = found.ii_cycles
    taken: Counter[tuple[str, int]] = Counter()
    for placed in found.placements:
        for pulses in placed.pulses:
            for begin, end in pulses.intervals():
                for step in range(steps):
                    taken.update((pulses.resource, step * ii + at) for at in range(begin, end))
    assert max(taken.values()) == 1
    for edge in graph.dependences:
        if graph.task_of[edge.source] == graph.task_of[edge.target] and edge.distance == 0:
            continue
        window = {name: (begin, end, first) for name, begin, end, first in found.windows}
        done = window[edge.source][2 if edge.elementwise else 1] + edge.delay
        assert done <= window[edge.target][0] + edge.distance * ii, edge
    extra = {memory: 0.0 for memory, _ in graph.free_bytes}
    for life, copies in zip(graph.lives, found.copies, strict=True):
        born = found.window_of[life.writer][0] + life.delay
        dead = max(found.window_of[name][1] + d * ii for name, d in life.readers)
        if not life.elementwise:
            cycles = range(dead - born + ii)
            alive = max(
                sum(born + s * ii <= at < dead + s * ii for s in range(-60, 60))
                for at in (born + c for c in cycles)
            )
            assert alive <= copies.tiles
        if life.memory in extra:
            extra[life.memory] += max(0, copies.tiles - life.covered) * life.tile_bytes
    for memory, free in graph.free_bytes:
        assert extra[memory] <= free


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_least_interval_is_that_of_brute_force(graph: TaskGraph) -> None:
    found = modulo_schedule(graph)
    check(graph, found)
    assert found.ii_cycles == brute_force(graph)
    assert found.proven_optimal
    assert found.ii_cycles >= max(found.res_mii, found.rec_mii)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.data())
def test_schedules_keep_to_the_room_there_is(graph: TaskGraph, data: st.DataObject) -> None:
    lives = tuple(
        Life(
            f"X{number}",
            "registers",
            edge.source,
            ((edge.target, edge.distance),),
            1.0,
            data.draw(st.integers(1, 2)),
        )
        for number, edge in enumerate(graph.dependences)
    )
    room = data.draw(st.integers(0, 3))
    bounded = TaskGraph(graph.tasks, graph.dependences, lives, (), (("registers", room),))
    found, told = outcome(bounded)
    if found is None:
        assert "registers is" in told
        assert "bytes short" in told
        return
    check(bounded, found)
    assert found.ii_cycles >= modulo_schedule(graph).ii_cycles


def outcome(graph: TaskGraph) -> tuple[ModuloSchedule | None, str]:
    """The schedule, or what is said of why there is none."""
    try:
        return modulo_schedule(graph), ""
    except SpecError as error:
        return None, error.message


def test_recurrence_names_its_einsums() -> None:
    graph = TaskGraph(
        (block("A", "a", 2), block("B", "b", 3)),
        (Dependence("A", "B", "A"), Dependence("B", "A", "B", 1)),
    )
    found = modulo_schedule(graph)
    assert (found.ii_cycles, found.res_mii, found.rec_mii) == (5, 3, 5)
    assert set(found.limit.split(" -> ")) == {"A", "B"}
    far = TaskGraph(graph.tasks, (graph.dependences[0], Dependence("B", "A", "B", 2)))
    assert rec_mii(far)[0] == 3


def test_a_step_that_waits_for_itself_is_refused() -> None:
    graph = TaskGraph(
        (block("A", "a", 2), block("B", "b", 3)),
        (Dependence("A", "B", "A"), Dependence("B", "A", "B")),
    )
    with pytest.raises(SpecError, match="waits for itself: "):
        modulo_schedule(graph)


def test_a_longer_life_needs_another_copy() -> None:
    """C reads A's tile only after B, which takes nearly two intervals."""
    tasks = (block("A", "a", 4), block("B", "b", 4), block("C", "c", 4))
    edges = (Dependence("A", "B", "A"), Dependence("A", "C", "A"), Dependence("B", "C", "B"))
    life = Life("A", "registers", "A", (("B", 0), ("C", 0)), 2.0, 1)
    roomy = TaskGraph(tasks, edges, (life,), (), (("registers", 8.0),))
    found = modulo_schedule(roomy)
    assert (found.ii_cycles, found.copies[0].tiles) == (4, 3)
    tight = TaskGraph(tasks, edges, (life,), (), (("registers", 2.0),))
    found = modulo_schedule(tight)
    assert (found.ii_cycles, found.copies[0].tiles) == (6, 2)
    assert found.limit == "schedule"
    assert found.proven_optimal
