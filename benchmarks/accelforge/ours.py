"""Our mapper on one case, given as JSON: `python -m benchmarks.accelforge.ours EXAMPLES '{...}'`.

One process for one case. Prints one line of JSON: energy (J) and latency (s) in AccelForge's
accounting, the CPU seconds of the search alone, and the mapping as a file of AccelForge's.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from archsim.closed_form import closed_form
from archsim.constraints import check_constraints
from archsim.evaluate import evaluate
from archsim.mapping import Policy
from benchmarks.accelforge.cases import Case
from benchmarks.accelforge.problem import problem
from einsum.errors import SpecError
from mapper.accelforge.export import accelforge_yaml
from mapper.chain.search import chain
from mapper.objective import Objective
from mapper.problem import MapProblem


def main(examples: str, text: str) -> None:
    case = Case(**json.loads(text))
    one = problem(case, Path(examples))
    cascade, machine = one.workload.cascade, one.machine
    begun = time.process_time()
    serial = MapProblem(
        cascade,
        one.shapes,
        machine.architecture,
        machine.library,
        Policy.SERIAL,
        constraints=machine.constraints,
    )
    found = chain(serial, Objective[case.objective])
    search_s = time.process_time() - begun
    report = evaluate(cascade, one.shapes, machine.architecture, found.mapping, machine.library)
    mapping, note = "", ""
    try:
        form = closed_form(cascade, one.shapes, machine.architecture, found.mapping)
        check_constraints(form.leaves, cascade, machine.architecture, machine.constraints)
        mapping = accelforge_yaml(found.mapping, one.workload, one.shapes, machine)
    except SpecError as error:
        note = error.message
    print(
        json.dumps(
            {
                "energy_j": report.energy_pj_complete * 1e-12,
                "latency_s": report.latency_s,
                "search_s": search_s,
                "mapping": mapping,
                "note": note,
            }
        )
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SpecError as error:
        sys.exit(str(error))
