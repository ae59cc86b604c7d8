"""The interpreter against what every notation means point by point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from interpreted import ATTENTION, ONLINE, compute, conditional
from pointwise import Pointwise
from strategies import cascades

from einsum.cascade import Cascade
from einsum.domain import domains, is_consumed
from einsum.errors import SpecError
from einsum.interpret import Run, run


def assert_meant(found: Run, *, near_overflow: bool = False) -> None:
    """Every tensor has the values and the presence that its definition gives, point by point.

    Sums of products are in another order, so near overflow only tame values are equal.
    """
    cascade = found.shapes.cascade
    meaning = Pointwise(
        found.shapes, {tensor.name: found[tensor.name] for tensor in cascade.inputs}
    )
    for tensor in cascade.tensors:
        with np.errstate(all="ignore"):
            expected, present = meaning.tensor(tensor.name)
        actual = found.present(tensor.name)
        assert (actual is None) == present.all()
        np.testing.assert_array_equal(present if actual is None else actual, present)
        tame = np.isfinite(expected) & (np.abs(expected) < 1e100) | (not near_overflow)
        np.testing.assert_allclose(found[tensor.name][tame], expected[tame], rtol=1e-6, atol=1e-6)


WHOLE = ("m <= p", "m < p and p - m < W", "m // 2 == p // 2", "m % 2 == p % 3")
TILED = ("m0 < 2", "m1 * M0 <= p", "m0 + m1 <= p")
PLAIN = ("p < 3", "W < 0")


@pytest.mark.parametrize(
    ("text", "name", "conditions"),
    [
        (ATTENTION, "QK", (*WHOLE, *PLAIN, "e <= p", "e <= p and p < 3")),
        (ATTENTION, "SN", (*WHOLE, *PLAIN)),
        (ATTENTION, "A", (*WHOLE, *PLAIN)),
        (ATTENTION, "AV", (*WHOLE, *PLAIN, "f <= p", "f <= m")),
        (ONLINE, "QK", (*WHOLE, *TILED, *PLAIN, "e <= m0")),
        (ONLINE, "LM", (*WHOLE, *TILED, *PLAIN)),
        (ONLINE, "SLN", (*WHOLE, *TILED, *PLAIN)),
        (ONLINE, "SLNV", (*WHOLE, *TILED, *PLAIN, "f <= m")),
    ],
)
def test_any_condition_means_what_it_says(
    text: str, name: str, conditions: tuple[str, ...]
) -> None:
    shape = {"E": 2, "F": 2, "M": 7, "P": 5, "W": 2} | ({"M0": 3} if text == ONLINE else {})
    for condition in conditions:
        with np.errstate(all="ignore"):
            found = compute(conditional(text, name, condition), **shape)
        assert_meant(found)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cascades(), st.data())
def test_random_cascades_mean_what_they_say(cascade: Cascade, data: st.DataObject) -> None:
    shape = {name: data.draw(st.integers(-3, 5), label=name) for name, _ in cascade.constants}
    for rank in cascade.ranks:
        shape[rank.name] = data.draw(st.integers(1, 5), label=rank.name)
        for part in rank.partitions[1:]:
            shape[part] = data.draw(st.integers(1, 3), label=part)
    try:
        with np.errstate(all="ignore"):
            found = run(cascade, shape=shape)
    except SpecError:
        return
    where = domains(cascade)
    # Whether m1 = 0 reads a step or the initial value is beyond a conjunction; see `domain`.
    assume(
        all(
            is_consumed(cascade, einsum, comparison)
            for einsum in cascade.steps
            if cascade.iterative_variables(einsum.tensor)
            for comparison in where[einsum.name]
        )
    )
    assert_meant(found, near_overflow=True)
