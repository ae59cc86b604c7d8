"""A 2 x 2 array with round numbers, in 1-byte values, for tests that count by hand."""

from __future__ import annotations

from collections import Counter

from archsim.architecture import Architecture
from archsim.architecture_yaml import parse_architecture
from archsim.closed_form import ClosedForm, closed_form
from archsim.components import (
    Library,
    MemoryComponent,
    OperationComponent,
    OperationCost,
    Scaling,
)
from archsim.mapping import Branches, Group, Mapping, Nest, Node
from archsim.memory_models import PerBit
from einsum.cascade import Cascade
from einsum.errors import Source
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind

TEXT = """\
architecture: two-by-two
clock: 1 GHz
node: 45 nm
memories:
  dram: {component: far, bandwidth: 1 GB/s, access: 8 b}
  buffer: {parent: dram, component: near, size: 1 KiB, access: 16 b}
  bank: {parent: buffer, component: near, size: 64 B, access: 8 b, fanout: {cores: 2}}
  registers: {parent: bank, per: array, component: close, size: 16 B, access: 8 b}
  lane_registers: {parent: buffer, per: vector, component: close, size: 16 B, access: 8 b}
units:
  array:
    memory: registers
    dims: {rows: 2, columns: 2}
    operations:
      mac: {cycles: 1, uses: {tick: 1}}
      mul: {cycles: 1, uses: {tick: 1}}
      add: {cycles: 1, uses: {tick: 1}}
      sub: {cycles: 1, uses: {tick: 1}}
      max: {cycles: 1, uses: {tick: 1}}
      exp: {cycles: 4, uses: {tick: 4}}
    components: {tick: 1}
  vector:
    memory: lane_registers
    dims: {lanes: 4}
    operations:
      mac: {cycles: 1, uses: {tock: 1}}
      mul: {cycles: 1, uses: {tock: 1}}
      add: {cycles: 1, uses: {tock: 1}}
      sub: {cycles: 1, uses: {tock: 1}}
      max: {cycles: 1, uses: {tock: 1}}
      exp: {cycles: 1, uses: {tock: 1}}
      div: {cycles: 2, uses: {tock: 2}}
    components: {tock: 1}
  scalar:
    memory: buffer
    operations:
      mac: {cycles: 1, uses: {tock: 1}}
      mul: {cycles: 1, uses: {tock: 1}}
      add: {cycles: 1, uses: {tock: 1}}
      sub: {cycles: 1, uses: {tock: 1}}
      max: {cycles: 1, uses: {tock: 1}}
      exp: {cycles: 1, uses: {tock: 1}}
      div: {cycles: 2, uses: {tock: 2}}
    components: {tock: 1}
"""

MATMUL = "ranks M, N, K\ninputs A[M, K], B[K, N]\nformats A int8, B int8, Z int8\n"
MATMUL += "Z[m, n] = A[m, k] * B[k, n]\n"


def chip(text: str = TEXT) -> Architecture:
    """The architecture; its buffers have no bandwidth limit, its DRAM moves 1 byte a cycle."""
    return parse_architecture(Source("two-by-two.yaml", text))


def operation(name: str, energy_pj: float) -> OperationComponent:
    return OperationComponent(name, "int8", 45, "", OperationCost(energy_pj, 1e6), Scaling.NONE)


def memory(name: str, read_pj: float, write_pj: float) -> MemoryComponent:
    """Energies of 8 bits."""
    model = PerBit(read_pj / 8, write_pj / 8, 0.0)
    return MemoryComponent(name, 45, "", model, Scaling.NONE)


LIBRARY = Library(
    "round",
    (
        memory("far", 1000, 2000),
        memory("near", 10, 20),
        memory("close", 1, 2),
        operation("tick", 100),
        operation("tock", 300),
        operation("wire", 0.125),  # 1 pJ for 8 bits over 1 mm, which is the pitch of a PE
    ),
)


def cascade(text: str, name: str = "test") -> Cascade:
    return parse_cascade(text, name)


def shapes(text: str, **sizes: int) -> Shapes:
    return bind(cascade(text), sizes)


def nest(*nodes: Node) -> Mapping:
    return Mapping("test", (Group(nodes),))


def fork(*nests: Nest) -> Branches:
    return Branches(nests)


def form(bound: Shapes, mapping: Mapping, architecture: Architecture | None = None) -> ClosedForm:
    return closed_form(bound.cascade, bound, architecture or chip(), mapping)


def moves(found: ClosedForm, tensor: str = "") -> dict[str, float]:
    """Elements by `upper>lower tensor` (down) or `upper<lower tensor` (up)."""
    total: Counter[str] = Counter()
    for one in found.transfers:
        if tensor in ("", one.tensor):
            arrow = ">" if one.direction.value == "down" else "<"
            total[f"{one.upper}{arrow}{one.lower} {one.tensor}"] += float(one.elements)
    return dict(total)


def deliveries(found: ClosedForm) -> dict[str, float]:
    """As `moves`, at the lower end."""
    total: Counter[str] = Counter()
    for one in found.transfers:
        arrow = ">" if one.direction.value == "down" else "<"
        total[f"{one.upper}{arrow}{one.lower} {one.tensor}"] += float(one.deliveries)
    return dict(total)
