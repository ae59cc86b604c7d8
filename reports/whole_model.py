"""A whole model: the best mapping of each of its parts, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archsim.architecture import Architecture
from archsim.components import Library
from archsim.engineering import binary, engineering, percent
from archsim.text_table import TextTable
from einsum.quantity import format_count
from einsum.shapes import bind
from mapper.limits import NO_LIMITS
from mapper.objective import Cost, Objective
from mapper.problem import MapProblem
from mapper.result import SearchResult
from mapper.search import exact
from reports.progress import Track
from workloads.whole_model import Part


@dataclass(frozen=True, slots=True)
class MappedPart:
    """A part with its best mapping; `cost` is of one run."""

    part: Part
    result: SearchResult

    @property
    def cost(self) -> Cost:
        """The cost of one run."""
        return self.result.cost


def map_model(
    parts: tuple[Part, ...],
    architecture: Architecture,
    library: Library,
    objective: Objective,
    track: Track,
) -> tuple[MappedPart, ...]:
    """Every distinct shape is searched once. Raises `SpecError` if a part has no mapping."""
    distinct = {_key(part): part for part in parts}
    found = {
        _key(part): exact(
            MapProblem(
                part.workload.cascade,
                bind(part.workload.cascade, dict(part.workload.shape)),
                architecture,
                library,
            ),
            objective,
            (),
            NO_LIMITS,
        )
        for part in track(tuple(distinct.values()), "mappings")
    }
    return tuple(MappedPart(part, found[_key(part)]) for part in parts)


def _key(part: Part) -> tuple[object, ...]:
    return part.workload.cascade.name, tuple(sorted(part.workload.shape.items()))


def model_rows(mapped: tuple[MappedPart, ...]) -> list[dict[str, object]]:
    """One row a part; amounts are of all its runs."""
    return [
        {
            "part": one.part.workload.name,
            "times": one.part.times,
            **one.part.workload.shape,
            "latency_s": one.cost.latency_s * one.part.times,
            "dram_traffic_bytes": one.cost.traffic_bytes * one.part.times,
            "energy_pj": one.cost.energy_pj * one.part.times,
            "proven_optimal": one.result.certificate.proven_optimal,
        }
        for one in mapped
    ]


def total(mapped: tuple[MappedPart, ...]) -> dict[str, object]:
    """What the model takes: its parts run one after another."""
    return {
        "latency_s": sum(one.cost.latency_s * one.part.times for one in mapped),
        "dram_traffic_bytes": sum(one.cost.traffic_bytes * one.part.times for one in mapped),
        "energy_pj": sum(one.cost.energy_pj * one.part.times for one in mapped),
        "buffer_bytes": max(one.cost.buffer_bytes for one in mapped),
        "searches": len({_key(one.part) for one in mapped}),
        "cpu_s": sum({_key(o.part): o.result.certificate.cpu_s for o in mapped}.values()),
    }


def model_table(mapped: tuple[MappedPart, ...]) -> TextTable:
    """The parts and their sum, for people."""
    whole = total(mapped)
    return TextTable(
        "parts, all runs of each",
        "<><>>>>",
        ("part", "times", "shape", "latency", "share", "DRAM traffic", "energy"),
        (
            *_cells(mapped),
            (
                "model",
                "",
                "",
                engineering(_number(whole["latency_s"]), "s"),
                percent(1.0),
                binary(_number(whole["dram_traffic_bytes"])),
                engineering(_number(whole["energy_pj"]) * 1e-12, "J"),
            ),
        ),
    )


def _cells(mapped: tuple[MappedPart, ...]) -> Iterator[tuple[str, ...]]:
    seconds = sum(one.cost.latency_s * one.part.times for one in mapped)
    for one in mapped:
        times, cost = one.part.times, one.cost
        shape = one.part.workload.shape
        yield (
            one.part.workload.name,
            str(times),
            " ".join(f"{rank}={format_count(size)}" for rank, size in shape.items()),
            engineering(cost.latency_s * times, "s"),
            percent(cost.latency_s * times / seconds),
            binary(cost.traffic_bytes * times),
            engineering(cost.energy_pj * times * 1e-12, "J"),
        )


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
