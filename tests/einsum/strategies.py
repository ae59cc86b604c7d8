"""Random valid cascades, built as values (not as text), so that the parser has no say in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from einsum.cascade import Cascade, Einsum, Rank, Reduction, Role, Tensor
from einsum.expression import (
    Access,
    Call,
    Comparison,
    Expression,
    Number,
    Symbol,
    Variable,
)
from einsum.formats import FORMATS
from einsum.grammar import RELATIONS
from einsum.indices import derived_variables, unlisted_variables
from einsum.operators import OPERATORS
from einsum.tensors import defined_tensors

REDUCERS = [name for name, operator in OPERATORS.items() if operator.reduce]


@dataclass(frozen=True)
class World:
    """What the Einsums drawn so far leave for the next one to read."""

    ranks: tuple[Rank, ...]
    constants: tuple[tuple[str, int], ...]
    tensors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    iterative: dict[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> list[str]:
        parts = [name for rank in self.ranks for name in (rank.name, *rank.partitions)]
        return parts + [name for name, _ in self.constants]

    def with_tensor(self, name: str, ranks: tuple[str, ...], iterative: str = "") -> World:
        more = {name: iterative} if iterative else {}
        return replace(self, tensors=self.tensors | {name: ranks}, iterative=self.iterative | more)


@st.composite
def rank_lists(draw: st.DrawFn) -> tuple[Rank, ...]:
    names = draw(st.lists(st.sampled_from("BEKMP"), min_size=1, max_size=4, unique=True))
    return tuple(
        Rank(
            name, tuple(f"{name}{i}" for i in reversed(range(draw(st.sampled_from([0, 0, 2, 3])))))
        )
        for name in names
    )


def numbers() -> st.SearchStrategy[Number]:
    integers = st.integers(-(2**63) + 1, 2**63 - 1)
    return st.builds(Number, st.one_of(st.integers(-9, 9), integers, st.floats(allow_nan=False)))


@st.composite
def index_expressions(
    draw: st.DrawFn, pool: Sequence[str], symbols: Sequence[str], depth: int = 2
) -> Expression:
    """An affine index over `pool`."""
    constant = st.one_of(
        st.builds(Number, st.integers(-5, 5)), st.builds(Symbol, st.sampled_from(symbols))
    )
    leaf = st.one_of(st.builds(Variable, st.sampled_from(pool)), constant) if pool else constant
    if depth == 0:
        return draw(leaf)
    inner = index_expressions(pool, symbols, depth - 1)
    divisor = st.one_of(
        st.builds(Number, st.integers(1, 5)), st.builds(Symbol, st.sampled_from(symbols))
    )
    calls = [
        st.builds(lambda o, a, b: Call(o, (a, b)), st.sampled_from(["add", "sub"]), inner, inner),
        st.builds(lambda a, b: Call("mul", (a, b)), constant, inner),
        st.builds(lambda a, b: Call("mul", (a, b)), inner, constant),
        st.builds(
            lambda o, a, b: Call(o, (a, b)), st.sampled_from(["floordiv", "mod"]), inner, divisor
        ),
        st.builds(lambda a: Call("neg", (a,)), inner),
    ]
    found: Expression = draw(st.one_of(leaf, *calls))
    return found


@st.composite
def accesses(draw: st.DrawFn, world: World, pool: Sequence[str]) -> Access:
    """A read of any tensor of `world` within an Einsum that iterates (some of) `pool`."""
    tensor = draw(st.sampled_from(sorted(world.tensors)))
    ranks = world.tensors[tensor]
    partitions = {rank.name: rank.partitions for rank in world.ranks}
    joined = {rank.partitions: rank.variable for rank in world.ranks if rank.partitions}
    indices: list[Expression] = []
    place = 0
    while place < len(ranks):
        name = ranks[place]
        split = [part.lower() for part in partitions.get(name, ())]
        whole = next((v for p, v in joined.items() if ranks[place : place + len(p)] == p), "")
        place += 1
        if world.iterative.get(tensor) == name.lower():
            now = Variable(name.lower())
            ways: list[Expression] = [Number(0), Symbol(name)]
            if name.lower() in pool:
                ways += [now, Call("add", (now, Number(1)))]
            indices.append(draw(st.sampled_from(ways)))
        elif name.lower() in pool and draw(st.integers(0, 3)):
            indices.append(Variable(name.lower()))
        elif split and split[0] in pool:
            indices += map(Variable, split)
        elif (
            whole in pool
            and world.iterative.get(tensor, "").upper() not in partitions[whole.upper()]
        ):
            indices.append(Variable(whole))
            place += len(partitions[whole.upper()]) - 1
        else:
            # An operator around the index keeps it from reading as a split or joined rank.
            index = draw(index_expressions(pool, world.symbols, depth=1))
            indices.append(Call("add", (index, Number(3))))
    return Access(tensor, tuple(indices))


@st.composite
def expressions(draw: st.DrawFn, world: World, pool: Sequence[str], depth: int = 3) -> Expression:
    leaves: list[st.SearchStrategy[Expression]] = [
        numbers(),
        st.builds(Symbol, st.sampled_from(world.symbols)),
        accesses(world, pool),
        accesses(world, pool),
    ]
    if pool:
        leaves.append(st.builds(Variable, st.sampled_from(pool)))
    if depth == 0 or not draw(st.integers(0, 3)):
        return draw(st.one_of(leaves))
    operator = OPERATORS[
        draw(st.sampled_from(["add", "sub", "mul", "div", "neg", "pow", *OPERATORS]))
    ]
    inner = expressions(world, pool, depth - 1)
    return Call(operator.name, tuple(draw(inner) for _ in range(operator.arity)))


@st.composite
def pools(draw: st.DrawFn, world: World) -> list[str]:
    """Variables that one Einsum may iterate: of each rank its own or its partitions'."""
    pool: list[str] = []
    for rank in draw(st.permutations(world.ranks)):
        split = bool(rank.partitions) and draw(st.booleans())
        pool += [part.lower() for part in rank.partitions] if split else [rank.variable]
    return pool


@st.composite
def reductions(
    draw: st.DrawFn, world: World, output: Access, expression: Expression
) -> tuple[Reduction, ...]:
    """What is on the right only, in any order, cut anywhere, by any operators."""
    left = draw(st.permutations(unlisted_variables(world.ranks, output, expression, ())))
    found = []
    while left:
        count = draw(st.integers(1, len(left)))
        found.append(Reduction(draw(st.sampled_from(REDUCERS)), tuple(left[:count])))
        left = left[count:]
    return tuple(found)


@st.composite
def einsums(draw: st.DrawFn, world: World, name: str) -> tuple[tuple[Einsum, ...], World]:
    """The Einsums that define tensor `name`, and the world that has it."""
    pool = draw(pools(world))
    left = draw(st.lists(st.sampled_from(pool), unique=True, max_size=4))
    along = draw(st.sampled_from([*left, "", ""]))
    expression = draw(expressions(world, pool))
    ranks = tuple(variable.upper() for variable in left)
    output = Access(name, tuple(map(Variable, left)))
    written: list[Einsum] = []
    if along:
        at = left.index(along)
        ahead = Call("add", (Variable(along), Number(1)))
        operator = draw(st.sampled_from(["max", "add", "mul"]))
        expression = Call(operator, (output, expression))
        output = Access(name, (*output.indices[:at], ahead, *output.indices[at + 1 :]))
        rest = [variable for variable in left if variable != along]
        initial = Access(name, (*output.indices[:at], Number(0), *output.indices[at + 1 :]))
        value = draw(expressions(world, rest, depth=1))
        folds = draw(reductions(world, initial, value))
        written.append(Einsum(initial, value, folds))
    # `m` may stand for its partitions where all of them are iterated.
    whole = [
        rank.variable
        for rank in world.ranks
        if rank.partitions and {part.lower() for part in rank.partitions} <= set(left)
    ]
    if draw(st.booleans()) and whole:
        expression = Call("mul", (expression, Variable(draw(st.sampled_from(whole)))))
    step = Einsum(output, expression, draw(reductions(world, output, expression)))
    valid = [*step.variables, *derived_variables(world.ranks, output, expression)]
    sides = index_expressions(valid, world.symbols)
    condition = draw(
        st.lists(st.builds(Comparison, sides, st.sampled_from(RELATIONS), sides), max_size=2)
    )
    written.append(replace(step, condition=tuple(condition)))
    return tuple(written), world.with_tensor(name, ranks, along)


@st.composite
def cascades(draw: st.DrawFn) -> Cascade:
    ranks = draw(rank_lists())
    names = [name for rank in ranks for name in (rank.name, *rank.partitions)]
    constants = draw(
        st.dictionaries(st.sampled_from(["W", "N_STEPS", "Z9"]), st.integers(-(2**40), 2**40))
    )
    world = World(ranks, tuple(constants.items()))
    inputs = []
    for name in draw(st.lists(st.sampled_from(["K", "Qx", "In_1", "W"]), unique=True, min_size=1)):
        over = tuple(draw(st.lists(st.sampled_from(names), max_size=4)))
        inputs.append(Tensor(name, over, Role.INPUT))
        world = world.with_tensor(name, over)
    lines: list[Einsum] = []
    for number in range(draw(st.integers(1, 4))):
        written, world = draw(einsums(world, f"T{number}"))
        lines += written
    lines = draw(st.permutations(lines))
    written_names = sorted({line.tensor for line in lines})
    outputs = draw(st.lists(st.sampled_from(written_names), unique=True))
    formats = st.sampled_from(sorted(FORMATS.values(), key=lambda f: f.name))
    tensors = [
        replace(t, format=draw(formats)) for t in (*inputs, *defined_tensors(lines, outputs))
    ]
    sizes = st.dictionaries(st.sampled_from(names), st.integers(1, 2**40))
    return Cascade(
        name=draw(st.sampled_from(["attention/3-pass", "2pass", "x y", "<text>", "naïve (old)"])),
        ranks=ranks,
        tensors=tuple(tensors),
        einsums=tuple(lines),
        shape=tuple(draw(sizes).items()),
        constants=tuple(constants.items()),
    )
