"""Reading a store: what is in it, block by block in the order of the points.

    results = open_store("runs/x")
    results.description.parameters              # names, units, levels
    results.tally                               # how many points are done, infeasible, failed
    for frame in results.frames():              # pandas, a bounded number of rows at a time
        ...

Reading does not disturb a sweep that is writing, and sees what was finished when it began.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError, choices
from mapper.sweep.adaptive import History
from mapper.sweep.block import Block, DamagedBlockError
from mapper.sweep.database import connect, damaged, store_file, translated
from mapper.sweep.description import Description
from mapper.sweep.outcome import METRICS, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Tally:
    """How many points a sweep has, and how many of them are finished and how.

    `done` counts those with results, the infeasible ones included.
    """

    points: int
    done: int
    infeasible: int
    failed: int

    @property
    def finished(self) -> int:
        """Points that need no more work."""
        return self.done + self.failed


class Results:
    """An open store. Closes with `close`, or as a context."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database
        with translated(path):
            found = database.execute("SELECT description FROM about").fetchone()
        if found is None:
            raise SpecError(f"the sweep in {path} has not begun", rule="start it again")
        try:
            self.description = Description.from_json(found[0])
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(path, f"its description is unreadable ({error})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._database.close()

    @property
    def tally(self) -> Tally:
        """What is finished by now."""
        with translated(self.path):
            points, infeasible, failed = self._database.execute(
                "SELECT total(points), total(infeasible), total(failed) FROM block"
            ).fetchone()
        return Tally(self.description.points, int(points - failed), int(infeasible), int(failed))

    def firsts(self, *, failed: bool = False) -> list[int]:
        """The numbers of the first points of all blocks, or of those with failed points."""
        only = "WHERE failed > 0" if failed else ""
        with translated(self.path):
            rows = self._database.execute(f"SELECT first FROM block {only} ORDER BY first")
            return [first for (first,) in rows]

    def block(self, first: int) -> Block:
        """The block that begins with this point; it is there."""
        with translated(self.path):
            (data,) = self._database.execute(
                "SELECT data FROM block WHERE first = ?", (first,)
            ).fetchone()
        names = tuple(one.name for one in self.description.parameters)
        try:
            return Block.from_bytes(first, data, names, self.description.metrics)
        except DamagedBlockError as error:
            raise damaged(self.path, f"the block of point {first}: {error}") from None

    def blocks(self) -> Iterator[Block]:
        """All finished blocks, in the order of the points."""
        for first in self.firsts():
            yield self.block(first)

    def history(self, stop: int) -> History:
        """Points 0 to `stop`, which are all finished."""
        blocks = [self.block(first) for first in self.firsts() if first < stop]
        names = [one.name for one in self.description.parameters]
        if not blocks:
            return no_history(names)
        return History(
            {name: np.concatenate([one.parameters[name] for one in blocks]) for name in names},
            {
                name: np.concatenate([one.metrics[name] for one in blocks])
                for name in self.description.metrics
            },
            np.concatenate([one.status for one in blocks]),
        )

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
        """A frame for each block, indexed by the number of the point.

        `columns` are some of `description.columns` (all by default), in the order given;
        numbers are in base units, names and status categories. Raises `SpecError` for others.
        """
        names = self._checked(columns)
        for block in self.blocks():
            yield self._frame(block, names)

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All finished points in one frame: give `columns` if there are many points."""
        import pandas as pd

        names = self._checked(columns)
        parts = list(self.frames(names))
        return pd.concat(parts) if parts else pd.DataFrame(columns=list(names))

    def _checked(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        known = self.description.columns
        for name in columns or ():
            if name not in known:
                raise SpecError(f"the sweep has no column {name}", rule=choices(name, known))
        return known if columns is None else tuple(columns)

    def _frame(self, block: Block, columns: Sequence[str]) -> pd.DataFrame:
        import pandas as pd

        labels = [status.label for status in Status]
        texts = {one.name: one.texts for one in self.description.parameters}
        found: dict[str, object] = {}
        for name in columns:
            match name:
                case "status":
                    found[name] = _named(block.status.astype(np.int64), labels)
                case "reason":
                    found[name] = [block.reasons.get(row) for row in range(len(block))]
                case _ if (levels := texts.get(name)) is not None:
                    found[name] = _named(block.parameters[name].astype(np.int64), levels)
                case _ if name in block.parameters:
                    found[name] = block.parameters[name]
                case _:
                    found[name] = block.metrics[name]
        index = pd.RangeIndex(block.first, block.first + len(block), name="point")
        return pd.DataFrame(found, index=index)


def no_history(parameters: Sequence[str]) -> History:
    """Nothing is finished."""
    nothing = np.empty(0)
    columns = dict.fromkeys(parameters, nothing), dict.fromkeys(METRICS, nothing)
    return History(*columns, np.empty(0, np.int8))


def _named(codes: NDArray[np.int64], names: Sequence[str]) -> pd.Categorical[str]:
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=pd.Index(list(names)))


def open_store(path: str | Path) -> Results:
    """The results in the folder of a sweep. Raises `SpecError` if it has none, or damaged ones."""
    file = store_file(Path(path))
    database = connect(file)
    try:
        return Results(file, database)
    except BaseException:
        database.close()
        raise
