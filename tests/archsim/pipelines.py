"""FuseMax's evaluation points as problems, for tests of schedules and simulations."""

from __future__ import annotations

from functools import cache

from archsim.architecture import Architecture
from archsim.free_tiles import choose_tiles
from archsim.load import load_architecture
from archsim.mapping import Mapping
from archsim.mapping_file import load_mapping
from einsum.cascade import Cascade
from einsum.shapes import Shapes, bind
from workloads.library import load_cascade
from workloads.models import model_named
from workloads.transformer import attention

MODELS = ("bert", "trxl", "t5", "xlm")
LENGTHS = tuple(1 << bits for bits in (10, 12, 14, 16, 18, 20))
POINTS = [(model, length) for model in MODELS for length in LENGTHS]

Problem = tuple[Cascade, Shapes, Architecture, Mapping]


@cache
def fusemax(
    model: str = "bert",
    length: int = 1 << 16,
    cascade: str = "attention/fusemax",
    mapping: str = "fusemax",
    keys: int = 256,
    changes: tuple[tuple[str, str], ...] = (),
) -> Problem:
    """A model's attention on FuseMax's cloud architecture, `keys` keys in a tile."""
    architecture = load_architecture("fusemax-cloud")
    for path, value in changes:
        architecture = architecture.with_parameter(path, value)
    workload = attention(model_named(model), length, cascade=cascade)
    shapes = bind(workload.cascade, {**workload.shape, "M0": keys})
    bound = load_mapping(mapping).bind(load_cascade(cascade), shapes, architecture)
    on = (workload.cascade, shapes, architecture)
    return (*on, choose_tiles(*on, bound))
