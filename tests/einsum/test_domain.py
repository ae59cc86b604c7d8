"""How conditions travel along the dependences."""

from __future__ import annotations

import pytest

from einsum.domain import domain, domains
from einsum.parser import parse_cascade
from einsum.printer import print_comparison

CAUSAL = """
ranks E, F, P, M -> (M1, M0)
inputs Q[E, P], K[E, M], V[F, M]
QK[m1, m0, p] = Q[e, p] * K[e, m1, m0] if m <= p
LM[m1, p] = max(m0) QK[m1, m0, p]
RM[0, p] = -inf
RM[m1 + 1, p] = max(RM[m1, p], LM[m1, p])
SN[m1, m0, p] = exp(QK[m1, m0, p] - RM[m1 + 1, p])
AV[f, p] = SN[m1, m0, p] * V[f, m1, m0]
DAV[f, p] = AV[f, p] * 2
"""


def texts(text: str, name: str) -> list[str]:
    return [print_comparison(part) for part in domain(parse_cascade(text), name)]


def test_a_condition_travels_up_to_the_reduction_that_skips_it() -> None:
    found = {
        name: sorted(print_comparison(part) for part in parts)
        for name, parts in domains(parse_cascade(CAUSAL)).items()
    }
    masked = ["m < M", "m <= p"]
    assert found == {
        "QK": masked,
        "LM": masked,
        "RM.init": [],
        "RM": [],
        "SN": masked,
        "AV": masked,
        "DAV": [],
    }


@pytest.mark.parametrize(
    ("read", "condition"),
    [
        ("X[p]", "p < W"),
        ("X[2 * q + 1]", "2 * q + 1 < W"),
        ("X[0]", "0 < W"),
    ],
)
def test_a_condition_is_told_in_the_variables_of_the_reader(read: str, condition: str) -> None:
    text = f"ranks P, Q\nconstants W = 3\ninputs I[P]\nX[p] = I[p] if p < W\nY[] = max({{}}) {read}"
    variable = "q" if "q" in read else "p"
    text = text.replace("max({})", f"max({variable})" if variable in read else "")
    assert texts(text, "Y") == [condition]


def test_partitions_are_told_by_their_rank_and_the_rank_by_its_partitions() -> None:
    text = """
ranks M -> (M1, M0)
inputs I[M]
X[m1, m0] = I[m] if m0 < 2 and m < 7
Y[m] = X[m]
Z[m1, m0] = Y[m1, m0]
"""
    assert texts(text, "Y") == ["m0 < 2", "m < 7", "m < M"]
    assert sorted(texts(text, "Z")) == ["m < 7", "m < M", "m0 < 2"]


def test_a_condition_on_an_initial_value_and_on_its_coordinate() -> None:
    text = """
ranks N, P
inputs X[N, P]
R[0, p] = 1 if p < 3
R[n + 1, p] = R[n, p] * X[n, p] if n <= p
FIRST[p] = R[0, p]
LAST[p] = R[N, p]
ALL[n, p] = R[n + 1, p]
"""
    assert texts(text, "FIRST") == ["p < 3"]
    assert sorted(texts(text, "LAST")) == ["N - 1 <= p", "p < 3"]
    assert sorted(texts(text, "ALL")) == ["n <= p", "p < 3"]
