"""What a search proved, as text and as a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archsim.report import CostReport
    from mapper.result import SearchResult


def result_row(result: SearchResult, report: CostReport) -> dict[str, object]:
    """The search's own columns, for `--json`."""
    proof = result.certificate
    shared = [m.occupied_bytes for m in report.memories if m.size_bytes is not None]
    return {
        "objective": result.objective.value,
        "value": result.value,
        "energy_pj": report.energy_pj_complete,
        "buffer_bytes": max(shared, default=0.0),
        "lower_bound": result.lower_bound,
        "gap": result.gap,
        "space_size": proof.space_size,
        "evaluated": proof.evaluated,
        "proven_optimal": proof.proven_optimal,
        "cpu_s": proof.cpu_s,
    }


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
