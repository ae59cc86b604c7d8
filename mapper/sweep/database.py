"""The SQLite file of a store: opened, checked to be one of ours, and its errors as `SpecError`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from einsum.errors import SpecError

FILE = "sweep.sqlite"

_APPLICATION = 0x45494E46  # "EINF", in the header of the file
_VERSION = 1
_BUSY_S = 60.0
_PAGE_BYTES = 16384  # blocks are long
_TABLES = (
    "CREATE TABLE about (description TEXT NOT NULL)",
    "CREATE TABLE block (first INTEGER PRIMARY KEY, points INTEGER NOT NULL,"
    " infeasible INTEGER NOT NULL, failed INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE TABLE claim (first INTEGER PRIMARY KEY, owner TEXT NOT NULL)",
)


def store_file(path: Path) -> Path:
    """The file of the store that is at `path`: the folder of a sweep, or the file itself."""
    return path if path.is_file() else path / FILE


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """The store in the file `path`, which is new if it is to be created and is not there.

    Raises `SpecError` if there is none, or what is there is something else.
    """
    if not create and not path.is_file():
        raise SpecError(
            f"there is no sweep in {path.parent}", rule="einfall sweep SPEC --out FOLDER makes one"
        )
    with translated(path):
        database = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            if create and _number(database, "schema_version") == 0:
                _create(database)
            _check(database, path)
        except BaseException:
            database.close()
            raise
        # With a write-ahead log, NORMAL loses nothing when a process is killed, and after a loss
        # of power at most the last blocks.
        database.execute("PRAGMA synchronous = NORMAL")
        return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and nobody else writes meanwhile."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What SQLite says is wrong with a file, as an error for the person who named it."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise SpecError(f"{path}: {error}") from None
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, how: str) -> SpecError:
    """The error for a file that is not as it was written."""
    return SpecError(
        f"{path} is damaged, or no store of a sweep: {how}",
        rule="nothing was changed in it; give another folder, or bring back a copy",
    )


def _create(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    _use_log(database)
    with transaction(database):
        if _number(database, "schema_version"):
            return  # another process was faster
        for table in _TABLES:
            database.execute(table)
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {_VERSION}")


def _use_log(database: sqlite3.Connection) -> None:
    """Readers and writers at the same time. SQLite does not wait for others here, so we do."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _check(database: sqlite3.Connection, path: Path) -> None:
    if _number(database, "schema_version") == 0:
        raise SpecError(f"{path} is empty: its sweep was ended before it began")
    if _number(database, "application_id") != _APPLICATION:
        raise SpecError(
            f"{path} is a SQLite file of something else", rule="give another folder for the sweep"
        )
    version = _number(database, "user_version")
    if version != _VERSION:
        raise SpecError(
            f"{path} is a store of version {version}; this einfall reads and writes {_VERSION}",
            rule="give another folder, or use the einfall that made it",
        )


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])
