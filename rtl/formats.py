"""The formats that the RTL computes in, by the numbers that `fp_pkg` gives them."""

from __future__ import annotations

from types import MappingProxyType

from einsum.errors import SpecError, choices

RTL_FORMATS = MappingProxyType({"fp32": 0, "bf16": 1, "fp16": 2, "e5m2": 3, "e4m3": 4, "int8": 5})


def rtl_format(name: str) -> int:
    """The value of the parameter `Format` for the format called `name`. `SpecError` if none."""
    if name not in RTL_FORMATS:
        raise SpecError(f"the RTL does not compute in {name}", rule=choices(name, RTL_FORMATS))
    return RTL_FORMATS[name]
