"""Quantities as engineers read them: four significant digits and a prefix."""

from __future__ import annotations

import math

_SI = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")


def engineering(value: float, unit: str = "") -> str:
    """`value` with an SI prefix.

    >>> engineering(0.00125, "s")
    '1.25 ms'
    """
    if not math.isfinite(value):
        return str(value)
    exponent = 0
    if value:
        digits = int(f"{value:.3e}".partition("e")[2])  # after rounding to four digits
        exponent = min(max(3 * (digits // 3), min(_SI)), max(_SI))
    return f"{value / 10**exponent:.4g} {_SI[exponent]}{unit}".rstrip()


def binary(value: float, unit: str = "B") -> str:
    """`value` with a prefix for powers of 1024.

    >>> binary(16 * 2**20)
    '16 MiB'
    """
    if not math.isfinite(value):
        return str(value)
    power = 0
    while abs(value) >= 1024 and power < len(_BINARY) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.4g} {_BINARY[power]}{unit}".rstrip()


def percent(share: float) -> str:
    """`share` of one in percent: `percent(0.5) == "50.0 %"`."""
    return f"{100 * share:.1f} %"


def ratio(value: float) -> str:
    """How many times: `ratio(1.5) == "1.500x"`."""
    return f"{value:.3f}x"
