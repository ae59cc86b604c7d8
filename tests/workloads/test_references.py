import math

import numpy as np
import pytest

from einsum.errors import SpecError
from einsum.interpret import Run, run
from einsum.parser import parse_cascade
from einsum.shapes import bind
from workloads.library import cascade_names
from workloads.references import (
    REFERENCES,
    expected,
    max_rel_error,
    reference_for,
    reference_named,
    reference_names,
)
from workloads.references.attention import attention

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("name", cascade_names())
def test_every_shipped_cascade_has_one_reference(name: str) -> None:
    assert [r.name for r in REFERENCES.values() if name in r.cascades] == [reference_for(name).name]


def test_every_checked_cascade_is_shipped() -> None:
    checked = [name for reference in REFERENCES.values() for name in reference.cascades]
    assert sorted(checked) == sorted(cascade_names())


def test_an_unknown_reference_lists_the_valid_ones() -> None:
    with pytest.raises(SpecError, match=r"did you mean attention\?") as caught:
        reference_named("atention")
    assert all(name in str(caught.value) for name in reference_names())


def attention_by_hand(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float = 1) -> np.ndarray:
    """One head, one output at a time: q [E, P], k [E, M], v [F, M]."""
    out = np.zeros((v.shape[0], q.shape[1]))
    for p in range(q.shape[1]):
        weights = [math.exp(scale * sum(q[:, p] * k[:, m])) for m in range(k.shape[1])]
        for f in range(v.shape[0]):
            out[f, p] = sum(w * v[f, m] for m, w in enumerate(weights)) / sum(weights)
    return out


def test_attention_against_loops() -> None:
    q, k, v = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 5))
    inputs = {"Q": q, "K": k, "V": v}
    assert reference_named("attention").compute is attention
    np.testing.assert_allclose(attention(inputs, {})["AV"], attention_by_hand(q, k, v))
    scaled = attention(inputs, {}, scale=0.5)["AV"]
    np.testing.assert_allclose(scaled, attention_by_hand(q, k, v, 0.5))


def test_a_hidden_key_is_as_if_it_were_not_there() -> None:
    q, k, v = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 5))
    mask = np.zeros((5, 3))
    mask[2] = -np.inf
    masked = reference_named("attention").compute({"Q": q, "K": k, "V": v, "MASK": mask}, {})
    rest = np.delete(np.arange(5), 2)
    np.testing.assert_allclose(masked["AV"], attention_by_hand(q, k[:, rest], v[:, rest]))


@pytest.mark.parametrize(("name", "width"), [("causal-attention", 99), ("windowed-attention", 3)])
def test_masked_attention_against_attention_on_the_visible_keys(name: str, width: int) -> None:
    q, k, v = RNG.normal(size=(4, 6)), RNG.normal(size=(4, 6)), RNG.normal(size=(2, 6))
    out = reference_named(name).compute({"Q": q, "K": k, "V": v}, {"W": width})["AV"]
    for p in range(6):
        seen = slice(max(0, p + 1 - width), p + 1)
        by_hand = attention_by_hand(q[:, p : p + 1], k[:, seen], v[:, seen])
        np.testing.assert_allclose(out[:, p : p + 1], by_hand)


@pytest.mark.parametrize("grouped", [False, True])
def test_query_heads_share_the_heads_of_k_and_v(grouped: bool) -> None:
    q = RNG.normal(size=(6, 4, 3))
    k, v = RNG.normal(size=(2, 4, 5)), RNG.normal(size=(2, 3, 5))
    inputs = {"Q": q.reshape(2, 3, 4, 3) if grouped else q, "K": k, "V": v}
    out = reference_named("attention").compute(inputs, {})["AV"].reshape(6, 3, 3)
    for h in range(6):
        np.testing.assert_allclose(out[h], attention_by_hand(q[h], k[h // 3], v[h // 3]))


def test_linear_attention_against_loops() -> None:
    q, k, v = RNG.normal(size=(4, 5)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 5))

    def phi(x: np.ndarray) -> np.ndarray:
        return np.array([x_ + 1 if x_ > 0 else math.exp(x_) for x_ in x])

    causal = reference_named("causal-linear-attention").compute({"Q": q, "K": k, "V": v}, {})
    for p in range(5):
        weights = np.array([phi(q[:, p]) @ phi(k[:, m]) for m in range(p + 1)])
        by_hand = v[:, : p + 1] @ weights / weights.sum()
        np.testing.assert_allclose(causal["AV"][:, p], by_hand)
    # The last position sees every key.
    full = reference_named("linear-attention").compute({"Q": q, "K": k, "V": v}, {})
    np.testing.assert_allclose(full["AV"][:, -1], causal["AV"][:, -1])


def test_recurrences_against_loops() -> None:
    a, x = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 2))
    h = np.zeros(2)
    for t, y in enumerate(reference_named("linear-recurrence").compute({"A": a, "X": x}, {})["Y"]):
        h = a[t] * h + x[t]
        np.testing.assert_allclose(y, h)

    shapes = {"X": (6, 2), "DTX": (6, 2), "ALOG": (2, 3), "BT": (6, 3), "CT": (6, 3), "SKIP": (2,)}
    inputs = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    s = np.zeros((2, 3))
    for t, y in enumerate(reference_named("ssm-scan").compute(inputs, {})["Y"]):
        step = np.log1p(np.exp(inputs["DTX"][t]))[:, None]
        s = np.exp(-step * np.exp(inputs["ALOG"])) * s
        s += step * inputs["BT"][t] * inputs["X"][t][:, None]
        np.testing.assert_allclose(y, s @ inputs["CT"][t] + inputs["SKIP"] * inputs["X"][t])


def run_of(text: str, values: dict[str, np.ndarray], **sizes: int) -> Run:
    """A run with these values, whatever the cascade would compute."""
    return Run(values, bind(parse_cascade(text), sizes))


def test_ranks_in_any_order() -> None:
    q, k, v = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 5))
    by_hand = attention_by_hand(q, k, v)
    computed = run_of(
        "ranks E, F, P, M\ninputs Q[P, E], K[M, E], V[M, F]\n"
        "AV[p, f] = Q[p, e] * K[m, e] * V[m, f]",
        {"Q": q.T, "K": k.T, "V": v.T, "AV": by_hand.T},
        E=4,
        F=2,
        P=3,
        M=5,
    )
    np.testing.assert_allclose(expected(computed, reference_named("attention"))["AV"], by_hand)
    assert max_rel_error(computed, reference_named("attention")) < 1e-15


def test_partitions_are_joined_and_cut_to_the_rank() -> None:
    q, k, v = RNG.normal(size=(4, 3)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 5))
    padded = np.pad(k, ((0, 0), (0, 1)), constant_values=np.nan).reshape(4, 3, 2)
    computed = run_of(
        "ranks E, F, P, M -> (M1, M0)\ninputs Q[E, P], K[M0, M1, E], V[F, M]\n"
        "AV[f, p] = Q[e, p] * K[m0, m1, e] * V[f, m1, m0]",
        {"Q": q, "K": padded.transpose(2, 1, 0), "V": v},
        E=4,
        F=2,
        P=3,
        M=5,
        M0=2,
    )
    right = expected(computed, reference_named("attention"))["AV"]
    np.testing.assert_allclose(right, attention_by_hand(q, k, v))


ROWS = "ranks R, N\ninputs X[R, N]\nY[r, n] = X[r, n]"
X = RNG.normal(size=(2, 4))
SOFTMAX = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)


def test_the_error_is_relative_to_the_largest_value() -> None:
    off = SOFTMAX.copy()
    off[1, 2] += 1e-3
    computed = run_of(ROWS, {"X": X, "Y": off}, R=2, N=4)
    error = max_rel_error(computed, reference_named("softmax"))
    assert error == pytest.approx(1e-3 / SOFTMAX.max())


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_infinitely_wrong(wrong: float) -> None:
    off = SOFTMAX.copy()
    off[0, 0] = wrong
    computed = run_of(ROWS, {"X": X, "Y": off}, R=2, N=4)
    assert max_rel_error(computed, reference_named("softmax")) == math.inf


@pytest.mark.parametrize(
    ("reference", "text", "message"),
    [
        ("attention", ROWS, "cascade <text> has no input K, Q, V"),
        ("log-sum-exp", ROWS, "cascade <text> has no tensor L"),
        ("variance", ROWS.replace("Y[r, n]", "VAR[r, n]"), "VAR of cascade <text> has shape"),
        (
            "matmul",
            "ranks R, N\ninputs X[R, N], W[R, N]\nZ[r, n] = X[r, n] * W[r, n]",
            "reference matmul does not fit cascade <text>",
        ),
        (
            "windowed-attention",
            "ranks E, F, M, P\ninputs Q[E, P], K[E, M], V[F, M]\n"
            "AV[f, p] = Q[e, p] * K[e, m] * V[f, m]",
            "reference windowed-attention needs W",
        ),
    ],
)
def test_what_does_not_fit_is_one_clear_error(reference: str, text: str, message: str) -> None:
    cascade = parse_cascade(text)
    sizes = {rank.name: size for size, rank in enumerate(cascade.ranks, start=2)}
    with pytest.raises(SpecError) as caught:
        max_rel_error(run(cascade, shape=sizes), reference_named(reference))
    assert caught.value.message.startswith(message)
    assert caught.value.rule
