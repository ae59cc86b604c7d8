"""Building and running `vector_bench`: what the leaf tests, coverage and mutations share."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from rtl.build import Design, Verdict, build, run
from rtl.formats import RTL_FORMATS
from rtl.tests.leaf_model import Operation

BENCH = Path(__file__).with_name("vector_bench.sv")
INTEGER_OPERATIONS = (Operation.MAC, Operation.MAX, Operation.NARROW, Operation.WIDEN)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One set of parameters of the leaf modules."""

    format: str
    degree: int = 3
    natural_base: bool = False

    def __str__(self) -> str:
        return f"{self.format}-{self.degree}{'-natural' if self.natural_base else ''}"

    @property
    def operations(self) -> tuple[Operation, ...]:
        return INTEGER_OPERATIONS if self.format == "int8" else tuple(Operation)

    @property
    def design(self) -> Design:
        parameters = {
            "Format": RTL_FORMATS[self.format],
            "ExpDegree": self.degree,
            "NaturalBase": int(self.natural_base),
        }
        return Design("vector_bench", tuple(parameters.items()), sources=(BENCH,))


DEFAULT_LEAVES = tuple(Leaf(name) for name in RTL_FORMATS)
OTHER_LEAVES = (
    *(Leaf("bf16", degree) for degree in (2, 4, 5, 6)),
    Leaf("fp32", 5, natural_base=True),
)


def run_vectors(
    leaf: Leaf,
    folder: Path,
    *,
    operations: tuple[Operation, ...] = (),
    count: int,
    sources: tuple[Path, ...] = (),
    coverage: bool = False,
) -> tuple[Verdict, dict[str, int]]:
    """Run `count` random vectors and the fixed ones of each operation; the bins that they fill.

    `sources` take the place of listed files of the same name.
    """
    design = replace(leaf.design, sources=(*leaf.design.sources, *sources), coverage=coverage)
    wanted = [one for one in leaf.operations if one in operations or not operations]
    folder.mkdir(parents=True, exist_ok=True)
    verdict = run(
        build(design),
        "rtl.tests.leaf_bench",
        folder,
        arguments=(f"+folder={folder.resolve()}",),
        environment={
            "FORMAT": leaf.format,
            "EXP_DEGREE": str(leaf.degree),
            "NATURAL_BASE": str(int(leaf.natural_base)),
            "OPERATIONS": ",".join(one.name for one in wanted),
            "COUNT": str(count),
        },
    )
    bins = folder / "bins.json"
    return verdict, json.loads(bins.read_text(encoding="utf-8")) if verdict.passed else {}
