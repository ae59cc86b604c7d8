"""AccelForge's YAML files as sections: templates rendered in a sandbox, tags kept as words."""

from __future__ import annotations

from collections.abc import Mapping

from archsim.section import Section, open_section
from einsum.errors import Source, SpecError

TAGS = frozenset(
    f"!{name}"
    for name in (
        *("Memory", "Toll", "Compute", "Container", "Network", "Fork", "Hierarchical"),
        *("Storage", "Temporal", "Spatial", "Sequential", "Pipeline", "Nested", "Reservation"),
    )
)
"""The node types of its architectures and mappings."""


def open_spec(source: Source, values: Mapping[str, int | float | str]) -> Section:
    """The top of a file; `values` are those of its template's variables.

    Places in errors are places in the rendered text. Raises `SpecError` for a template that
    cannot be rendered and for what is not plain YAML.
    """
    return open_section(Source(source.name, _rendered(source, values)), tags=TAGS)


def _rendered(source: Source, values: Mapping[str, int | float | str]) -> str:
    if "{{" not in source.text and "{%" not in source.text:
        return source.text
    try:
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise SpecError(
            "the file is a template, and jinja2 is not installed",
            rule="pip install 'einfall[accelforge]'",
            source=source,
        ) from None
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    try:
        return str(environment.from_string(source.text).render(values))
    except (TemplateError, ArithmeticError, OverflowError, TypeError, ValueError) as error:
        raise SpecError(f"the template cannot be rendered: {error}", source=source) from None
