"""A block: consecutive points of a sweep and what became of them, as it lies in a store.

Its bytes are a NumPy archive (`numpy.load` reads it) of four arrays: the points' keys, a row of
numbers for every parameter and metric, the states, and the reasons. The archive's checksums
tell a damaged block from a whole one.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.sweep.formula import Column
from mapper.sweep.outcome import METRICS, Outcome, Status
from mapper.sweep.points import Points, point_keys

KEY_BYTES = 16


class DamagedBlockError(ValueError):
    """The bytes are not those that were written."""


@dataclass(frozen=True)
class Block:
    """Points `first`, `first + 1`, ... of a sweep, row by row.

    `keys` has 16 bytes a row; `parameters` and `metrics` have a float64 column for each, names of
    parameters as their places in the sweep's list; `status` is int8, and `reasons` says why for
    the rows that are not DONE.
    """

    first: int
    keys: NDArray[np.uint8]
    parameters: Mapping[str, Column]
    metrics: Mapping[str, Column]
    status: NDArray[np.int8]
    reasons: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.status)

    @staticmethod
    def of(points: Points, outcome: Outcome) -> Block:
        """What became of `points`, which are consecutive."""
        return Block(
            int(points.index[0]),
            np.frombuffer(b"".join(point_keys(points)), np.uint8).reshape(-1, KEY_BYTES),
            points.columns,
            outcome.metrics,
            outcome.status,
            outcome.reasons,
        )

    def count(self, status: Status) -> int:
        """How many of the points became this."""
        return int(np.count_nonzero(self.status == status))

    def rows(self, status: Status) -> NDArray[np.int64]:
        """The rows of the points that became this."""
        return np.flatnonzero(self.status == status).astype(np.int64)

    def with_rows(self, rows: NDArray[np.int64], outcome: Outcome) -> Block:
        """This block with `outcome` in place of the results of `rows`."""
        metrics = {name: self.metrics[name].copy() for name in self.metrics}
        for name, column in metrics.items():
            column[rows] = outcome.metrics[name]
        status = self.status.copy()
        status[rows] = outcome.status
        replaced = set(rows.tolist())
        reasons = {row: text for row, text in self.reasons.items() if row not in replaced}
        reasons |= {int(rows[row]): text for row, text in outcome.reasons.items()}
        return Block(self.first, self.keys, self.parameters, metrics, status, reasons)

    def to_bytes(self) -> bytes:
        """The archive. Equal blocks have equal bytes."""
        numbers = [*self.parameters.values(), *self.metrics.values()]
        texts = list(dict.fromkeys(self.reasons[row] for row in sorted(self.reasons)))
        places = {text: place for place, text in enumerate(texts)}
        reason = np.full(len(self), -1, np.int32)
        for row, text in self.reasons.items():
            reason[row] = places[text]
        stream = io.BytesIO()
        np.savez(
            stream,
            allow_pickle=False,
            key=self.keys,
            number=np.asarray(numbers, np.float64).reshape(len(numbers), len(self)),
            status=self.status,
            reason=reason,
            text=np.frombuffer(json.dumps(texts).encode(), np.uint8),
        )
        return stream.getvalue()

    @staticmethod
    def from_bytes(
        first: int, data: bytes, parameters: tuple[str, ...], metrics: tuple[str, ...]
    ) -> Block:
        """The block whose `to_bytes` are `data`. Raises `DamagedBlockError`."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                parts: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
            numbers, reason = parts["number"], parts["reason"]
            texts: list[str] = json.loads(parts["text"].tobytes())
            names = (*parameters, *metrics)
            columns = dict(zip(names, numbers, strict=True))
            return Block(
                first,
                parts["key"],
                {name: columns[name] for name in parameters},
                {name: columns[name] for name in metrics},
                parts["status"],
                {int(row): texts[reason[row]] for row in np.flatnonzero(reason >= 0)},
            )
        except (zipfile.BadZipFile, ValueError, KeyError, IndexError, OSError, EOFError) as error:
            raise DamagedBlockError(str(error)) from None


def failure(count: int, reason: str) -> Outcome:
    """`count` points without results."""
    return Outcome(
        {name: np.full(count, np.nan) for name in METRICS},
        np.full(count, Status.FAILED, np.int8),
        dict.fromkeys(range(count), reason),
    )
