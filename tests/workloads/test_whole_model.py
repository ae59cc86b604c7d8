"""A whole model as parts: their weights and products against what is published."""

from __future__ import annotations

from math import prod

import pytest

from einsum.errors import SpecError
from workloads.models import Model, model_named
from workloads.whole_model import Part, whole_model

TOKENS = 4096


def weights(parts: tuple[Part, ...]) -> int:
    """The elements of all W of the matrix products."""
    shapes = [(part.times, part.workload.shape) for part in parts if _is_product(part)]
    return sum(times * shape["K"] * shape["N"] for times, shape in shapes)


def macs_per_token(parts: tuple[Part, ...], tokens: int) -> float:
    """Of the matrix products: their points."""
    return sum(p.times * prod(p.workload.shape.values()) for p in parts if _is_product(p)) / tokens


def _is_product(part: Part) -> bool:
    return set(part.workload.shape) == {"T", "K", "N"}


def test_deepseek_v3_has_its_parameters() -> None:
    """671B in total, 37B active for each token (arXiv 2412.19437, abstract and section 4.2)."""
    model = model_named("DeepSeek-V3")
    parts = whole_model(model, TOKENS, batch=1)
    embedding = model.vocab * model.model_dim  # a table that is looked up, no product
    assert weights(parts) + embedding == pytest.approx(671e9, rel=0.002)
    assert macs_per_token(parts, TOKENS) + embedding == pytest.approx(37e9, rel=0.02)


@pytest.mark.parametrize(
    ("name", "published"),
    [("BERT", 85e6 + 30522 * 768), ("Llama-3-8B", 8.03e9 - 128256 * 4096)],
)
def test_dense_models_have_their_parameters(name: str, published: float) -> None:
    """Of a dense model every weight is used for every token; tables of embeddings are left out."""
    parts = whole_model(model_named(name), TOKENS, batch=1)
    assert weights(parts) == pytest.approx(published, rel=0.005)
    assert macs_per_token(parts, TOKENS) == weights(parts)


def test_attention_is_once_in_every_layer() -> None:
    model = model_named("DeepSeek-V3")
    first, *others = whole_model(model, TOKENS, batch=2)
    assert first.workload.name == "attention"
    assert first.times == model.layers
    assert dict(first.workload.shape) == {
        "B": 2, "H": 128, "E": 192, "F": 128, "M": TOKENS, "P": TOKENS,
    }  # fmt: skip
    assert all(_is_product(part) for part in others)


def test_experts_share_the_tokens() -> None:
    model = Model("small", "", 3, 8, 2, 4, 16, experts=4, active_experts=2, expert_dim=8,
                  shared_experts=1, dense_layers=1)  # fmt: skip
    parts = {p.workload.name: p for p in whole_model(model, 5, batch=1)}
    assert parts["FFN1"].times == 1
    assert parts["router"].times == 2
    assert (parts["expert-1"].times, parts["expert-1"].workload.shape["T"]) == (8, 3)  # 5 x 2 / 4
    assert (parts["shared-expert-2"].times, parts["shared-expert-2"].workload.shape["T"]) == (2, 5)
    assert "vocabulary" not in parts


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(SpecError, match="seq_len is 0"):
        whole_model(model_named("BERT"), 0)
    with pytest.raises(SpecError, match="batch is 0"):
        whole_model(model_named("BERT"), 16, batch=0)
