"""Sweeps for tests of the store and the engines: quick points, some of which fail."""

from __future__ import annotations

import io
from pathlib import Path

from mapper.sweep.local import SerialEngine
from mapper.sweep.results import open_store
from mapper.sweep.run import Summary, run_sweep
from mapper.sweep.samplers import GRID, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.store import Store
from mapper.sweep.sweep_yaml import build_sweep
from mapper.sweep.task import Engine
from reports.sweep_export import write_csv


def grid(rows: int = 8, lengths: str = "1K..64K", sampler: Sampler = GRID) -> Sweep:
    """FuseMax with `rows` heights of its array; too small buffers fail, large chips are too big."""
    heights = ",".join(str(16 * (row + 1)) for row in range(rows))
    return build_sweep(
        {"workload": "bert", "seq_len": lengths},
        [f"array_2d.rows={heights}", "global_buffer.size=64 KiB, 1 MiB, 16 MiB"],
        constraints=["area_um2 <= 200 mm^2"],
        sampler=sampler,
    )


def finish(
    sweep: Sweep,
    folder: Path,
    engine: Engine | None = None,
    block_points: int = 16,
    retry_failed: bool = False,
) -> Summary:
    """Runs `sweep` to its end in `folder`."""
    with (
        Store.open(folder, sweep, lambda: block_points) as store,
        engine or SerialEngine(sweep) as e,
    ):
        return run_sweep(sweep, store, e, retry_failed=retry_failed)


def table(folder: Path) -> str:
    """The CSV of a store."""
    text = io.StringIO()
    with open_store(folder) as results:
        write_csv(results, text)
    return text.getvalue()
