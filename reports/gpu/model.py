"""What the model predicts for a kernel on a GPU: time, bytes at both levels, energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from archsim.architecture import Architecture
from archsim.closed_form import ClosedForm, closed_form
from archsim.energy import Accounting, energy
from archsim.free_tiles import overflow
from archsim.latency import compute_time
from archsim.library import load_library
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping_file import load_mapping
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.shapes import Shapes, bind
from mapper.configurations import Configuration, configuration_named
from reports.gpu.shapes import AttentionShape
from workloads.library import load_cascade
from workloads.masks import causal

KERNELS = (
    "u3",
    "u5",
    "p3-retain",
    "p3-recompute",
    "p2-recompute",
    "p2-spill",
    "p1",
    "p1-splitk",
)
"""The kernels of workloads/gpu, which are configurations: the order of fewer passes."""

DECODING = "p1-splitk"
_PJ = 1e-12
_GROWTH = 16  # M of p3-retain is at least this


@dataclass(frozen=True, slots=True)
class Stage:
    """A kernel launch: compute time without and with full overlap, and its memories' time."""

    serial_s: float
    overlapped_s: float
    memory_s: float

    def seconds(self, overlap: float) -> float:
        compute = self.serial_s + overlap * (self.overlapped_s - self.serial_s)
        return max(compute, self.memory_s)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one kernel and shape; bytes and energy do not depend on how work overlaps.

    `l2_bytes` is what the SMs load from L2 and store to it, `dram_bytes` what L2 misses and
    writes back. `energy_j` is that of switching alone, without leakage and clock.
    """

    stages: tuple[Stage, ...]
    launch_s: float
    l2_bytes: float
    dram_bytes: float
    energy_j: float
    flops: float

    def seconds(self, overlap: float) -> float:
        return self.launch_s + sum(stage.seconds(overlap) for stage in self.stages)


def predict(
    kernel: str,
    shape: AttentionShape,
    architecture: Architecture,
    tiles: Mapping[str, int] | None = None,
) -> Prediction:
    """The prediction for the configuration `kernel`; `tiles` sets P0, M0, splits, ...

    Raises `SpecError` where the kernel does not fit the SM, and for tiles that it lacks.
    """
    return _predict(kernel, shape, architecture, tuple(sorted((tiles or {}).items())))


@lru_cache(maxsize=4096)
def _predict(
    kernel: str,
    shape: AttentionShape,
    architecture: Architecture,
    given: tuple[tuple[str, int], ...],
) -> Prediction:
    mapping, form = _closed_form(kernel, shape, architecture, dict(given))
    _check_fit(kernel, form, architecture)
    cascade = _cascade(configuration_named(kernel).cascade, shape.causal)
    library = load_library()
    terms = energy(form.transfers, form.works, cascade, architecture, library, Accounting.COMPLETE)
    caches = [memory.name for memory in architecture.memories if memory.cache]
    stages = []
    for number, (group, memory_s) in enumerate(zip(mapping.groups, form.memory_s, strict=True)):
        works = tuple(one for one in form.works if one.group == number)
        serial, overlapped = (
            float(compute_time(group, works, architecture.clock_hz, overlap=share))
            for share in (0.0, 1.0)
        )
        stages.append(Stage(serial, overlapped, max(map(float, memory_s.values()), default=0.0)))
    return Prediction(
        tuple(stages),
        form.launch_s,
        sum(float(form.moved_bytes[name]) for name in caches),
        float(form.moved_bytes[architecture.root.name]),
        sum(float(term.energy_pj) for term in terms) * _PJ,
        shape.flops,
    )


def largest_row(
    architecture: Architecture, queries: int, head_dim: int, tiles: Mapping[str, int] | None = None
) -> int:
    """The largest power of two M whose rows p3-retain keeps on chip; 0 if none.

    Its registers hold `queries` rows of scores in 32 bits, the result and a tile of
    probabilities, shared memory holds Q and one tile of K or V.
    """
    keys, largest = _GROWTH, 0
    while True:
        shape = AttentionShape(1, 1, 1, head_dim, keys, keys)
        try:
            _, form = _closed_form(
                "p3-retain", shape, architecture, {**(tiles or {}), "P0": queries, "stages": 1}
            )
            _check_fit("p3-retain", form, architecture)
        except SpecError:
            return largest
        keys, largest = 2 * keys, keys


def peak_flops(architecture: Architecture) -> float:
    """Two for every multiply-accumulate of the largest unit, every PE busy."""
    rates = [
        architecture.pes(unit.name) / operation.cycles
        for unit in architecture.units
        for operation in unit.operations
        if operation.name == "mac"
    ]
    return 2.0 * max(rates) * architecture.clock_hz


@lru_cache(maxsize=64)
def _cascade(name: str, is_causal: bool) -> Cascade:
    cascade = load_cascade(name)
    return causal(cascade) if is_causal else cascade


def _closed_form(
    kernel: str,
    shape: AttentionShape,
    architecture: Architecture,
    tiles: Mapping[str, int] | None,
) -> tuple[LoopMapping, ClosedForm]:
    configuration = configuration_named(kernel)
    cascade = _cascade(configuration.cascade, shape.causal)
    shapes, parameters = _tiled(configuration, cascade, shape, dict(tiles or {}))
    mapping = load_mapping(configuration.mapping).bind(cascade, shapes, architecture, parameters)
    return mapping, closed_form(cascade, shapes, architecture, mapping)


def _tiled(
    configuration: Configuration, cascade: Cascade, shape: AttentionShape, tiles: dict[str, int]
) -> tuple[Shapes, dict[str, int | float]]:
    """Tiles that are ranks of the cascade size it, the others are parameters of the mapping."""
    sizes = dict(shape.sizes)
    defaults = dict(cascade.shape)
    if "splits" in tiles and "M1" in cascade.parents:
        key_tiles = -(-shape.keys // tiles.get("M0", defaults["M0"]))
        tiles["M1"] = -(-key_tiles // tiles.pop("splits"))
    for name in [name for name in tiles if name in cascade.parents]:
        sizes[name] = tiles.pop(name)
    return bind(cascade, sizes), dict(tiles)


def _check_fit(kernel: str, form: ClosedForm, architecture: Architecture) -> None:
    for name, short in overflow(form, architecture).items():
        if float(short) > 0:
            raise SpecError(
                f"{kernel} does not fit {architecture.name}: {name} is {float(short):,.0f} bytes "
                "short",
                rule="give smaller tiles, or fewer keys to p3-retain",
            )
