"""Rules for the names that a cascade declares; each checks one name against those before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from einsum.cascade import Rank, unknown
from einsum.errors import SpecError
from einsum.grammar import RESERVED

_RANK = re.compile(r"[A-Z][A-Z0-9_]*")
_TENSOR = re.compile(r"[A-Z][A-Za-z0-9_]*")


def rank_names(ranks: Iterable[Rank]) -> list[str]:
    """All ranks, each followed by its partitions."""
    return [name for rank in ranks for name in (rank.name, *rank.partitions)]


def check_rank_name(name: str, taken: Collection[str]) -> None:
    """A rank or partition called `name` may be declared beside `taken`."""
    if not _RANK.fullmatch(name):
        raise SpecError(
            f"{name!r} is not the name of a rank",
            rule="names of ranks are upper case, [A-Z][A-Z0-9_]*: M, M1, HEAD_DIM",
        )
    if name.lower() in RESERVED:
        raise SpecError(
            f"rank {name} has the variable {name.lower()}, which is a word of the notation",
            rule=f"reserved words: {', '.join(RESERVED)}",
        )
    if name in taken:
        raise SpecError(
            f"rank {name} is declared twice",
            rule="a rank is declared once, partitioned at most once, and a partition belongs to "
            "one rank; for three levels write M -> (M2, M1, M0)",
        )


def check_size(name: str, size: int, ranks: Iterable[Rank], taken: Collection[str]) -> None:
    """`shape name = size` may be declared beside the sizes `taken`."""
    names = rank_names(ranks)
    if name not in names:
        raise unknown("rank", name, names, None)
    if name in taken:
        raise SpecError(f"the size of rank {name} is given twice", rule="give each rank one size")
    if size < 1:
        raise SpecError(f"rank {name} has size {size}", rule="a size is a positive whole number")


def check_constant(name: str, ranks: Iterable[Rank], taken: Collection[str]) -> None:
    """A constant called `name` may be declared beside the constants `taken`."""
    if not _RANK.fullmatch(name):
        raise SpecError(
            f"{name!r} is not the name of a constant",
            rule="names of constants are upper case, [A-Z][A-Z0-9_]*: W, WINDOW",
        )
    if name in rank_names(ranks):
        raise SpecError(
            f"constant {name} has the name of a rank",
            rule=f"{name} alone already stands for the rank's shape; give its size with shape",
        )
    if name in taken:
        raise SpecError(f"constant {name} is declared twice", rule="give each constant one value")


def check_tensor_name(name: str, taken: Collection[str]) -> None:
    """A tensor called `name` may be declared beside `taken`."""
    if not _TENSOR.fullmatch(name):
        raise SpecError(
            f"{name!r} is not the name of a tensor",
            rule="names of tensors start with an upper-case letter, [A-Z][A-Za-z0-9_]*",
        )
    if name in taken:
        raise SpecError(f"tensor {name} is declared twice", rule="declare each tensor once")
