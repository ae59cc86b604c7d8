"""Runs AccelForge's mapper on one case, given as JSON; runs in AccelForge's own environment.

Not imported: `python ffm.py '{"architecture": ..., ...}'` prints one line of JSON.
"""

import json
import sys
from pathlib import Path


def main(text: str) -> None:
    import accelforge
    from accelforge.frontend.mapper.metrics import Metrics

    case = json.loads(text)
    examples = Path(accelforge.__file__).parent.parent / "examples"
    own = case["workload"].endswith(".yaml")
    workload = case["workload"] if own else examples / "workloads" / f"{case['workload']}.yaml"
    spec = accelforge.Spec.from_yaml(
        examples / "arches" / f"{case['architecture']}.yaml",
        workload,
        jinja_parse_data=dict(case["values"]),
    )
    if case["bits"] is not None:
        spec.workload.bits_per_value["All"] = case["bits"]
    spec.mapper.metrics = Metrics[case["objective"]]
    if case["fused_loops"] is not None:
        spec.mapper.max_fused_loops = case["fused_loops"]
    found = spec.map_workload_to_arch(print_progress=False).data.iloc[0]
    energy, latency = float(found["Total<SEP>energy"]), float(found["Total<SEP>latency"])
    print(json.dumps({"energy": energy, "latency": latency}))


if __name__ == "__main__":
    main(sys.argv[1])
