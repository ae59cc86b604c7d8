"""How fast schedules are found and mappings simulated: `python -m benchmarks.schedule`.

The searches are cold (no schedule is remembered); the event-driven simulator is held against its
own touch-by-touch execution, without the skipping of steady states.
"""

from __future__ import annotations

import resource
from time import perf_counter

from archsim.closed_form import closed_form
from archsim.free_tiles import choose_tiles
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from archsim.modulo import modulo_schedule
from archsim.schedule import schedule
from archsim.simulate import program_of, simulate
from archsim.simulation.build import Hardware
from archsim.simulation.engine import Engine
from archsim.simulation.machine import Machine
from einsum.shapes import bind
from workloads.models import model_named
from workloads.transformer import attention

_CASCADES = (("attention/fusemax", "fusemax"), ("attention/fusemax-fma", "fusemax-fma"))


def main() -> None:
    """Print one line per measurement."""
    architecture = load_architecture("fusemax-cloud")
    for cascade, mapping in _CASCADES:
        workload = attention(model_named("bert"), 1 << 20, cascade=cascade)
        on = (workload.cascade, bind(workload.cascade, workload.shape), architecture)
        tiled = choose_tiles(*on, load_mapping(mapping).bind(*on))
        for skew in (False, True):
            modulo_schedule.cache_clear()
            began = perf_counter()
            found = schedule(*on, tiled, skew=skew)
            name = f"schedule {cascade}, {'with' if skew else 'no'} skew"
            _line(name, perf_counter() - began, f"II {found.main.schedule.ii_cycles}")
        began = perf_counter()
        done = simulate(*on, tiled)
        _line(f"simulate {cascade}, 1M", perf_counter() - began, f"{done.cycles} cycles")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'peak memory':48} {peak:9.0f} MB")
    print(f"{'skipping steady states, BERT 4K':48} {_skipping():8.1f} x")


def _skipping() -> float:
    """How many times faster than executing every touch."""
    workload = attention(model_named("bert"), 1 << 12)
    on = (workload.cascade, bind(workload.cascade, workload.shape))
    architecture = load_architecture("fusemax-cloud")
    tiled = choose_tiles(*on, architecture, load_mapping("fusemax").bind(*on, architecture))
    form = closed_form(*on, architecture, tiled)
    found = schedule(*on, architecture, tiled)
    program = program_of(found, on[1], architecture, form, Hardware())
    seconds, ends = [], []
    for skipping in (True, False):
        machine = Machine(program)
        began = perf_counter()
        Engine(program, machine, skipping).execute()
        seconds.append(perf_counter() - began)
        ends.append(machine.now)
    assert ends[0] == ends[1], "what is skipped is what would have happened"
    return seconds[1] / seconds[0]


def _line(name: str, seconds: float, result: str) -> None:
    print(f"{name:48} {seconds * 1e3:7.0f} ms  {result}")


if __name__ == "__main__":
    main()
