"""Random small problems for the search: cascades, chips whose sizes bind, policies, constraints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.constraints import FREE, Constraints, Keeping, Spreading
from archsim.library import load_library
from archsim.mapping import Policy
from archsim.work import supports
from einsum.cascade import Cascade
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind
from mapper.problem import MapProblem

LIBRARY = load_library()


def problem(random: Random) -> MapProblem:
    """A cascade of one to three Einsums on a chip of a few PEs and bytes."""
    kind = random.choice((products, products, running, causal, window, tight, tight))
    cascade, shapes = kind(random)
    architecture = (narrow_chip if kind is tight else chip)(random, cascade)
    return MapProblem(
        cascade,
        shapes,
        architecture,
        LIBRARY,
        random.choice((Policy.OVERLAPPED, Policy.OVERLAPPED, Policy.SERIAL)),
        random.random() < 0.3,
        random.choice((None, None, 2 if "S[r, n + 1]" in str(cascade) else 1, 2)),
        constraints(random, cascade, architecture) if random.random() < 0.3 else FREE,
    )


# Cascades.


def products(random: Random) -> tuple[Cascade, Shapes]:
    """Products, sums, maxima and exponentials of what there is, over any of its ranks.

    The results are matrix products, chains of them, softmax-like pairs of reductions and inputs
    that several Einsums share.
    """
    ranks = random.sample("MNK", random.choice((2, 2, 3)))
    tensors = {name: _some(random, ranks) for name in "AB"[: random.choice((1, 2))]}
    inputs = ", ".join(f"{name}[{', '.join(own)}]" for name, own in tensors.items())
    lines = [f"ranks {', '.join(ranks)}", f"inputs {inputs}"]
    used: set[str] = set()
    for name in "XYZ"[: random.choice((1, 1, 2, 2, 3))]:
        unread = [one for one in tensors if one not in used]
        first = random.choice(unread or list(tensors))
        second = random.choice(list(tensors))
        if random.random() < 0.3:
            read, own, form = {first}, tensors[first], f"exp({_access(first, tensors[first])})"
        else:
            read = {first, second}
            own = [r for r in ranks if r in tensors[first] or r in tensors[second]]
            sign = random.choice("**+-")
            form = f"{_access(first, tensors[first])} {sign} {_access(second, tensors[second])}"
        kept = _some(random, own)
        gone = ", ".join(r.lower() for r in own if r not in kept)
        reduction = f"max({gone}) " if gone and random.random() < 0.4 else ""
        lines.append(f"{_access(name, kept)} = {reduction}{form}")
        tensors[name] = kept
        used |= read
    idle = [name for name in tensors if name not in used and name in "AB"]
    if idle:  # an input that nothing reads is refused
        return products(random)
    return _sized(random, "\n".join(lines))


_RUNNING = """ranks R, N -> (N1, N0)
shape N0 = {inner}
inputs X[R, N]
L[r, n1] = {reduce}(n0) X[r, n1, n0]
S[r, 0] = {initial}
S[r, n1 + 1] = {step}
{last}
"""


_MUTUAL = """ranks R, N
inputs X[R, N]
{outputs}
T[r, n] = S[r, n] * X[r, n]
S[r, 0] = 0
S[r, n + 1] = T[r, n] + X[r, n]
{last}
"""


def running(random: Random) -> tuple[Cascade, Shapes]:
    """A running maximum or sum, and what reads it: each step, the end, or another."""
    if random.random() < 0.4:
        last = random.choice(("Y[r] = exp(S[r, N])", "Y[r, n] = T[r, n] - S[r, n + 1]"))
        return _sized(random, _MUTUAL.format(outputs="outputs Y", last=last))
    top = random.random() < 0.5
    last = random.choice(
        (
            "Y[r] = exp(S[r, N1])",
            "Y[r, n1] = L[r, n1] - S[r, n1 + 1]",
            "Y[r, n1] = exp(S[r, n1])",
        )
    )
    text = _RUNNING.format(
        inner=random.choice((1, 2)),
        reduce="max" if top else "sum",
        initial="-inf" if top else "0",
        step="max(S[r, n1], L[r, n1])" if top else "S[r, n1] + L[r, n1]",
        last=last,
    )
    return _sized(random, text)


_CAUSAL = """ranks E, P, M
inputs Q[E, P], K[E, M]
S[m, p] = Q[e, p] * K[e, m] if {condition}
{last}
"""


def causal(random: Random) -> tuple[Cascade, Shapes]:
    """Pairs that a condition leaves out, and a reduction of those that it keeps."""
    text = _CAUSAL.format(
        condition=random.choice(("m <= p", "m <= p", "m <= p and p - m < 2", "p < 3")),
        last=random.choice(("G[p] = max(m) S[m, p]", "G[p] = S[m, p]", "G[m, p] = exp(S[m, p])")),
    )
    return _sized(random, text, (1, 2, 4))


_WINDOW = "ranks P, R, W\ninputs I[W], F[R]\nO[p] = I[p + r] * F[r]\n"


def window(random: Random) -> tuple[Cascade, Shapes]:
    """A convolution: tiles that slide over each other."""
    return _sized(random, _WINDOW, (1, 2, 3, 4), without="W")


_TIGHT = (
    "ranks M, N\ninputs A[M], B[N]\nZ[m, n] = A[m] * B[n]\n",
    "ranks M, N\ninputs A[M], B[N]\nZ[m, n] = A[m] * B[n]\n",
    "ranks M, N, K\ninputs A[M, K], B[K, N]\nZ[m, n] = A[m, k] * B[k, n]\n",
    "ranks R, N\ninputs X[R, N]\nG[r] = max(n) X[r, n]\nS[r, n] = exp(X[r, n] - G[r])\n",
    "ranks R, N\ninputs X[R, N]\nG[r] = max(n) X[r, n]\nD[r] = exp(X[r, n] - G[r])\n",
    "ranks R, N\ninputs X[R, N]\nG[n] = X[r, n]\nD[r] = max(n) X[r, n] - G[n]\n",
)


def tight(random: Random) -> tuple[Cascade, Shapes]:
    """Products and reductions for `narrow_chip`: the order of the loops is all there is."""
    return _sized(random, random.choice(_TIGHT), (2, 3, 4, 6))


def _some(random: Random, ranks: list[str]) -> list[str]:
    kept = [rank for rank in ranks if random.random() < 0.7]
    return kept or [random.choice(ranks)]


def _access(name: str, ranks: list[str]) -> str:
    return f"{name}[{', '.join(rank.lower() for rank in ranks)}]"


def _sized(
    random: Random, text: str, sizes: tuple[int, ...] = (1, 2, 3, 4, 6), without: str = ""
) -> tuple[Cascade, Shapes]:
    cascade = parse_cascade(text, "random")
    names = [rank.name for rank in cascade.ranks if rank.name not in without]
    return cascade, bind(cascade, {name: random.choice(sizes) for name in names})


# Chips.

_SIZES = (1, 4, 6, 8, 12, 16, 24, 40, 1000)
_RATES: tuple[float | None, ...] = (0.5e9, 2e9, 8e9, None)
_SIMPLE = ("mac", "mul", "add", "sub", "max")


def chip(random: Random, cascade: Cascade) -> Architecture:
    """One or two buffers, one above or beside the other; an array, and perhaps a vector unit."""
    tree = random.choice((_one_buffer, _one_buffer, _stacked, _beside))
    shared, near_array, near_vector = tree(random, cascade)
    memories = [Memory("dram", None, "dram", None, random.choice(_RATES), 64), *shared]
    inner = near_array
    if random.random() < 0.7:
        size = random.choice((2, 4, 6, 64))
        memories.append(Memory("rf", inner, "register_file", size, None, 16, (), "array"))
        inner = "rf"
    both = random.random() < 0.6
    units = [_unit(random, "array", inner, both)]
    if both:
        units.append(_unit(random, "vector", near_vector, False))
    return Architecture("tiny", 1e9, 45, tuple(memories), tuple(units))


def narrow_chip(random: Random, cascade: Cascade) -> Architecture:
    """One PE with room for a few values of one or two tensors."""
    names = sorted(tensor.name for tensor in cascade.tensors)
    few = frozenset(random.sample(names, random.choice((1, 1, 2))))
    memories = [
        Memory("dram", None, "dram", None, random.choice(_RATES), 64),
        Memory("buffer", "dram", "sram", random.choice((2, 4, 6, 8)), None, 64, tensors=few),
    ]
    inner = "buffer"
    if random.random() < 0.6:
        one = frozenset(random.sample(names, 1))
        memories.append(Memory("rf", inner, "register_file", 2, None, 16, (), "array", tensors=one))
        inner = "rf"
    unit = _unit(random, "array", inner, False)
    unit = replace(unit, dims=(), latches=random.random() < 0.8)
    return Architecture("narrow", 1e9, 45, tuple(memories), (unit,))


_Tree = tuple[list[Memory], str, str]


def _one_buffer(random: Random, cascade: Cascade) -> _Tree:
    return [_buffer(random, cascade, "buffer", "dram")], "buffer", "buffer"


def _stacked(random: Random, cascade: Cascade) -> _Tree:
    outer = _buffer(random, cascade, "outer", "dram")
    inner = _buffer(random, cascade, "inner", "outer")
    return [outer, inner], "inner", random.choice(("outer", "inner"))


def _beside(random: Random, cascade: Cascade) -> _Tree:
    memories = [_buffer(random, cascade, name, "dram") for name in ("left", "right")]
    return memories, "left", random.choice(("left", "right"))


def _buffer(random: Random, cascade: Cascade, name: str, parent: str) -> Memory:
    names = sorted(tensor.name for tensor in cascade.tensors)
    apart = random.random() < 0.3
    rate = random.choice(_RATES)
    return Memory(
        name,
        parent,
        "sram",
        random.choice(_SIZES),
        None if apart else rate,
        64,
        (Dim("cores", 2),) if random.random() < 0.15 else (),
        bypass=frozenset(random.sample(names, random.randrange(len(names)))),
        read_bytes_per_s=rate if apart else None,
        write_bytes_per_s=random.choice(_RATES) if apart else None,
    )


def _unit(random: Random, name: str, memory: str, simple: bool) -> ComputeUnit:
    sizes = random.choice(((1,), (1,), (2,), (2, 2), (3,)))
    dims = tuple(
        Dim(dim, size, random.random() < 0.8)
        for dim, size in zip(("rows", "columns"), sizes, strict=False)
    )
    names = _SIMPLE if simple else (*_SIMPLE, "exp")
    operations = tuple(
        Operation(one, 4 if one == "exp" else random.choice((1, 1, 2)), (("mac16", 1.0),))
        for one in names
    )
    return ComputeUnit(name, memory, dims, operations, latches=random.random() < 0.8)


# Constraints.


def constraints(random: Random, cascade: Cascade, architecture: Architecture) -> Constraints:
    """Tensors that have to be, or may not be, in a memory; units and ranks that are ruled out."""
    einsum = random.choice([one for one in cascade.steps if not one.is_initial])
    able = [unit for unit in architecture.units if supports(unit, einsum)]
    drawn: Callable[[], Constraints] = random.choice(
        (
            lambda: Constraints(units={einsum.name: (random.choice(able).name,)}),
            lambda: _keeping(random, cascade, architecture),
            lambda: _spreading(random, cascade, architecture),
        )
    )
    return drawn()


def _keeping(random: Random, cascade: Cascade, architecture: Architecture) -> Constraints:
    """The same for all Einsums: what one of them demands binds those that share a tensor."""
    names = frozenset(tensor.name for tensor in cascade.tensors)
    memory = random.choice([one.name for one in architecture.memories if one.parent is not None])
    some = frozenset(random.sample(sorted(names), 1))
    keeping = random.choice(
        (
            Keeping(some, names),
            Keeping(frozenset(), names - some),
            Keeping(frozenset(), names, some),
        )
    )
    steps = [one.name for one in cascade.steps if not one.is_initial]
    return Constraints(keeping={(name, memory): keeping for name in steps})


def _spreading(random: Random, cascade: Cascade, architecture: Architecture) -> Constraints:
    names = sorted(tensor.name for tensor in cascade.tensors)
    dims = [f"{unit.name}.{dim.name}" for unit in architecture.units for dim in unit.dims]
    if not dims:
        return FREE
    steps = [one.name for one in cascade.steps if not one.is_initial]
    shared = Spreading(frozenset(random.sample(names, 1)))
    return Constraints(spreading={(name, random.choice(dims)): shared for name in steps})
