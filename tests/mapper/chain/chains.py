"""Small random chains on small random chips, for the tests of serial chains."""

from __future__ import annotations

from random import Random

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.components import (
    Library,
    MemoryComponent,
    OperationComponent,
    OperationCost,
    Scaling,
)
from archsim.constraints import Constraints, Keeping, Spreading
from archsim.mapping import Policy
from archsim.memory_models import PerBit
from einsum.parser import parse_cascade
from einsum.shapes import bind
from mapper.problem import MapProblem

MATMUL = """
ranks M, N, K
inputs T0[M, K], W0[K, N]
T1[m, n] = T0[m, k] * W0[k, n]
"""
PAIR = """
ranks M, N, K, O
inputs T0[M, K], W0[K, N], W1[N, O]
T1[m, n] = T0[m, k] * W0[k, n]
T2[m, o] = T1[m, n] * W1[n, o]
"""
MAPPED = """
ranks M, N, K
inputs T0[M, K], W0[K, N]
T1[m, n] = T0[m, k] * W0[k, n]
T2[m, n] = exp(T1[m, n])
"""
CORE = """
ranks M, P, E, F
inputs Q[M, E], K[P, E], V[P, F]
QK[m, p] = Q[m, e] * K[p, e]
S[m, p] = exp(QK[m, p])
AV[m, f] = S[m, p] * V[p, f]
"""
FORK = """
ranks M, N, K
inputs X[M, K], WA[K, N], WB[K, N]
A[m, n] = X[m, k] * WA[k, n]
B[m, n] = X[m, k] * WB[k, n]
C[m, n] = A[m, n] * B[m, n]
"""
SQUARE = """
ranks M
inputs X[M]
S[m] = X[m] * X[m]
"""


def flat_chip(random: Random, values: int) -> tuple[Architecture, Library]:
    """A buffer of so many values of 2 bytes, in front of one PE."""
    memories = (
        Memory("dram", None, "dram", None, random.choice((None, 1e9)), 1),
        Memory("buffer", "dram", "buffer", 2.0 * values, random.choice((None, 4e9)), 1),
    )
    unit = ComputeUnit("pe", "buffer", (), _operations(), latches=False)
    dram, buffer = random.choice(((10.0, 1.0), (3.0, 1.0), (1.0, 1.0)))
    return _chip(memories, unit), _library(dram, buffer, 0.1)


def deep_chip(random: Random, values: int, local: int) -> tuple[Architecture, Library]:
    """Two local buffers below the buffer, and an array of 2 x 2 PEs with a register each."""
    fanout = (Dim("z", 2, multicast=random.random() < 0.5),)
    memories = (
        Memory("dram", None, "dram", None, 1e9, 1),
        Memory(
            "buffer",
            "dram",
            "buffer",
            2.0 * values,
            None,
            1,
            read_bytes_per_s=4e9,
            write_bytes_per_s=2e9,
        ),
        Memory("local", "buffer", "local", 2.0 * local, None, 1, fanout),
        Memory("register", "local", "register", 2.0, None, 1, per_unit="pe"),
    )
    unit = ComputeUnit("pe", "register", (Dim("x", 2), Dim("y", 2)), _operations(), latches=False)
    return _chip(memories, unit), _library(10.0, 2.0, 0.3)


def stationary(problem: MapProblem) -> Constraints:
    """A product holds its second operand in the registers, and the others in the local buffers."""
    keeping, spreading = {}, {}
    for einsum in problem.einsums:
        names = list(dict.fromkeys(access.tensor for access in einsum.inputs))
        moving = frozenset({einsum.tensor, names[0]})
        weight = frozenset(names[1:])
        keeping[einsum.name, "local"] = Keeping(moving, moving)
        keeping[einsum.name, "register"] = Keeping(weight, weight)
        if weight:
            spreading[einsum.name, "pe.x"] = Spreading(frozenset(names[:1]), 1.0)
            spreading[einsum.name, "pe.y"] = Spreading(frozenset({einsum.tensor}), 1.0)
    return Constraints(keeping, spreading)


def chain_problem(
    text: str, sizes: dict[str, int], chip: tuple[Architecture, Library]
) -> MapProblem:
    """The serial problem of a cascade."""
    cascade = parse_cascade(text, "chain")
    used = {rank.name: sizes[rank.name] for rank in cascade.ranks}
    return MapProblem(cascade, bind(cascade, used), *chip, policy=Policy.SERIAL)


def _operations() -> tuple[Operation, ...]:
    return tuple(Operation(name, 1.0, (("op", 1.0),)) for name in ("mac", "mul", "exp"))


def _chip(memories: tuple[Memory, ...], unit: ComputeUnit) -> Architecture:
    return Architecture("chip", 1e9, 45.0, memories, (unit,))


def _library(dram: float, buffer: float, local: float) -> Library:
    def memory(name: str, read: float, write: float) -> MemoryComponent:
        return MemoryComponent(name, 45.0, "test", PerBit(read, write, 0.0), Scaling.NONE)

    def operation(name: str, pj: float) -> OperationComponent:
        return OperationComponent(name, "any", 45.0, "test", OperationCost(pj, 0.0), Scaling.NONE)

    parts = (
        memory("dram", dram, dram * 1.1),
        memory("buffer", buffer, buffer * 1.3),
        memory("local", local, local * 1.2),
        memory("register", 0.01, 0.02),
        operation("op", 0.5),
        operation("wire", 0.0),
    )
    return Library("test", parts)
