"""Transformer model configurations: the shipped ones, and files of the same form."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path

import yaml

from einsum.errors import Source, Span, SpecError, choices

_SHIPPED = Path(__file__).parent / "data" / "models.yaml"

_LATENT = ("query_rank", "kv_rank", "rope_dim")
_EXPERTS = ("experts", "active_experts", "shared_experts", "expert_dim", "dense_layers")
_OPTIONAL = ("vocab", *_LATENT, *_EXPERTS)


@dataclass(frozen=True, slots=True)
class Model:
    """The dimensions of a transformer, counted in values; one layer stands for `layers` alike.

    `kv_heads` heads of K and V are shared by `heads` query heads (0: as many as `heads`);
    `value_dim` is the width of a head of V (0: `head_dim`). A gated feed-forward block has a
    second projection to `ffn_dim`. `vocab` is 0 where there is none. `batch` is the batch size
    that a workload takes when it is given none.

    With latent attention (DeepSeek-V2, arXiv 2405.04434) Q comes through `query_rank` values, K and
    V through `kv_rank` that all heads share, with `rope_dim` more for the position. With
    `experts`, all layers but the first `dense_layers` have that many feed-forward blocks of
    `expert_dim`: every token goes through `active_experts` of them, and `shared_experts` more.
    Raises `SpecError` for a size that cannot be.
    """

    name: str
    source: str
    layers: int
    model_dim: int
    heads: int
    head_dim: int
    ffn_dim: int
    kv_heads: int = 0
    value_dim: int = 0
    gated_ffn: bool = False
    vocab: int = 0
    batch: int = 64
    query_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    experts: int = 0
    active_experts: int = 0
    shared_experts: int = 0
    expert_dim: int = 0
    dense_layers: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kv_heads", self.kv_heads or self.heads)
        object.__setattr__(self, "value_dim", self.value_dim or self.head_dim)
        for key in (field.name for field in fields(self) if field.type == "int"):
            least = 0 if key in _OPTIONAL else 1
            if getattr(self, key) < least:
                raise SpecError(
                    f"model {self.name}: {key} is {getattr(self, key)}",
                    rule=f"{key} is a whole number, at least {least}",
                )
        if self.heads % self.kv_heads:
            raise SpecError(
                f"model {self.name}: {self.heads} heads do not share {self.kv_heads} K/V heads",
                rule="kv_heads divides heads",
            )
        if self.experts and not (1 <= self.active_experts <= self.experts and self.expert_dim):
            raise SpecError(
                f"model {self.name}: {self.active_experts} of {self.experts} experts of "
                f"{self.expert_dim} are active",
                rule="at least one of them, and no more than there are; their width is positive",
            )
        if self.dense_layers > self.layers:
            raise SpecError(
                f"model {self.name}: {self.dense_layers} of {self.layers} layers are dense",
                rule="no more than there are",
            )


def model_names() -> tuple[str, ...]:
    """The shipped models, FuseMax's four first."""
    return tuple(model.name for model in _shipped().values())


def model_named(name: str) -> Model:
    """The shipped model `name`, in any case and with `/`, `_` or a space for `-`.

    >>> model_named("bert").model_dim
    768

    Raises `SpecError` with the shipped names.
    """
    shipped = _shipped()
    if _key(name) not in shipped:
        raise SpecError(f"unknown model {name}", rule=choices(name, model_names()))
    return shipped[_key(name)]


def read_models(source: Source) -> tuple[Model, ...]:
    """The models in a YAML text that has the form of the shipped `data/models.yaml`.

    Raises `SpecError` at the place of a key that is unknown, missing, repeated or of another
    type.
    """
    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        span = Span(mark.line + 1, mark.column + 1) if mark else None
        raise SpecError(f"not YAML: {error.problem}", source=source, span=span) from None
    entries = _entries(root, "models by name", source)
    return tuple(_model(name, node, source) for name, (_, node) in entries.items())


@cache
def _shipped() -> dict[str, Model]:
    models = read_models(Source("models.yaml", _SHIPPED.read_text(encoding="utf-8")))
    return {_key(model.name): model for model in models}


def _key(name: str) -> str:
    return name.strip().lower().translate(str.maketrans("/_ ", "---"))


def _entries(
    node: yaml.Node | None, what: str, source: Source
) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Key and value node by key, in the order of the text."""
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(f"expected {what}", source=source, span=_span(node))
    entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError("a key is a plain name", source=source, span=_span(key))
        if key.value in entries:
            raise SpecError(f"{key.value} is given twice", source=source, span=_span(key))
        entries[key.value] = (key, value)
    return entries


def _model(name: str, node: yaml.Node, source: Source) -> Model:
    keys = {field.name: field for field in fields(Model) if field.name != "name"}
    loader = yaml.SafeLoader("")
    given: dict[str, object] = {}
    for key, (place, value) in _entries(node, f"the dimensions of {name}", source).items():
        if key not in keys:
            raise SpecError(
                f"unknown key {key} of model {name}",
                rule=choices(key, keys),
                source=source,
                span=_span(place),
            )
        try:
            if value.tag != f"tag:yaml.org,2002:{keys[key].type}":
                raise ValueError
            given[key] = loader.construct_object(value)
        except ValueError:  # also of a text that an explicit tag calls a number
            raise SpecError(
                f"{key} of model {name} is not of type {keys[key].type}",
                source=source,
                span=_span(value),
            ) from None
    missing = [key for key in keys if key not in given and keys[key].default is MISSING]
    if missing:
        raise SpecError(f"model {name} lacks {', '.join(missing)}", source=source, span=_span(node))
    try:
        return Model(name=name, **given)  # type: ignore[arg-type]
    except SpecError as error:
        raise error.located(source, _span(node)) from None


def _span(node: yaml.Node | None) -> Span | None:
    if node is None:
        return None
    start, end = node.start_mark, node.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(1, length))
