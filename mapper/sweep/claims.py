"""Which blocks are being worked on, and by whom: for several processes on one store.

An owner holds a lock on a file of its own. The operating system lets go of it when the process
ends, however it does, so that what a killed process had claimed is free at once, without leases
that would have to run out.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from uuid import uuid4


class Claims:
    """The claims of this process on the blocks of one store."""

    def __init__(self, database: sqlite3.Connection, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._owner = uuid4().hex
        # Nobody may see the file before it is locked: it gets its name afterwards.
        new = self._path(self._owner).with_suffix(".new")
        self._file = os.open(new, os.O_CREAT | os.O_RDWR, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        new.rename(self._path(self._owner))
        self._release_dead()

    def take(self, first: int) -> bool:
        """Claims a block, within a transaction; False if another process has it."""
        added = self._database.execute(
            "INSERT INTO claim VALUES (?, ?) ON CONFLICT DO NOTHING", (first, self._owner)
        )
        return added.rowcount == 1

    def release(self, first: int) -> None:
        """Gives a block back, within a transaction."""
        self._database.execute("DELETE FROM claim WHERE first = ?", (first,))

    def others(self) -> set[int]:
        """The blocks that living processes besides this one have claimed."""
        self._release_dead()
        rows = self._database.execute("SELECT first FROM claim WHERE owner != ?", (self._owner,))
        return {first for (first,) in rows}

    def close(self) -> None:
        """Gives everything back."""
        try:
            self._database.execute("DELETE FROM claim WHERE owner = ?", (self._owner,))
        finally:
            self._path(self._owner).unlink(missing_ok=True)
            os.close(self._file)

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}.lock"

    def _release_dead(self) -> None:
        """Gives back what processes that are no more had claimed."""
        owners = {owner for (owner,) in self._database.execute("SELECT owner FROM claim")}
        owners |= {path.stem for path in self._folder.glob("*.lock")}
        for owner in owners - {self._owner}:
            if not self._alive(owner):
                self._database.execute("DELETE FROM claim WHERE owner = ?", (owner,))
                self._path(owner).unlink(missing_ok=True)

    def _alive(self, owner: str) -> bool:
        try:
            file = os.open(self._path(owner), os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(file)
