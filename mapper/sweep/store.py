"""The store of a sweep that is running: a process may be killed over it at any moment.

A row of the table `block` holds the results of consecutive points. It is written in one
transaction, so it is there as a whole or not at all. What is done is known from the rows' numbers
alone: a million points are some hundred rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self

from einsum.errors import SpecError
from mapper.sweep.block import Block
from mapper.sweep.claims import Claims
from mapper.sweep.database import connect, store_file, transaction, translated
from mapper.sweep.description import Description
from mapper.sweep.outcome import Status
from mapper.sweep.results import Results
from mapper.sweep.spec import Sweep
from mapper.sweep.task import Finished

_SHOWN = 3  # differences between two sweeps


class Store:
    """A store, open for this process to add to it. Use it as a context."""

    def __init__(self, results: Results, database: sqlite3.Connection, claims: Claims) -> None:
        self.results = results
        self._database = database
        self._claims = claims

    @staticmethod
    def open(folder: Path, sweep: Sweep, block_points: Callable[[], int]) -> Store:
        """The store of `sweep` in `folder`, which is made if it is not there.

        `block_points`, how many points a block has, is asked for a new one. Raises `SpecError`
        if another sweep, another version of the model or something else is in its place.
        """
        if folder.exists() and not folder.is_dir():
            raise SpecError(f"{folder} is a file", rule="--out names a folder")
        folder.mkdir(parents=True, exist_ok=True)
        path = store_file(folder)
        database = connect(path, create=True)
        try:
            with translated(path):
                if database.execute("SELECT 1 FROM about").fetchone() is None:
                    text = Description.of(sweep, max(1, block_points())).to_json()
                    with transaction(database):  # if two processes came here, the first one
                        database.execute(
                            "INSERT INTO about SELECT ? WHERE NOT EXISTS (SELECT 1 FROM about)",
                            (text,),
                        )
                results = Results(path, database)
                _check_same(results, sweep)
                return Store(results, database, Claims(database, folder))
        except BaseException:
            database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with translated(self.results.path):
                self._claims.close()
        finally:
            self._database.close()

    def claim(self, first: int) -> bool:
        """Is this block for this process to do: neither done nor claimed by another one?"""
        with translated(self.results.path), transaction(self._database):
            return not self._has(first) and self._claims.take(first)

    def claim_again(self, first: int) -> bool:
        """The same for a block that is done, and has to be improved."""
        with translated(self.results.path), transaction(self._database):
            return self._claims.take(first)

    def claimed_by_others(self) -> set[int]:
        """Blocks that other living processes are working on."""
        with translated(self.results.path):
            return self._claims.others()

    def put(self, done: Finished) -> bool:
        """Stores a block, if it is not there, and gives its claim back."""
        first = done.task.first
        with translated(self.results.path), transaction(self._database):
            added = self._database.execute(
                "INSERT INTO block VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (first, done.points, done.infeasible, done.failed, done.data),
            )
            self._claims.release(first)
            return added.rowcount == 1

    def replace(self, block: Block) -> None:
        """Stores a block in place of what was there, and gives its claim back."""
        counts = (block.count(Status.INFEASIBLE), block.count(Status.FAILED))
        with translated(self.results.path), transaction(self._database):
            self._database.execute(
                "UPDATE block SET infeasible = ?, failed = ?, data = ? WHERE first = ?",
                (*counts, block.to_bytes(), block.first),
            )
            self._claims.release(block.first)

    def _has(self, first: int) -> bool:
        found = self._database.execute("SELECT 1 FROM block WHERE first = ?", (first,))
        return found.fetchone() is not None


def _check_same(results: Results, sweep: Sweep) -> None:
    there, here = (
        content.splitlines() for content in (results.description.content, sweep.content.decode())
    )
    if there == here:
        return
    only_there = [line for line in there if line not in here][:_SHOWN]
    only_here = [line for line in here if line not in there][:_SHOWN]
    lines = [f"  there: {line}" for line in only_there] + [f"  now:   {line}" for line in only_here]
    raise SpecError(
        "\n".join((f"{results.path} holds the results of another sweep", *lines)),
        rule="give another --out; its results stay as they are",
    )
