"""`einfall whatif`: which single change of the hardware helps most."""

from __future__ import annotations

import typer

from reports.options import JsonOption
from reports.selection import Selection, selecting


@selecting
def whatif(selection: Selection, json: JsonOption = False) -> None:
    """Simulate a mapping with one thing changed at a time.

    Wider 1D arrays, faster exponentials, multiply-adds, DRAM bandwidth and buffer sizes: each is
    predicted from the schedule's busiest resources, then made and simulated.

    \b
    Example:
      einfall whatif --workload bert --seq-len 64K
    """
    from dataclasses import asdict

    from archsim.engineering import engineering
    from archsim.simulation.build import Hardware
    from reports.output import print_json
    from reports.tables import print_tables
    from reports.whatif import what_if, what_if_table

    before, outcomes = what_if(selection, Hardware())
    steady = before.schedule.main.schedule
    if json:
        now = {"latency_s": before.latency_s, "ii_cycles": steady.ii_cycles, "limit": steady.limit}
        print_json({**now, "changes": [asdict(one) for one in outcomes]})
        return
    typer.echo(
        f"now: a tile step every {steady.ii_cycles} cycles, limit {steady.limit}, "
        f"latency {engineering(before.latency_s, 's')}\n"
    )
    print_tables(what_if_table(outcomes))
