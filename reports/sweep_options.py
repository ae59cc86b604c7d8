"""From the options of `einfall sweep` to a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from einsum.errors import SpecError
from mapper.sweep.samplers import GRID, Method, Sampler
from mapper.sweep.spec import Sweep
from mapper.sweep.sweep_yaml import build_sweep, load_sweep


def sweep_of_file(spec: Path, options: Mapping[str, object]) -> Sweep:
    """The sweep in a file, if no option says what to sweep besides."""
    given = [name for name, value in options.items() if value]
    if given:
        raise SpecError(
            f"--{given[0].replace('_', '-')} besides a SPEC",
            rule="write it into the file, or give options only",
        )
    return load_sweep(spec)


def sweep_of_options(
    settings: Mapping[str, str | None],
    shape: str,
    changes: Sequence[str],
    constraints: Sequence[str],
    objectives: Sequence[str],
    sampler: Sampler,
    components: Sequence[str],
) -> Sweep:
    """The sweep that options describe; every one of `settings` may be a list or a range."""
    given = {name: text for name, text in settings.items() if text is not None}
    given |= {f"shape.{rank}": sizes for rank, sizes in parse_shape_values(shape).items()}
    return build_sweep(
        given,
        changes,
        constraints=constraints,
        objectives=objectives,
        sampler=sampler,
        components=components,
    )


def sampler_of(method: str | None, points: int | None, seed: int | None) -> Sampler:
    """A grid, if nothing else is said. Raises `SpecError` for what a grid does not take."""
    if method is None:
        if points is not None or seed is not None:
            raise SpecError(
                f"--{'seed' if points is None else 'points'} without --sampler",
                rule="a grid has all its points; choose random, sobol, ...",
            )
        return GRID
    return Sampler(Method(method), points or 0, seed or 0)


def parse_shape_values(text: str) -> dict[str, str]:
    """Values by rank from `M=1K..64K,P=1,64`: a part without a `=` goes on with the one before.

    >>> parse_shape_values("M=1K..64K,P=1,64")
    {'M': '1K..64K', 'P': '1,64'}
    """
    shape: dict[str, str] = {}
    rank = ""
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, values = (one.strip() for one in part.rpartition("="))
        if equals and name in shape:
            raise SpecError(f"rank {name} is given twice", rule="give each rank once: M=1K,2K")
        if equals and name and values:
            rank, shape[name] = name, values
        elif not equals and rank:
            shape[rank] += f",{part}"
        else:
            raise SpecError(f"{part!r} is not RANK=SIZES", rule="write M=1K..64K,P=1,64")
    return shape
