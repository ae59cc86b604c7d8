import pytest

from einsum.errors import Source, SpecError
from workloads.models import Model, model_named, model_names, read_models

FUSEMAX = {  # shared with the evaluation of FuseMax: D, H, E = F, S
    "BERT": (768, 12, 64, 3072),
    "TrXL": (1024, 16, 64, 4096),
    "T5": (512, 8, 64, 2048),
    "XLM": (2048, 16, 128, 8192),
}

# Parameters of the checkpoint, in millions, where embeddings are tied or counted twice.
PARAMETERS = {
    "GPT-2": (124, 1),
    "GPT-3-6.7B": (6_700, 1),
    "Llama-2-7B": (6_738, 2),
    "Llama-2-70B": (68_977, 2),
    "Llama-3-8B": (8_030, 2),
    "Llama-3-70B": (70_554, 2),
    "BERT-large": (336, 1),
    "ViT-B-16": (86, 0),
}


@pytest.mark.parametrize("name", FUSEMAX)
def test_the_models_of_the_evaluation(name: str) -> None:
    model = model_named(name)
    assert (model.model_dim, model.heads, model.head_dim, model.ffn_dim) == FUSEMAX[name]
    assert (model.value_dim, model.kv_heads) == (model.head_dim, model.heads)
    assert model.batch == 64


@pytest.mark.parametrize("name", PARAMETERS)
def test_dimensions_add_up_to_the_published_parameter_count(name: str) -> None:
    model = model_named(name)
    projections = 2 * model.heads * model.head_dim + 2 * model.kv_heads * model.head_dim
    ffn = (3 if model.gated_ffn else 2) * model.ffn_dim
    millions, embeddings = PARAMETERS[name]
    count = model.layers * model.model_dim * (projections + ffn)
    count += embeddings * model.vocab * model.model_dim
    # Norms, biases and position embeddings are what is left.
    assert count == pytest.approx(millions * 1e6, rel=0.02)


@pytest.mark.parametrize("text", ["bert", "BERT", "gpt-3-6.7b", "Llama 3 8B", "vit_b/16"])
def test_names_in_any_case_and_spelling(text: str) -> None:
    assert model_named(text).name in model_names()


def test_an_unknown_model_lists_the_valid_ones() -> None:
    with pytest.raises(SpecError, match=r"did you mean BERT\?") as caught:
        model_named("BRET")
    assert all(name in str(caught.value) for name in model_names())


GOOD = """\
Mine:
  source: a test
  layers: 1
  model_dim: 32
  heads: 4
  head_dim: 8
  ffn_dim: 64
"""


def test_a_file_of_ones_own() -> None:
    (model,) = read_models(Source("mine.yaml", GOOD))
    assert model == Model("Mine", "a test", 1, 32, 4, 8, 64)
    assert model.kv_heads == 4


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (GOOD + "  heds: 4\n", 8, "unknown key heds of model Mine"),
        (GOOD + "  heads: 4\n", 8, "heads is given twice"),
        (GOOD.replace("heads: 4", "heads: four"), 5, "heads of model Mine is not of type int"),
        (GOOD.replace("heads: 4", "heads: !!int four"), 5, "heads of model Mine is not of type"),
        (GOOD.replace("heads: 4", "heads: true"), 5, "heads of model Mine is not of type int"),
        (GOOD.replace("  heads: 4\n", ""), 2, "model Mine lacks heads"),
        (GOOD.replace("heads: 4", "heads: -4"), 2, "model Mine: heads is -4"),
        (GOOD + "  kv_heads: 3\n", 2, "4 heads do not share 3 K/V heads"),
        (GOOD + "  source: [\n", 9, "not YAML"),
        (GOOD + "  vocab: !!python/object/apply:os.getcwd []\n", 8, "vocab of model Mine"),
        ("- Mine\n", 1, "expected models by name"),
    ],
)
def test_a_bad_file_is_refused_at_its_place(text: str, line: int, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_models(Source("mine.yaml", text))
    assert message in str(caught.value)
    assert caught.value.span is not None
    assert caught.value.span.line == line
