"""Attention as cascades, and what tests of the interpreter do with any cascade."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from einsum.interpret import Run, run
from einsum.parser import parse_cascade

Array = npt.NDArray[np.floating]

ATTENTION = """
ranks E, F, M, P
constants W = 1000
inputs Q[E, P], K[E, M], V[F, M]
QK[m, p] = Q[e, p] * K[e, m]
GM[p] = max(m) QK[m, p]
SN[m, p] = exp(QK[m, p] - GM[p])
SD[p] = SN[m, p]
A[m, p] = SN[m, p] / SD[p]
AV[f, p] = A[m, p] * V[f, m]
"""

ONLINE = """
ranks E, F, P, M -> (M1, M0)
constants W = 1000
inputs Q[E, P], K[E, M], V[F, M]
QK[m1, m0, p] = Q[e, p] * K[e, m1, m0]
LM[m1, p] = max(m0) QK[m1, m0, p]
RM[0, p] = -inf
RM[m1 + 1, p] = max(RM[m1, p], LM[m1, p])
SLN[m1, m0, p] = exp(QK[m1, m0, p] - RM[m1 + 1, p])
SLD[m1, p] = SLN[m1, m0, p]
SLNV[f, m1, p] = SLN[m1, m0, p] * V[f, m1, m0]
PRM[m1, p] = exp(RM[m1, p] - RM[m1 + 1, p])
RD[0, p] = 0
RD[m1 + 1, p] = RD[m1, p] * PRM[m1, p] + SLD[m1, p]
RNV[f, 0, p] = 0
RNV[f, m1 + 1, p] = RNV[f, m1, p] * PRM[m1, p] + SLNV[f, m1, p]
AV[f, p] = RNV[f, M1, p] / RD[M1, p]
"""


def compute(text: str, inputs: Mapping[str, npt.ArrayLike] | None = None, **shape: int) -> Run:
    return run(parse_cascade(text), inputs, shape)


def conditional(text: str, name: str, condition: str) -> str:
    """`text` with a condition on the Einsum that defines `name`."""
    lines = text.splitlines()
    return "\n".join(
        f"{line} if {condition}" if line.startswith(f"{name}[") else line for line in lines
    )


def attention(found: Run, masked: npt.NDArray[np.bool_] | None = None) -> Array:
    """The reference, [F, P]; `masked` [M, P] says which scores do not count."""
    scores = np.einsum("ep,em->mp", found["Q"], found["K"])
    if masked is not None:
        scores[masked] = -np.inf
    with np.errstate(invalid="ignore"):
        weights = np.exp(scores - scores.max(axis=0))
    return np.einsum("mp,fm->fp", weights / weights.sum(axis=0), found["V"])
