"""Columns packed for a browser: typed arrays, compressed, as text.

A column with few different values is a list of them and a place in it for each design; another
one is 32-bit floating-point numbers, so it has seven digits. The bytes of equal significance stand
together, which is what makes them compress.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.plots.table import Table

_FEW = 1 << 16


@dataclass(frozen=True)
class Packed:
    """What a column is made of, for JSON, and its bytes: `width` for each row, transposed."""

    description: Mapping[str, object]
    data: bytes


def pack(table: Table) -> tuple[list[Mapping[str, object]], str]:
    """The columns of `table`, after the numbers of its points, and all bytes in base64."""
    point = table.point.astype("<u4")
    parts = [Packed({"name": "point", "kind": "number", "width": 4}, _planes(point))]
    for name, values in table.columns.items():
        quantity = table.quantities[name]
        said: dict[str, object] = {
            "name": name,
            "label": quantity.label,
            "measure": quantity.measure.name.lower(),
            "maximise": quantity.maximise,
            "texts": list(quantity.texts),
        }
        levels, place = np.unique(values, return_inverse=True)
        if len(levels) <= min(_FEW, max(256, len(values) // 4)):
            width = 1 if len(levels) <= 256 else 2
            codes = place.astype(f"<u{width}")
            said |= {"kind": "levels", "width": width, "levels": levels.tolist()}
            parts.append(Packed(said, _planes(codes)))
        else:
            said |= {"kind": "float", "width": 4}
            parts.append(Packed(said, _planes(values.astype("<f4"))))
    data = zlib.compress(b"".join(part.data for part in parts), 9)
    return [part.description for part in parts], base64.b64encode(data).decode()


def _planes(column: NDArray[np.generic]) -> bytes:
    """First all lowest bytes, then all next ones, ..."""
    flat = np.ascontiguousarray(column).view(np.uint8)
    return flat.reshape(len(column), -1).T.tobytes()
