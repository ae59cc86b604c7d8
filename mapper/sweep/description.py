"""What a store says about its sweep, so that it can be read without the files it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from archsim.model_version import MODEL_VERSION
from mapper.sweep.outcome import METRICS
from mapper.sweep.points import text_levels
from mapper.sweep.settings import Setpoint
from mapper.sweep.spec import Sweep


@dataclass(frozen=True, slots=True)
class Column:
    """A swept parameter: what it measures, and for names, which ones there are.

    `whole` is a size: all its values are whole numbers.
    """

    name: str
    unit: str | None
    whole: bool
    texts: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric to minimise or to maximise."""

    metric: str
    maximise: bool


@dataclass(frozen=True, slots=True)
class Description:
    """A sweep as a store knows it.

    `content` is all that its results depend on, a line for each part; `base` are the fixed
    settings, in base units; blocks have `block_points` points.
    """

    name: str
    points: int
    block_points: int
    model_version: str
    content: str
    base: Mapping[str, Setpoint]
    parameters: tuple[Column, ...]
    metrics: tuple[str, ...]
    objectives: tuple[Goal, ...]
    constraints: tuple[str, ...]
    components: tuple[str, ...]

    @staticmethod
    def of(sweep: Sweep, block_points: int) -> Description:
        """The description of `sweep`."""
        return Description(
            name=sweep.name,
            points=sweep.size,
            block_points=block_points,
            model_version=MODEL_VERSION,
            content=sweep.content.decode(),
            base=dict(sweep.base),
            parameters=tuple(
                Column(
                    one.name,
                    one.setting.unit.name.lower() if one.setting.unit else None,
                    one.setting.is_size,
                    text_levels(sweep, one.name),
                )
                for one in sweep.parameters
            ),
            metrics=METRICS,
            objectives=tuple(Goal(one.metric, one.maximise) for one in sweep.objectives),
            constraints=tuple(map(str, sweep.constraints)),
            components=sweep.components,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Of a row of results: every parameter, every metric, status and reason."""
        return (*(one.name for one in self.parameters), *self.metrics, "status", "reason")

    def parameter(self, name: str) -> Column:
        """The parameter called `name`."""
        return next(one for one in self.parameters if one.name == name)

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> Description:
        """The description whose `to_json` is `text`. Raises ValueError, KeyError or TypeError."""
        parts: dict[str, Any] = json.loads(text)
        for name in ("metrics", "constraints", "components"):
            parts[name] = tuple(parts[name])
        parts["objectives"] = tuple(Goal(**one) for one in parts["objectives"])
        parts["parameters"] = tuple(
            Column(**{**one, "texts": None if one["texts"] is None else tuple(one["texts"])})
            for one in parts["parameters"]
        )
        return Description(**parts)
