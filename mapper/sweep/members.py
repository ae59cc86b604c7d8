"""Settings of ranks, tensors and mapping parameters, whose names cascades and files give."""

from __future__ import annotations

from collections.abc import Iterable

from archsim.mapping_file import load_mapping
from einsum.errors import SpecError, choices
from mapper.configurations import configuration_named
from workloads.library import load_cascade

_FLAT = "flat"


def check_members(
    names: Iterable[str], cascades: Iterable[str], mappings: Iterable[str], configs: Iterable[str]
) -> None:
    """`SpecError` for a `shape.RANK`, `format.TENSOR` or `mapping.PARAMETER` that none of them has.

    `cascades` and `mappings` replace those of `configs` where there are any.
    """
    chosen = list(map(configuration_named, configs))
    loaded = [load_cascade(one) for one in cascades or (one.cascade for one in chosen)]
    files = [
        load_mapping(one)
        for one in mappings or (one.mapping for one in chosen)
        if one != _FLAT  # it has choices of its own for its parameters
    ]
    valid = {
        "shape": {
            name
            for one in loaded
            for name in (*one.rank_of_variable.values(), *one.parents, *dict(one.constants))
        },
        "format": {tensor.name for one in loaded for tensor in one.tensors},
        "mapping": {name for one in files for name, _ in one.parameters},
    }
    for name in names:
        family, dot, member = name.partition(".")
        if dot and family in valid and member not in valid[family]:
            raise SpecError(
                f"there is no {name} to set",
                rule=choices(name, [f"{family}.{one}" for one in valid[family]]),
            )
