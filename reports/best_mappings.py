"""Best mappings found from a cascade and a chip alone, for many shapes, kept as files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from archsim.components import Library
from archsim.evaluate import evaluate
from archsim.library import load_library
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from archsim.mapping_text import mapping_to_yaml
from archsim.model_version import MODEL_VERSION
from archsim.report import CostReport
from einsum.shapes import Shapes, bind
from mapper.objective import Objective
from mapper.search import search
from reports.progress import Track
from workloads.library import load_cascade

_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One search: names of a cascade and an architecture, and the sizes of the ranks."""

    cascade: str
    architecture: str
    sizes: tuple[tuple[str, int], ...]

    @property
    def shapes(self) -> Shapes:
        """The cascade with its sizes."""
        return bind(load_cascade(self.cascade), dict(self.sizes))

    @property
    def file_name(self) -> str:
        """Differs for whatever the best mapping depends on."""
        chip = load_architecture(self.architecture)
        parts = (MODEL_VERSION, load_cascade(self.cascade).digest, self.sizes, chip)
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
        return f"{self.cascade.replace('/', '-')}-{self.architecture}-{digest}.yaml"


def best_mappings(cases: Sequence[Case], folder: Path, track: Track) -> Mapping[Case, Path]:
    """A file with the mapping of least latency, then least traffic, for each of `cases`.

    Files that are in `folder` already are taken as they are; the rest is searched by two
    processes, and written as it is found. Raises `SpecError` if a case has no mapping.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {case: folder / case.file_name for case in dict.fromkeys(cases)}
    missing = [case for case, path in paths.items() if not path.exists()]
    if not missing:
        return paths
    # Workers start afresh: a forked one would inherit the threads of whatever is loaded.
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        searches = [(case, pool.submit(find, case)) for case in missing]
        try:
            for case, text in track(searches, "searches"):
                _write(paths[case], text)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


def find(case: Case) -> str:
    """The best mapping of `case`, as the text of a mapping file."""
    shapes = case.shapes
    found = search(
        shapes.cascade,
        shapes,
        load_architecture(case.architecture),
        load_library(),
        Objective.LATENCY,
    )
    return mapping_to_yaml(found.mapping)


def evaluated(case: Case, path: Path, library: Library) -> CostReport:
    """The cost of the mapping in `path`."""
    shapes, chip = case.shapes, load_architecture(case.architecture)
    mapping = load_mapping(str(path)).bind(shapes.cascade, shapes, chip)
    return evaluate(shapes.cascade, shapes, chip, mapping, library)


def _write(path: Path, search: Future[str]) -> None:
    part = path.with_suffix(".part")
    part.write_text(search.result(), encoding="utf-8")
    part.replace(path)  # an interrupted run leaves no half of a file
