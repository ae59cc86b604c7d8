"""Digests of what names stand for: two names are the same input if their contents are."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from archsim.library import DEFAULT, load_library
from archsim.load import load_architecture
from archsim.mapping_file import load_mapping
from archsim.section import open_section
from mapper.configurations import configuration_named
from mapper.models import load_model
from workloads.library import load_cascade


@lru_cache(maxsize=4096)
def content_digest(setting: str, name: str) -> str:
    """32 hexadecimal digits for what `name` stands for as a value of `setting`.

    Raises `SpecError` if there is nothing of that name.
    """
    return hashlib.sha256(_content(setting, name).encode()).hexdigest()[:32]


def _content(setting: str, name: str) -> str:
    match setting:
        case "workload":
            return repr(load_model(name))
        case "cascade":
            return str(load_cascade(name))
        case "arch":
            return load_architecture(name).digest
        case "mapping":
            return _mapping(name)
        case "config":
            one = configuration_named(name)
            parts = [repr(sorted(one.published_omits)), repr(one.shape), _mapping(one.mapping)]
            parts += [_content("cascade", one.cascade), _content("arch", one.architecture)]
            if one.published_prices:
                parts.append(_content("arch", one.published_prices))
            return "\n".join(parts)
        case _:
            return name


def _mapping(name: str) -> str:
    if name == "flat":  # FLAT's own choices, and the two mappings that they select from
        choices = files("workloads").joinpath("data/flat-mappings.csv").read_text(encoding="utf-8")
        return "\n".join((choices, _mapping("flat-output"), _mapping("flat-weight")))
    source = load_mapping(name).source
    top = open_section(source)
    base = _mapping(top.text("like")) if "like" in top else ""
    return source.text + base


@lru_cache(maxsize=64)
def library_digest(components: tuple[str, ...]) -> str:
    """32 hexadecimal digits for the components of the default libraries and these."""
    library = load_library(*DEFAULT, *components)
    text = repr(sorted(library.components, key=lambda one: one.name))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
