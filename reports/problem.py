"""From the options of a command to values: what is evaluated, and on what."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from archsim.architecture import Architecture
from archsim.components import Library
from archsim.default_mapping import default_mapping
from archsim.evaluate import evaluate
from archsim.library import DEFAULT, load_library
from archsim.load import load_architecture
from archsim.mapping import Mapping as LoopMapping
from archsim.mapping import Policy
from archsim.quantities import Unit, Value, parse_quantity
from archsim.report import CostReport
from einsum.cascade import Cascade
from einsum.errors import SpecError
from einsum.quantity import format_count, parse_count, parse_shape
from einsum.shapes import Shapes, bind
from mapper.configurations import Configuration, bind_mapping, configuration_named
from reports.models import load_model
from reports.selection import DEFAULT_ARCHITECTURE, DEFAULT_CONFIGURATION, Selection
from workloads.library import load_cascade
from workloads.masks import causal
from workloads.models import Model
from workloads.transformer import attention

_FLAT = "flat"


@dataclass(frozen=True, slots=True)
class Problem:
    """A cascade with sizes, an architecture with its components, and how the one is mapped.

    `configuration` and `model` are None where the user's own parts stand in their place.
    """

    cascade: Cascade
    shapes: Shapes
    architecture: Architecture
    mapping: LoopMapping
    library: Library
    configuration: Configuration | None = None
    model: Model | None = None

    def evaluate(self) -> CostReport:
        """The cost. Raises `SpecError` if the mapping does not fit."""
        published = self.configuration.published if self.configuration else None
        return evaluate(
            self.cascade, self.shapes, self.architecture, self.mapping, self.library, published
        )

    def labels(self) -> dict[str, str | None]:
        """The first columns of a row of results; None for what was not named."""
        return {
            "config": self.configuration.name if self.configuration else None,
            "model": self.model.name if self.model else None,
            "seq_len": format_count(self.shapes.size("M")) if self.model else None,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be mapped: a `Problem` without its mapping."""

    cascade: Cascade
    shapes: Shapes
    architecture: Architecture
    library: Library
    configuration: Configuration | None
    model: Model | None

    def mapped(self, mapping: LoopMapping) -> Problem:
        """The problem with this mapping."""
        return Problem(
            self.cascade,
            self.shapes,
            self.architecture,
            mapping,
            self.library,
            self.configuration,
            self.model,
        )


def target(selection: Selection) -> Target:
    """The values that `selection` names, its mapping aside. Raises `SpecError` as `resolve`."""
    _check_combination(selection)
    configuration = _configuration(selection)
    model = load_model(selection.workload) if selection.workload else None
    architecture = _architecture(selection, configuration)
    name = selection.cascade or (configuration.cascade if configuration else "")
    cascade, sizes = load_cascade(name), dict[str, int]()
    if selection.causal:
        cascade = causal(cascade)
    if configuration:
        tiles = configuration.tile_shape(architecture)
        sizes.update((rank, tiles[rank]) for rank in tiles if rank in cascade.parents)
    if model:
        batch = None if selection.batch is None else count_option("--batch", selection.batch)
        length = count_option("--seq-len", selection.seq_len or "")
        queries = (
            None
            if selection.query_len is None
            else count_option("--query-len", selection.query_len)
        )
        work = attention(model, length, cascade=name, batch=batch, query_len=queries)
        sizes.update(work.shape)
    shapes = bind(cascade, {**sizes, **parse_shape(selection.shape)})
    library = load_library(*DEFAULT, *(selection.components or ()))
    return Target(cascade, shapes, architecture, library, configuration, model)


def resolve(selection: Selection) -> Problem:
    """The values that `selection` names. Raises `SpecError` for names, files and combinations."""
    found = target(selection)
    mapping = _mapping(
        selection, found.configuration, found.shapes, found.architecture, found.model
    )
    return found.mapped(mapping)


def row(problem: Problem, report: CostReport) -> dict[str, object]:
    """One row of results: the columns of `attention.csv`, and more."""
    return {**problem.labels(), **report.to_row()}


def details(report: CostReport) -> dict[str, object]:
    """What stands behind a row: by Einsum, resource, tensor and action."""
    parts = ("einsums", "units", "memories", "tensors", "energies")
    return {
        "shape": dict(report.shape),
        "compute_s": report.compute_s,
        "memory_s": report.memory_s,
        "bounds": asdict(report.bounds),
        **{part: [asdict(one) for one in getattr(report, part)] for part in parts},
    }


def _check_combination(selection: Selection) -> None:
    named = selection.cascade or (selection.config and selection.shape)
    if selection.workload is None and not named:
        raise SpecError(
            "nothing to evaluate",
            rule="give --workload MODEL --seq-len SIZE, or --cascade NAME --shape RANK=SIZE,...",
        )
    if selection.workload is not None and selection.seq_len is None:
        raise SpecError("--workload has no length", rule="add --seq-len, for example 64K")
    for option, given in (
        ("--seq-len", selection.seq_len),
        ("--batch", selection.batch),
        ("--query-len", selection.query_len),
    ):
        if given is not None and selection.workload is None:
            raise SpecError(f"{option} without --workload", rule="give sizes with --shape")


def _configuration(selection: Selection) -> Configuration | None:
    if selection.config is not None:
        return configuration_named(selection.config)
    return None if selection.cascade else configuration_named(DEFAULT_CONFIGURATION)


def _architecture(selection: Selection, configuration: Configuration | None) -> Architecture:
    default = configuration.architecture if configuration else DEFAULT_ARCHITECTURE
    architecture = load_architecture(selection.arch or default)
    for change in selection.changes or ():
        path, equals, value = change.partition("=")
        if not equals:
            raise SpecError(f"--set {change} has no value", rule="write PATH=VALUE: clock='1 GHz'")
        architecture = architecture.with_parameter(path.strip(), value.strip())
    return architecture


def _mapping(
    selection: Selection,
    configuration: Configuration | None,
    shapes: Shapes,
    architecture: Architecture,
    model: Model | None,
) -> LoopMapping:
    name = selection.mapping or (configuration.mapping if configuration else "")
    if name == _FLAT and model is None:
        raise SpecError(
            "the mapping flat is FLAT's choice for a model",
            rule="give --workload, or a --mapping of your own",
        )
    if name:
        try:
            label = model.name if model else ""
            given = _parameters(selection) or None
            mapping = bind_mapping(name, shapes.cascade, shapes, architecture, label, given)
        except SpecError as error:
            replaced = selection.arch or selection.cascade
            if configuration is None or selection.mapping or not replaced:
                raise
            raise _not_for(configuration, error) from None
    else:
        mapping = default_mapping(shapes.cascade, shapes, architecture)
    return mapping if selection.policy is None else _with_policy(mapping, selection.policy)


def _parameters(selection: Selection) -> dict[str, Value]:
    """What --parameter gives: numbers by name."""
    found: dict[str, Value] = {}
    for text in selection.parameters or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise SpecError(f"--parameter {text} has no value", rule="write NAME=VALUE: P0=64")
        try:
            found[name.strip()] = parse_quantity(value, Unit.COUNT)
        except SpecError as error:
            raise SpecError(f"--parameter {text}: {error.message}", rule=error.rule) from None
    return found


def _not_for(configuration: Configuration, error: SpecError) -> SpecError:
    """`error`, for a user who replaced what the configuration's mapping is made for."""
    made_for = f"{configuration.cascade} on {configuration.architecture}"
    return SpecError(
        error.message,
        rule=f"{error.rule}\nthe mapping of configuration {configuration.name} is made for "
        f"{made_for}: give a --mapping, or --cascade without --config for the default one".lstrip(),
        source=error.source,
        span=error.span,
    )


def _with_policy(mapping: LoopMapping, policy: Policy) -> LoopMapping:
    if policy is Policy.PAPER and not all(group.phases for group in mapping.groups):
        raise SpecError(
            f"mapping {mapping.name} has no phases for --policy paper",
            rule="choose serial or overlapped, or a mapping file that lists phases",
        )
    return replace(mapping, groups=tuple(replace(g, policy=policy) for g in mapping.groups))


def count_option(option: str, text: str) -> int:
    """The size that an option gives. Raises `SpecError` with the option's name."""
    try:
        return parse_count(text)
    except SpecError as error:
        raise SpecError(f"{option}: {error.message}", rule=error.rule) from None
