import pickle

import pytest

from einsum.errors import SpecError
from workloads.library import cascade_names
from workloads.models import model_named, model_names
from workloads.transformer import Workload, attention, linear_layers


def test_attention_of_bert() -> None:
    workload = attention(model_named("bert"), 64 * 1024)
    assert workload.cascade.name == "attention/fusemax"
    assert workload.shape == {"B": 64, "H": 12, "E": 64, "F": 64, "M": 65536, "P": 65536}


def test_decoding_has_one_query() -> None:
    workload = attention(
        model_named("bert"), 4096, cascade="attention/decode", batch=1, query_len=1
    )
    assert (workload.shape["M"], workload.shape["P"], workload.shape["B"]) == (4096, 1, 1)


@pytest.mark.parametrize("name", model_names())
def test_groups_times_kv_heads_are_the_query_heads(name: str) -> None:
    model = model_named(name)
    shape = attention(model, 1024, cascade="attention/gqa").shape
    assert shape["G"] * model.kv_heads == shape["H"] == model.heads


@pytest.mark.parametrize("name", [n for n in cascade_names() if n.startswith("attention/")])
def test_the_shape_of_every_attention_names_its_ranks_only(name: str) -> None:
    workload = attention(model_named("t5"), 1024, cascade=name)
    ranks = {rank.name for rank in workload.cascade.ranks} | set(workload.cascade.parents)
    assert {"B", "H", "E", "F", "P"} <= set(workload.shape) <= ranks


@pytest.mark.parametrize(
    ("name", "dims"),
    [
        # D -> H E three times, H F -> D, D -> S, S -> D.
        ("xlm", [(2048, 2048)] * 4 + [(2048, 8192), (8192, 2048)]),
        (
            "llama-3-8b",
            [
                *[(4096, 4096), (4096, 1024), (4096, 1024), (4096, 4096)],
                *[(4096, 14336), (4096, 14336), (14336, 4096)],
            ],
        ),
    ],
)
def test_linear_layers(name: str, dims: list[tuple[int, int]]) -> None:
    layers = linear_layers(model_named(name), 1024, batch=2)
    assert [(layer.shape["K"], layer.shape["N"]) for layer in layers] == dims
    assert {layer.shape["T"] for layer in layers} == {2048}
    assert {layer.cascade.name for layer in layers} == {"layers/matmul"}
    assert len({layer.name for layer in layers}) == len(layers)


def test_the_batch_is_the_models_own_when_none_is_given() -> None:
    model = model_named("bert")
    assert attention(model, 8) == attention(model, 8, batch=model.batch)
    assert linear_layers(model, 8) == linear_layers(model, 8, model.batch)


def test_a_workload_is_a_value() -> None:
    workload = attention(model_named("bert"), 1024)
    assert pickle.loads(pickle.dumps(workload)) == workload
    assert hash(workload) == hash(attention(model_named("bert"), 1024))
    with pytest.raises(TypeError):
        workload.shape["M"] = 1  # type: ignore[index]
    sizes = {"M": 4}
    copied = Workload("mine", workload.cascade, sizes)
    sizes["M"] = 5
    assert copied.shape["M"] == 4


@pytest.mark.parametrize(("seq_len", "batch", "query_len"), [(0, 1, 1), (8, -1, 8), (8, 1, 0)])
def test_a_size_below_one_is_refused(seq_len: int, batch: int, query_len: int) -> None:
    with pytest.raises(SpecError, match="at least 1"):
        attention(model_named("bert"), seq_len, batch=batch, query_len=query_len)
