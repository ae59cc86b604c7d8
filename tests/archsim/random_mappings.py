"""Random small cascades with random legal mappings on a tiny chip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from archsim.architecture import Architecture, ComputeUnit, Dim, Memory, Operation
from archsim.mapping import Branches, Compute, For, Group, Hold, Mapping, Nest, Node, Spread
from einsum.parser import parse_cascade
from einsum.shapes import Shapes, bind

_OPERATIONS = tuple(Operation(name, 1) for name in ("mac", "mul", "add", "max", "exp"))
DIMS = ("local.cores", "array.rows", "array.columns")

TINY = Architecture(
    "tiny",
    1e9,
    45,
    (
        Memory("dram", None, "dram", None, 1e9, 64),
        Memory("buffer", "dram", "sram", None, None, 64),
        Memory("local", "buffer", "sram", None, None, 64, (Dim("cores", 2),)),
        Memory("registers", "local", "register_file", None, None, 16, (), "array"),
    ),
    (
        ComputeUnit("array", "registers", (Dim("rows", 2), Dim("columns", 2)), _OPERATIONS),
        ComputeUnit("scalar", "buffer", (), _OPERATIONS),
    ),
)

MATMUL = "ranks M, N, K\ninputs A[M, K], B[K, N]\nZ[m, n] = A[m, k] * B[k, n]\n"
CHAIN = """ranks M, N, K, L
inputs A[M, K], B[K, N], C[N, L]
T[m, n] = A[m, k] * B[k, n]
U[m, n] = exp(T[m, n])
Z[m, l] = U[m, n] * C[n, l]
"""
RUNNING = """ranks I, P, E
inputs A[I, E, P]
outputs O, Y
S[i, p] = A[i, e, p]
R[0, p] = 0
R[i + 1, p] = R[i, p] + S[i, p]
Y[i, p] = R[i + 1, p] * S[i, p]
O[p] = exp(R[I, p])
"""
FOLLOWED = "Y[i, p] = R[i + 1, p] * S[i, p]\n"  # in its place R is only used by itself
WINDOW = "ranks C, P, R, W\ninputs I[C, W], F[C, R]\nO[p] = I[c, p + r] * F[c, r]\n"

Problem = tuple[Shapes, Mapping]


def matmul(random: Random, sizes: Iterable[int] = (1, 2, 4)) -> Problem:
    """A matrix product on the array, with any loops and holds."""
    shapes, extents = _sized(random, MATMUL, sizes)
    loops = _loops(random, extents, "ABZ")
    return shapes, Mapping("random", (Group((*loops, Compute("Z", "array"))),))


def window(random: Random, sizes: Iterable[int] = (1, 2, 3, 4, 6)) -> Problem:
    """A convolution without spatial loops."""
    shapes, extents = _sized(random, WINDOW, sizes, without="w")
    loops = [node for node in _loops(random, extents, "IFO") if not isinstance(node, Spread)]
    return shapes, Mapping("random", (Group((*loops, Compute("O", "scalar"))),))


def chain(random: Random, sizes: Iterable[int] = (1, 2, 4)) -> Problem:
    """Three Einsums that share some loops, with intermediates held or not."""
    shapes, extents = _sized(random, CHAIN, sizes)
    outer: list[Node] = []
    for variable in random.sample("mnl", random.randrange(4)):
        outer.append(_cut(random, extents, variable))
        if random.random() < 0.2:
            outer += _holds(random, "ABC", "buffer", 0.3)
    outer += _holds(random, "TUZ", "buffer", 0.6)
    branches = [
        _branch(random, name, variables, extents, tensors)
        for name, variables, tensors in (
            ("T", "mnk", "ABT"),
            ("U", "mn", "TU"),
            ("Z", "mnl", "UCZ"),
        )
    ]
    return shapes, _mapping((*outer, Branches(tuple(branches))))


def groups(random: Random, sizes: Iterable[int] = (1, 2, 4)) -> Problem:
    """The same three, one after another."""
    shapes, extents = _sized(random, CHAIN, sizes)
    nests = [
        _branch(random, name, variables, extents, tensors)
        for name, variables, tensors in (
            ("T", "mnk", "ABT"),
            ("U", "mn", "TU"),
            ("Z", "mnl", "UCZ"),
        )
    ]
    return shapes, Mapping("random", tuple(map(Group, nests)))


def running(random: Random, sizes: Iterable[int] = (1, 2, 4)) -> Problem:
    """A running sum that is updated in place, and what follows it."""
    followed = random.random() < 0.5
    text = RUNNING if followed else RUNNING.replace(FOLLOWED, "").replace("O, Y", "O")
    shapes, extents = _sized(random, text, sizes)
    outer = [_cut(random, extents, "p")] if random.random() < 0.5 else []
    top = _holds(random, "RAS", "buffer", 0.5)
    middle: list[Node] = [_cut(random, extents, "p") for _ in range(random.randrange(2))]
    middle.append(For("i"))
    extents["i"] = 1
    middle += [_cut(random, extents, "p") for _ in range(random.randrange(2))]
    middle += _holds(random, "RS", "buffer", 0.5)
    branches = [
        (*_inner(random, extents, variables, held), Compute(name, "array"))
        if random.random() < 0.5
        else (*_inner(random, extents, variables, ""), Compute(name, "scalar"))
        for name, variables, held in (("S", "pe", "AS"), ("R", "p", "RS"), ("Y", "p", "RS"))
        if followed or name != "Y"
    ]
    end: Nest = (Compute("O", random.choice(("array", "scalar"))),)
    inner: Nest = (*middle, Branches(tuple(branches)))
    return shapes, _mapping((*outer, *top, Branches((inner, end))))


def _inner(random: Random, extents: dict[str, int], variables: str, held: str) -> list[Node]:
    left = dict(extents)
    chosen = random.sample(variables, random.randrange(len(variables) + 1))
    loops: list[Node] = [_cut(random, left, v) for v in chosen]
    if held and left["p"] % 2 == 0 and random.random() < 0.5:
        loops.append(Spread("p", "array.rows", 2))
    return [*loops, *_holds(random, held, "registers", 0.4)]


def _branch(
    random: Random, name: str, variables: str, extents: dict[str, int], tensors: str
) -> Nest:
    left = {variable: extents[variable] for variable in variables}
    if random.random() < 0.5:
        return (*_loops(random, left, tensors), Compute(name, "array"))
    kept = [node for node in _loops(random, left, tensors) if _fits_scalar(node)]
    return (*kept, Compute(name, "scalar"))


def _fits_scalar(node: Node) -> bool:
    return isinstance(node, For) or (isinstance(node, Hold) and node.memory == "buffer")


def _loops(random: Random, extents: dict[str, int], tensors: str) -> list[Node]:
    """Loops in any order, spatial ones, and holds in each memory at its place among them."""
    spreads: dict[str, list[Node]] = {dim: [] for dim in DIMS}
    factor = dict.fromkeys(extents, 1)
    for dim in DIMS:
        variable = random.choice(sorted(extents))
        if random.random() < 0.7 and extents[variable] % (2 * factor[variable]) == 0:
            spreads[dim] = [Spread(variable, dim, 2)]
            factor[variable] *= 2
    left = dict(extents)
    order = [v for v in sorted(extents) for _ in range(random.randrange(3))]
    random.shuffle(order)
    loops = [_cut(random, left, variable, factor[variable]) for variable in order]
    first, second = sorted(random.randrange(len(loops) + 1) for _ in range(2))
    return [
        *loops[:first],
        *_holds(random, tensors, "buffer", 0.5),
        *loops[first:second],
        *spreads["local.cores"],
        *_holds(random, tensors, "local", 0.5),
        *loops[second:],
        *spreads["array.rows"],
        *spreads["array.columns"],
        *_holds(random, tensors, "registers", 0.5),
    ]


def _holds(random: Random, tensors: str, memory: str, share: float) -> list[Node]:
    return [Hold((name,), memory) for name in tensors if random.random() < share]


def _cut(random: Random, extents: dict[str, int], variable: str, factor: int = 1) -> For:
    """A loop over one of the divisors of what is left, a multiple of `factor`."""
    left = extents[variable]
    tiles = [d for d in range(1, left + 1) if left % d == 0 and d % factor == 0]
    extents[variable] = random.choice(tiles or [left])
    return For(variable, extents[variable])


def _sized(
    random: Random, text: str, sizes: Iterable[int], without: str = ""
) -> tuple[Shapes, dict[str, int]]:
    cascade = parse_cascade(text, "random")
    choices = tuple(sizes)
    ranks = [rank.name for rank in cascade.ranks if rank.variable not in without]
    given = {name: random.choice(choices) for name in ranks}
    return bind(cascade, given), {name.lower(): size for name, size in given.items()}


def _mapping(nest: Nest) -> Mapping:
    return Mapping("random", (Group(nest),))


KINDS: dict[str, Callable[[Random], Problem]] = {
    "matmul": matmul,
    "chain": chain,
    "groups": groups,
    "running": running,
}
"""Kinds of problem in which every tile divides what is around it."""

UNEVEN: dict[str, Callable[[Random], Problem]] = {
    "window": window,
    "matmul": lambda random: matmul(random, (1, 2, 3, 5)),
    "chain": lambda random: chain(random, (1, 2, 3, 5)),
    "running": lambda random: running(random, (1, 2, 3)),
}
"""Kinds in which tiles overlap or are not full."""
