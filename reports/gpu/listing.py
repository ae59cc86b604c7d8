"""The kernels and the records as rows."""

from __future__ import annotations

from archsim.text_table import TextTable
from einsum.passes import analyse
from mapper.configurations import configuration_named
from reports.gpu.model import KERNELS
from reports.gpu.reader import read_records
from reports.gpu.tables import NOT_MEASURED
from workloads.library import load_cascade


def kernel_rows() -> list[dict[str, object]]:
    """Every kernel with its cascade, mapping and passes over the keys."""
    found: list[dict[str, object]] = []
    for name in KERNELS:
        one = configuration_named(name)
        passes = analyse(load_cascade(one.cascade)).max_passes
        found.append(
            {
                "kernel": name,
                "cascade": one.cascade,
                "mapping": one.mapping,
                "passes": passes,
                "description": one.description,
            }
        )
    return found


def record_rows() -> list[dict[str, object]]:
    """The shipped records with their device and how many measurements they hold."""
    return [
        {"record": one.name, "device": one.device, "measurements": len(one.measurements)}
        for one in read_records(None)
    ]


def listing_tables() -> tuple[TextTable, TextTable]:
    """Both for people."""
    kernels, records = kernel_rows(), record_rows()
    rows = tuple(tuple(map(str, row.values())) for row in records)
    return (
        TextTable(
            "kernels",
            "<<<><",
            tuple(kernels[0]),
            tuple(tuple(map(str, row.values())) for row in kernels),
        ),
        TextTable(
            "records",
            "<<>",
            ("record", "device", "measurements"),
            rows or ((NOT_MEASURED, "-", "-"),),
        ),
    )
