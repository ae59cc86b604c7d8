"""A chip with a memory of every kind, for tests of architectures."""

from archsim.architecture import Architecture
from archsim.architecture_yaml import parse_architecture
from einsum.errors import Source

SMALL = """\
architecture: small
clock: 1 GHz
node: 45 nm
parameters:
  N: 4
memories:
  dram:
    component: dram
    bandwidth: 10 GB/s
    access: 64 b
  buffer:
    parent: dram
    component: sram
    size: 2 * N KiB
    access: 64 b
    fanout: {cores: 3}
    bypass: [K]
  registers:
    parent: buffer
    per: array
    component: register_file
    size: 24 B
    access: 16 b
    tensors: [Q]
units:
  array:
    memory: registers
    dims: {rows: N, columns: 2 * N}
    operations:
      mac: {cycles: 1, uses: {mac16: 1}}
  vector:
    memory: buffer
    dims: {lanes: N}
    operations:
      exp: {cycles: 6, uses: {mac16: 6}}
"""


def read(text: str) -> Architecture:
    return parse_architecture(Source("small.yaml", text))
