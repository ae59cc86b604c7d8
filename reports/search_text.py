"""What a search proved, as text and as a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.engineering import binary, engineering
from archsim.mapping import Policy
from archsim.text_table import TextTable
from einsum.errors import SpecError, choices
from mapper.objective import Amount

if TYPE_CHECKING:
    from archsim.report import CostReport
    from mapper.result import SearchResult


def result_row(result: SearchResult, report: CostReport) -> dict[str, object]:
    """The search's own columns, for `--json`."""
    proof = result.certificate
    return {
        "objective": result.objective.value,
        "value": result.value,
        "energy_pj": report.energy_pj_complete,
        "buffer_bytes": result.cost.buffer_bytes,
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "space_size": proof.space_size,
        "evaluated": proof.evaluated,
        "proven_optimal": proof.proven_optimal,
        "cpu_s": proof.cpu_s,
    }


def amounts(text: str) -> tuple[Amount, ...]:
    """The amounts of `latency,energy`. Raises `SpecError` for others, and for one twice."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    valid = [one.value for one in Amount]
    for name in names:
        if name not in valid:
            raise SpecError(f"--pareto: there is no amount {name}", rule=choices(name, valid))
    if len(set(names)) < len(names) or len(names) == 1:
        raise SpecError(
            f"--pareto {text} does not name different amounts",
            rule=f"two or more of {', '.join(valid)}",
        )
    return tuple(Amount(name) for name in names)


def group_policy(chosen: Policy | None) -> Policy:
    """The policy of the groups that are searched. Raises `SpecError` for those that cannot be."""
    match chosen:
        case None:
            return Policy.OVERLAPPED
        case Policy.OVERLAPPED | Policy.SERIAL:
            return chosen
        case _:
            raise SpecError(
                f"the search does not weigh --policy {chosen.value}",
                rule="overlapped or serial; evaluate the mapping found with --policy pipelined",
            )


def front_rows(result: SearchResult) -> list[dict[str, object]]:
    """The amounts and the mapping of every point of a Pareto front, best by the objective first."""
    from archsim.mapping_text import mapping_to_yaml

    return [
        {
            "latency_s": one.cost.latency_s,
            "energy_pj": one.cost.energy_pj,
            "dram_traffic_bytes": one.cost.traffic_bytes,
            "buffer_bytes": one.cost.buffer_bytes,
            "mapping": mapping_to_yaml(one.mapping),
        }
        for one in result.solutions
    ]


def front_table(result: SearchResult) -> TextTable:
    """The same as a table, without the mappings."""
    rows = tuple(
        (
            engineering(one.cost.latency_s, "s"),
            engineering(one.cost.energy_pj * 1e-12, "J"),
            binary(one.cost.traffic_bytes),
            binary(one.cost.buffer_bytes),
        )
        for one in result.solutions
    )
    return TextTable(
        f"Pareto front: {len(rows)} mappings",
        ">>>>",
        ("latency", "energy", "DRAM traffic", "on chip"),
        rows,
    )


def certificate_text(result: SearchResult) -> str:
    """The proof in a few lines."""
    proof = result.certificate
    if proof.proven_optimal:
        verdict = "proven optimal within the map space (docs/mapper.md)"
    else:
        verdict = f"not proven: at most {result.gap:.3f} times the lower bound"
    return "\n".join(
        [
            f"search: {verdict}",
            f"  groups    {proof.groups_searched} searched, {proof.groups_pruned} pruned by bounds",
            f"  mappings  {proof.space_size:,} in the searched groups",
            f"  pruned    {proof.pruned_by_capacity:,} cases by capacity, "
            f"{proof.pruned_by_bound:,} by bounds",
            f"  complete  {proof.evaluated:,} candidates reached the end",
            f"  CPU time  {proof.cpu_s:.2f} s",
        ]
    )
