"""What `einfall compare` is given: designs by their settings, points of sweeps, or sweeps."""

from __future__ import annotations

import re
from pathlib import Path

from einsum.errors import SpecError
from mapper.sweep.database import store_file
from mapper.sweep.results import open_store
from mapper.sweep.settings import PLAIN
from mapper.sweep.sweep_yaml import build_sweep
from reports.comparison import DesignSettings
from reports.comparison_stores import point_of

_POINT = re.compile(r"(?P<folder>.+):(?P<point>\d+)")


def check_same_kind(a: str, b: str, both: str) -> tuple[Path, Path] | None:
    """The two stores, or None for two designs. Raises `SpecError` for one of each."""
    stores = [_is_store(text) for text in (a, b)]
    if stores[0] != stores[1]:
        raise SpecError(
            "a design and a sweep cannot be compared",
            rule="name a point of the sweep: FOLDER:POINT",
        )
    if not stores[0]:
        return None
    if both:
        raise SpecError("--both with two sweeps", rule="their settings are in their stores")
    return Path(a), Path(b)


def design_of(text: str, both: str) -> DesignSettings:
    """The design that `text` names. Raises `SpecError` if it is not exactly one."""
    point = _POINT.fullmatch(text)
    if point and "=" not in text:
        if both:
            raise SpecError("--both with points of a sweep", rule="their settings are in its store")
        with open_store(Path(point["folder"])) as results:
            return point_of(results, int(point["point"]))
    settings = _settings(both) | _settings(text)
    plain = {name: value for name, value in settings.items() if name in PLAIN}
    others = [f"{name}={value}" for name, value in settings.items() if name not in PLAIN]
    sweep = build_sweep(plain, others)
    if sweep.parameters:
        swept = sweep.parameters[0].name
        raise SpecError(f"{text} has several values of {swept}", rule="give one, or sweep them")
    return DesignSettings(text, sweep.base)


def _settings(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (one.strip() for one in part.partition("="))
        if not equals or not name or not value:
            raise SpecError(
                f"{part!r} is neither SETTING=VALUE nor the folder of a sweep",
                rule="write config=binding,seq_len=64K, runs/x, or runs/x:17",
            )
        if name in found:
            raise SpecError(f"{name} is given twice in {text}", rule="give it once")
        found[name] = value
    return found


def _is_store(text: str) -> bool:
    return store_file(Path(text)).is_file()
