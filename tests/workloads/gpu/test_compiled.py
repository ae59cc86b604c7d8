"""What the compiler makes of the kernels for Hopper (sm_90), without a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the extra einfall[gpu]")
pytest.importorskip("triton", reason="needs the extra einfall[gpu]")

from archsim.load import load_architecture
from reports.gpu.model import largest_row
from workloads.gpu.counts import Kernel

ROOT = Path(__file__).parents[3]

# Products of 64 rows and more are those of a warp group; exponentials are MUFU.EX2.
PRODUCTS = {
    Kernel.U3: {"query_keys": "HGMMA", "probabilities_values": "HGMMA"},
    Kernel.U5: {"query_keys": "HGMMA", "probabilities_values": "HGMMA"},
    Kernel.P3_RETAIN: {"row_on_chip": "HGMMA"},
    Kernel.P3_RECOMPUTE: {"three_pass": "HGMMA"},
    Kernel.P2_RECOMPUTE: {"two_pass": "HGMMA"},
    Kernel.P2_SPILL: {"local_numerators": "HGMMA", "correct": "HGMMA"},
    Kernel.P1: {"online": "HGMMA"},
    Kernel.P1_SPLIT_K: {"partial_results": "HMMA"},
}
EXPONENTIALS = {
    "softmax", "numerators", "row_on_chip", "three_pass", "two_pass", "local_numerators",
    "correct", "online", "partial_results", "combine",
}  # fmt: skip


def case(kernel: Kernel, dim: int, mask: str, dtype: str = "fp16") -> str:
    # Split-K decodes one query, which no mask can hide a key from, or a chunk of 16 under a mask.
    decode = "1,4096,16,128,4,2" if mask == "full" else "16,4096,16,64,4,3"
    sizes = {Kernel.P3_RETAIN: "256,256,64,64,8,1", Kernel.P1_SPLIT_K: decode}
    warps = 4 if dim == 64 else 8
    size = sizes.get(kernel, f"512,512,128,64,{warps},3")
    return f"{kernel.value},{dim},{mask},{size},{dtype}"


# (query tile, key tile, warps): the tiles that the compiler does best with.
RETAINED = {16: (128, 8), 32: (64, 8), 64: (64, 8)}


def retain_case(queries: int, keys: int, warps: int) -> str:
    return f"p3-retain,64,full,{keys},{keys},{queries},{RETAINED[queries][0]},{warps},1,fp16"


BIG_TILES = "p1,128,causal,512,512,128,128,8,3,bf16"


@cache
def compiled() -> dict[str, list[dict[str, Any]]]:
    """All cases, compiled in two processes."""
    cases = [case(k, d, m) for k in Kernel for d, m in ((64, "full"), (128, "causal"))]
    cases.append(BIG_TILES)
    gpu = load_architecture("h100-sxm")
    for queries, (_, warps) in RETAINED.items():
        keys = largest_row(gpu, queries, 64)
        cases.append(retain_case(queries, keys, warps))
        cases += [retain_case(queries, 2 * keys, more) for more in (8, 16)]
    environment = {**os.environ, "TRITON_INTERPRET": "0", "PYTHONPATH": str(ROOT)}
    script = str(Path(__file__).with_name("compile_cases.py"))
    running = [
        subprocess.Popen(
            [sys.executable, script, *cases[part::2]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )
        for part in range(2)
    ]  # fmt: skip
    found = defaultdict(list)
    for process in running:
        out, err = process.communicate(timeout=600)
        assert process.returncode == 0, err[-2000:]
        for line in out.splitlines():
            one = json.loads(line)
            found[one["case"]].append(one)
    return found


def count(one: dict[str, Any], opcode: str) -> int:
    return sum(n for name, n in one["instructions"].items() if name.startswith(opcode))


@pytest.mark.parametrize(("dim", "mask"), [(64, "full"), (128, "causal")])
@pytest.mark.parametrize("kernel", Kernel)
def test_no_spills_and_the_expected_instructions(kernel: Kernel, dim: int, mask: str) -> None:
    steps = compiled()[case(kernel, dim, mask)]
    products = PRODUCTS[kernel]
    assert products.keys() <= {one["name"] for one in steps}
    for one in steps:
        assert one["spill_bytes"] == 0, one["name"]
        assert count(one, "LDL") == count(one, "STL") == 0
        assert one["registers"] <= 255
        assert one["shared_bytes"] <= 227 * 1024
        expected = products.get(one["name"])
        assert (count(one, "HGMMA") > 0) == (expected == "HGMMA"), one["name"]
        assert (count(one, "HMMA") > 0) == (expected == "HMMA"), one["name"]
        assert (count(one, "MUFU.EX2") > 0) == (one["name"] in EXPONENTIALS), one["name"]


def test_p1_keeps_scores_in_registers_between_its_products() -> None:
    """Tiles come by TMA, probabilities go from one product to the next without shared memory."""
    for steps in (compiled()[case(Kernel.P1, 128, "causal")], compiled()[BIG_TILES]):
        (one,) = steps
        assert count(one, "UTMALDG") >= 3
        assert count(one, "LDS") == 0
        assert one["spill_bytes"] == 0


@pytest.mark.parametrize("queries", RETAINED)
def test_p3_retain_ends_where_the_model_says(queries: int) -> None:
    keys = largest_row(load_architecture("h100-sxm"), queries, 64)
    (fits,) = compiled()[retain_case(queries, keys, RETAINED[queries][1])]
    assert fits["spill_bytes"] == 0
    for warps in (8, 16):
        (spills,) = compiled()[retain_case(queries, 2 * keys, warps)]
        assert spills["spill_bytes"] > 0
