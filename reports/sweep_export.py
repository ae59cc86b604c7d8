"""The points of a store as rows of CSV or Parquet: in order, a block in memory at a time."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from einsum.errors import SpecError
from mapper.sweep.block import Block
from mapper.sweep.description import Column, Description
from mapper.sweep.outcome import Status
from mapper.sweep.results import Results

_LABELS = np.asarray([status.label for status in Status], dtype=object)


def export_csv(results: Results, path: Path) -> int:
    """Writes a header and a row for every finished point, and returns how many there are.

    Columns are those of the description: parameters as numbers in base units (whole ones without
    a point) or names, metrics with all their digits, status and reason. What has no value is empty.
    """
    with _replacing(path) as new, open(new, "w", encoding="utf-8", newline="") as stream:
        return write_csv(results, stream)


def write_csv(results: Results, stream: TextIO) -> int:
    """As `export_csv`, to an open text."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(results.description.columns)
    rows = 0
    for block in results.blocks():
        writer.writerows(zip(*_cells(results.description, block), strict=True))
        rows += len(block)
    return rows


def export_parquet(results: Results, path: Path) -> int:
    """The same rows as Parquet: sizes int64, other numbers float64, names as text.

    Raises `SpecError` if the extra `parquet` is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise SpecError(
            "--parquet needs pyarrow", rule="pip install 'einfall[parquet]', or give --csv"
        ) from None
    description = results.description
    types: dict[str, Any] = {one.name: _arrow_type(arrow, one) for one in description.parameters}
    types |= dict.fromkeys(description.metrics, arrow.float64())
    types |= {"status": arrow.string(), "reason": arrow.string()}
    schema = arrow.schema(types)
    rows = 0
    with _replacing(path) as new, parquet.ParquetWriter(new, schema) as writer:
        for blocks in _groups(results):
            columns = [
                [cell for part in parts for cell in part]
                for parts in zip(*(_cells(description, one) for one in blocks), strict=True)
            ]
            arrays = [
                arrow.array(column, kind)
                for column, kind in zip(columns, types.values(), strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            rows += sum(map(len, blocks))
    return rows


_GROUP_POINTS = 1 << 16


def _groups(results: Results) -> Iterator[list[Block]]:
    """Blocks together, so that small ones do not make a group of rows each."""
    group: list[Block] = []
    for block in results.blocks():
        group.append(block)
        if sum(map(len, group)) >= _GROUP_POINTS:
            yield group
            group = []
    if group:
        yield group


def _cells(description: Description, block: Block) -> list[Sequence[object]]:
    """The columns of a block as plain values; None where there is none."""
    parameters = [_values(block.parameters[one.name], one.texts) for one in description.parameters]
    metrics = [_numbers(block.metrics[name].tolist()) for name in description.metrics]
    status = _LABELS[block.status].tolist()
    reasons = [block.reasons.get(row) for row in range(len(block))]
    return [*parameters, *metrics, status, reasons]


def _values(column: NDArray[np.float64], texts: Sequence[str] | None) -> list[object]:
    if texts is not None:
        return [texts[int(code)] for code in column]
    return [int(x) if x.is_integer() else x if x == x else None for x in column.tolist()]


def _numbers(column: list[float]) -> list[float | None]:
    return [x if x == x else None for x in column]


def _arrow_type(arrow: Any, column: Column) -> Any:
    if column.texts is not None:
        return arrow.string()
    return arrow.int64() if column.whole else arrow.float64()


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place when all is written, and not before."""
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        os.replace(new, path)
    except OSError as error:
        raise SpecError(f"cannot write {path}: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)
