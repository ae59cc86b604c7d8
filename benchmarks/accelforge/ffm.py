"""AccelForge on one case, given as JSON: its mapper, or its evaluation of a mapping.

Runs in AccelForge's own environment and is not imported: `python ffm.py '{"architecture": ...}'`
prints one line of JSON with the energy (J), the latency (s), the mapping, and how often each
component did what. With a `mapping` (the text of a file) that mapping is evaluated instead.
"""

import json
import sys
import tempfile
from pathlib import Path


def main(text: str) -> None:
    from accelforge.frontend.mapper.metrics import Metrics

    case = json.loads(text)
    mapping = case.get("mapping")
    found = None
    if mapping is None:
        spec = _spec(case)
        names = {"EDP": "ENERGY_DELAY_PRODUCT"}
        spec.mapper.metrics = Metrics[names.get(case["objective"], case["objective"])]
        if case["fused_loops"] is not None:
            spec.mapper.max_fused_loops = case["fused_loops"]
        found = spec.map_workload_to_arch(print_progress=False).data.iloc[0]
        best = found["Total<SEP>mapping"]
        mapping = "\n".join(_written(best() if callable(best) else best)) + "\n"
    if found is None or not {"Total<SEP>energy", "Total<SEP>latency"} <= set(found.index):
        found = _spec(case, mapping).evaluate_mapping().data.iloc[0]
    print(
        json.dumps(
            {
                "energy": float(found["Total<SEP>energy"]),
                "latency": float(found["Total<SEP>latency"]),
                "actions": _actions(found),
                "mapping": mapping,
            }
        )
    )


def _spec(case, mapping: str | None = None):
    """The specs of a case, with a mapping if one is given."""
    import accelforge

    examples = Path(accelforge.__file__).parent.parent / "examples"
    own = case["workload"].endswith(".yaml")
    workload = case["workload"] if own else examples / "workloads" / f"{case['workload']}.yaml"
    files = [examples / "arches" / f"{case['architecture']}.yaml", workload]
    with tempfile.TemporaryDirectory() as scratch:
        if mapping is not None:
            files.append(Path(scratch) / "mapping.yaml")
            files[-1].write_text(mapping, encoding="utf-8")
        spec = accelforge.Spec.from_yaml(*files, jinja_parse_data=dict(case["values"]))
    if case["bits"] is not None:
        spec.workload.bits_per_value["All"] = case["bits"]
    if not case["fusion"]:
        spec.arch.find("MainMemory").tensors.keep = "All"
    return spec


def _actions(found) -> dict[str, float]:
    """How often each component did what, over all Einsums: `GlobalBuffer read` in its units."""
    total: dict[str, float] = {}
    for column, value in found.items():
        parts = column.split("<SEP>")
        if "action" in parts and float(value):
            start = parts.index("action") + 1
            key = f"{parts[start]} {parts[-1]}"
            total[key] = total.get(key, 0.0) + float(value)
    return total


def _written(node, indent: int = 0) -> list[str]:
    """A mapping in the YAML that AccelForge reads."""
    pad, kind = " " * indent, type(node).__name__
    match kind:
        case "Mapping":
            inner = [line for part in node.nodes for line in _written(part, 2)]
            return ["mapping:", "  nodes:", *inner]
        case "Nested" | "Sequential":
            inner = [line for part in node.nodes for line in _written(part, indent + 2)]
            return [f"{pad}- !{kind}", f"{pad}  nodes:", *inner]
        case "Storage" | "Toll":
            names = ", ".join(sorted(map(str, node.tensors)))
            return [f"{pad}- !{kind} {{tensors: [{names}], component: {node.component}}}"]
        case "Reservation":
            return []  # written by AccelForge itself
        case "Temporal" | "Spatial":
            given = node.rank_variable
            names = [given] if isinstance(given, str) else sorted(map(str, given))
            place = f", name: {node.name}, component: {node.component}" if kind == "Spatial" else ""
            loop = f"rank_variable: {', '.join(names)}, tile_shape: {node.tile_shape}{place}"
            return [f"{pad}- !{kind} {{{loop}}}"]
        case "Compute":
            return [f"{pad}- !Compute {{einsum: {node.einsum}, component: {node.component}}}"]
    raise SystemExit(f"a node of a mapping is a {kind}")


if __name__ == "__main__":
    main(sys.argv[1])
