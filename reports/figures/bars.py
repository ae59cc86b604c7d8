"""Bars of the five configurations, grouped by length, and the lengths by model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from einsum.quantity import parse_count
from reports.figures.frames import CONFIGS
from reports.figures.style import CONFIG_COLOUR, CONFIG_LABEL, FAINT, mark_published, patch

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

LENGTHS_BY_MODEL = "Sequence length (tokens), by model"

_MODELS = ("BERT", "TrXL", "T5", "XLM")
_GAP = 0.5
_BAR = 0.84 / len(CONFIGS)


@dataclass(frozen=True)
class Categories:
    """Places of two-level categories along x: one apart, and a gap between outer ones."""

    place: dict[tuple[str, str], float]

    @classmethod
    def of(cls, keys: Iterable[tuple[str, str]]) -> Categories:
        """`keys` are (outer, inner) in the order in which they are to stand."""
        place: dict[tuple[str, str], float] = {}
        outer, x = None, 0.0
        for key in keys:
            x += 0.0 if outer is None else 1.0 + _GAP * (key[0] != outer)
            outer = key[0]
            place[key] = x
        return cls(place)

    def label(self, axes: Axes, *, names: bool) -> None:
        """Inner labels at the ticks, and outer ones below them; only ticks without `names`."""
        axes.set_xlim(-0.5 - _GAP / 2, max(self.place.values()) + 0.5 + _GAP / 2)
        axes.set_xticks(list(self.place.values()), [inner for _, inner in self.place])
        axes.tick_params(axis="x", length=0, labelbottom=names)
        for outer in dict.fromkeys(outer for outer, _ in self.place):
            members = [x for key, x in self.place.items() if key[0] == outer]
            if members[0] > 0:
                axes.axvline(members[0] - 0.5 - _GAP / 2, color=FAINT, linewidth=1.2)
            if names:
                axes.annotate(
                    outer,
                    ((members[0] + members[-1]) / 2, 0),
                    xycoords=("data", "axes fraction"),
                    xytext=(0, -18),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    weight="bold",
                )


def by_config(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """`column` by (model, length), in order, with a column for each of `CONFIGS`."""
    table = frame.pivot(index=["model", "seq_len"], columns="config", values=column)
    return table.loc[sorted(table.index, key=_rank)].reindex(columns=list(CONFIGS))


def in_order(models: Iterable[str]) -> list[str]:
    """Each of `models` once: the paper's in its order, then others by name."""
    return sorted(set(models), key=_model_rank)


def _model_rank(model: str) -> tuple[int, str]:
    return _MODELS.index(model) if model in _MODELS else len(_MODELS), model


def _rank(point: tuple[str, str]) -> tuple[tuple[int, str], int]:
    model, length = point
    return _model_rank(model), parse_count(length)


def draw_bars(axes: Axes, ours: pd.DataFrame, paper: pd.DataFrame) -> Categories:
    """Bars of `ours` and markers of `paper`, both as `by_config` gives them."""
    categories = Categories.of(ours.index)
    for config in CONFIGS:
        bars = ours[config].dropna()
        x = [bar_center(categories, key, config) for key in bars.index]
        axes.bar(x, bars.to_numpy(), width=_BAR, color=CONFIG_COLOUR[config], linewidth=0)
        known = paper[config].dropna()
        known = known[known.index.isin(list(categories.place))]
        x = [bar_center(categories, key, config) for key in known.index]
        mark_published(axes, x, known.to_list())
    axes.grid(axis="y")
    return categories


def bar_center(categories: Categories, point: tuple[str, str], config: str) -> float:
    """Where along x the bar of `config` at (model, length) stands."""
    return categories.place[point] + (CONFIGS.index(config) - (len(CONFIGS) - 1) / 2) * _BAR


def write_values(axes: Axes, categories: Categories, ours: pd.Series, form: str) -> None:
    """The height of each of FuseMax's bars above it, in format `form`."""
    for key, value in ours.dropna().items():
        axes.annotate(
            format(value, form),
            (bar_center(categories, key, "binding"), value),  # type: ignore[arg-type]
            xytext=(0.4, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            size=7,
            rotation=90,
        )


def config_entries() -> list[Patch]:
    """The legend's entries for the configurations."""
    return [patch(CONFIG_COLOUR[config], CONFIG_LABEL[config]) for config in CONFIGS]


def largest(table: pd.DataFrame) -> float:
    """The highest value that is known, for the end of an axis."""
    return float(np.nanmax(table.to_numpy(dtype=float)))


def mean(values: pd.Series) -> float:
    """Arithmetic mean over the points that are known."""
    return float(np.nanmean(values.to_numpy(dtype=float)))
