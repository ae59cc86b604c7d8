"""FuseMax's accelerator beside a GPU: as many of its chips as have the GPU's peak."""

from __future__ import annotations

from functools import cache

from archsim.closed_form import closed_form
from archsim.free_tiles import choose_tiles
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from einsum.errors import SpecError
from einsum.shapes import bind
from mapper.configurations import configuration_named
from reports.gpu.model import peak_flops
from reports.gpu.shapes import AttentionShape
from workloads.library import load_cascade
from workloads.masks import causal

_CONFIGURATION = "binding"


def fusemax_seconds(shape: AttentionShape, peak: float) -> float | None:
    """The time of FuseMax's design on `shape`, times its peak FLOP/s over `peak`.

    Its chips then share heads, and their DRAM adds up (8 of them have 3.4 TB/s). Each query head
    reads a K and a V of its own. None where its mapping does not fit.
    """
    found = _one_chip(shape)
    return None if found is None else found[0] * found[1] / peak


@cache
def _one_chip(shape: AttentionShape) -> tuple[float, float] | None:
    """Latency on one chip, and its peak FLOP/s."""
    configuration = configuration_named(_CONFIGURATION)
    architecture = load_architecture(configuration.architecture)
    cascade = load_cascade(configuration.cascade)
    if shape.causal:
        cascade = causal(cascade)
    sizes = {rank: size for rank, size in shape.sizes.items() if rank != "G"}
    try:
        shapes = bind(cascade, {**sizes, **configuration.tile_shape(architecture)})
        file = load_mapping(configuration.mapping)
        mapping = file.bind(cascade, shapes, architecture)
        mapping = choose_tiles(cascade, shapes, architecture, mapping)
    except SpecError:
        return None
    form = closed_form(cascade, shapes, architecture, mapping)
    return float(form.latency_s), peak_flops(architecture)
