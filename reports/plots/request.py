"""What is asked of a figure: its kind, and which columns stand where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from einsum.errors import SpecError


class Kind(Enum):
    """A kind of figure; docs/sweeps.md says what each shows."""

    PARETO = "pareto"
    ROOFLINE = "roofline"
    UTILIZATION = "utilization"
    ENERGY = "energy"
    TORNADO = "tornado"
    PARALLEL = "parallel"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True)
class Request:
    """A figure of `kind`; columns that are None are chosen by the figure."""

    kind: Kind
    x: str | None = None
    y: str | None = None
    z: str | None = None
    colour: str | None = None

    def takes(self, *options: str) -> None:
        """Raises `SpecError` for a column that this kind of figure has no place for."""
        for option in ("x", "y", "z", "colour"):
            if getattr(self, option) is not None and option not in options:
                own = ", ".join(f"--{one}" for one in options)
                raise SpecError(
                    f"--{option} has no place in a figure of kind {self.kind.value}",
                    rule=f"it takes {own}",
                )
