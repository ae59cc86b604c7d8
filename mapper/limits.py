"""How long a search may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Tick: TypeAlias = Callable[[str], None]
"""Called with what a search looks at."""


@dataclass(frozen=True, slots=True)
class Limits:
    """CPU seconds; for those that draw mappings also how many, and where their numbers begin.

    An exact search counts neither draws nor seeds. The same seed gives the same result, unless
    the time ends first.
    """

    time_limit_s: float = float("inf")
    draws: int = 200
    seed: int = 0


NO_LIMITS = Limits()
"""As long as it takes."""
