"""Passes per tensor and rank, and the reasons, for cascades whose counts are known."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from einsum.parser import parse_cascade
from einsum.passes import PassAnalysis, analyse
from tests.einsum import pass_texts as texts


def analysed(text: str, name: str = "test") -> PassAnalysis:
    return analyse(parse_cascade(text, name))


@pytest.mark.parametrize(
    ("text", "most", "passes"),
    [
        (texts.STABLE, 3, "K.M=3 QK.M=3 SN.M=2 A.M=1 V.M=1 Q.E=1 QK.P=1 V.F=1"),
        (texts.STABLE_DEFERRED, 2, "K.M=2 QK.M=2 SN.M=1 V.M=1"),
        (texts.UNSTABLE, 2, "K.M=2 QK.M=2 SN.M=2 A.M=1 V.M=1"),
        (texts.UNSTABLE_DEFERRED, 1, "K.M=1 QK.M=1 SN.M=1"),
        (texts.SIGMOID, 1, "K.M=1 QK.M=1"),
        (texts.TILE_LOCAL, 2, "K.M=2 QK.M=2 SLN.M=2 CF.M=1 LM.M=1 V.M=1"),
        (texts.SPLIT_K, 1, "K.M=1 QK.M=1 SLN.M=1 LM.M=1 SLNV.F=1"),
        (texts.FUSEMAX, 1, "K.M=1 V.M=1 QK.M=1 RM.M=1 RNV.M=1 QK.P=1 RNV.F=1"),
        (texts.FLASH_1, 1, "K.M=1 V.M=1 QK.M=1 RO.M=1"),
        (texts.LINEAR, 1, "K.M=1 V.M=1 Q.E=1 Q.P=1 KV.E=1"),
        (texts.SOFTMAX, 3, "X.N=3 SN.N=2 Y.N=1 X.R=1"),
        (texts.TWO_PASS_SOFTMAX, 2, "X.N=2 XE.N=2 XM.N=2 RE.N=1 RS.N=1"),
        (texts.LOG_SUM_EXP, 2, "X.N=2 SN.N=1"),
        (texts.ONLINE_LOG_SUM_EXP, 1, "X.N=1 RM.N=1 RD.N=1"),
        (texts.LAYER_NORM, 3, "X.N=3 D.N=2 GAIN.N=1"),
        (texts.LAYER_NORM_MOMENTS, 2, "X.N=2"),
        (texts.RMS_NORM, 2, "X.N=2"),
        (texts.VARIANCE, 2, "X.N=2"),
        (texts.WELFORD, 1, "X.N=1 MU.N=1 SS.N=1"),
        (texts.COSINE, 1, "X.N=1 Y.N=1"),
        (texts.MATMUL_CHAIN, 1, "A.J=1 B.J=1 T.K=1 C.K=1"),
        (texts.INDEPENDENT, 1, "A.N=1 B.M=1"),
        # Within one iteration: the next one reads A anew.
        (texts.POWER_ITERATION, 2, "A.N=2 W.N=2 V.I=1 V.N=1 A.K=1"),
        # Queries, keys and (read again, once the scores are known) values are all from X.
        (texts.SELF_ATTENTION, 3, "X.P=3 K.M=3 QK.M=3 X.D=2"),
        (texts.CONVOLUTION, 2, "X.W=2 O.P=2 F.R=1"),
    ],
)
def test_passes(text: str, most: int, passes: str) -> None:
    found = analysed(text)
    expected = {place: int(n) for place, n in (entry.split("=") for entry in passes.split())}
    counts = {f"{t}.{r}": n for t, ranks in found.passes.items() for r, n in ranks.items()}
    assert {place: counts[place] for place in expected} == expected
    assert found.max_passes == most == max(counts.values())


def test_every_tensor_and_every_declared_rank_of_it_is_there() -> None:
    found = analysed(texts.LOG_SUM_EXP)
    assert found.passes == {"X": {"N": 2}, "GM": {}, "SN": {"N": 1}, "SD": {}, "L": {}}
    assert set(analysed(texts.FUSEMAX).passes["QK"]) == {"B", "H", "M", "P"}


def test_traversals_of_one_tile_are_no_passes_over_the_rank() -> None:
    found = analysed(texts.FUSEMAX)
    assert found.tile_passes["QK"] == {"M0": 2}
    assert found.tile_passes["K"] == {"M0": 2}
    assert found.tile_passes["SLN"] == {"M0": 1}
    assert found.tile_passes["RM"] == {"M1": 1}


def test_values_of_tiles_are_traversed_on_their_own() -> None:
    found = analysed(texts.SPLIT_K)
    assert found.tile_passes["LM"] == {"M1": 2}
    assert found.tile_passes["SLD"] == {"M1": 1}
    # GM, then CF and SD, then A: the second pass over M is the third over the tiles' maxima.
    assert analysed(texts.TILE_LOCAL).tile_passes["LM"] == {"M1": 3}


def test_a_later_pass_over_all_tiles_is_a_new_visit_to_each() -> None:
    found = analysed(split(texts.STABLE, "M", "m"))
    assert found.passes["QK"]["M"] == 3
    assert found.tile_passes["QK"] == {"M0": 1}


def split(text: str, rank: str, name: str) -> str:
    """The cascade with `rank` in two partitions, each Einsum over those."""
    text = text.replace(f", {rank}\n", f", {rank} -> ({rank}1, {rank}0)\n", 1)
    lines = text.splitlines()
    return "\n".join(
        line
        if line.startswith(("ranks", "inputs"))
        else line.replace(f"{name}, ", f"{name}1, {name}0, ")
        .replace(f", {name}]", f", {name}1, {name}0]")
        .replace(f"({name})", f"({name}1, {name}0)")
        for line in lines
    )


@pytest.mark.parametrize("text", [texts.STABLE, texts.STABLE_DEFERRED, texts.UNSTABLE])
def test_splitting_a_rank_does_not_change_passes_over_it(text: str) -> None:
    whole, tiled = analysed(text), analysed(split(text, "M", "m"))
    assert "M1" in parse_cascade(split(text, "M", "m")).tensor("QK").ranks
    assert whole.passes == tiled.passes


def test_a_joined_index_is_the_same_walk() -> None:
    text = """
ranks M -> (M1, M0)
inputs X[M1, M0]
LM[m1] = max(m0) X[m1, m0]
GM = max(m1) LM[m1]
SN[m] = exp(X[m] - GM)
SD = SN[m1, m0]
Y[m1, m0] = SN[m1, m0] / SD
"""
    assert analysed(text).passes["X"] == {"M": 3}


def test_reducing_the_outer_partition_alone_ends_no_pass() -> None:
    text = """
ranks M -> (M1, M0)
inputs X[M]
L[m0] = X[m1, m0]
Z[m1, m0] = X[m1, m0] / L[m0]
"""
    assert analysed(text).passes["X"] == {"M": 1}
    assert analysed(text + "S = L[m0]\nY[m] = Z[m] / S\n").passes["X"] == {"M": 2}


def test_an_element_is_not_a_traversal() -> None:
    text = "ranks N\ninputs X[N]\nS = X[n]\nY = S - X[0] + X[N - 1]\nZ[n] = X[n] * X[0]\n"
    assert analysed(text).passes["X"] == {"N": 1}


def test_one_tile_does_not_end_a_pass() -> None:
    text = "ranks N -> (N1, N0)\ninputs X[N1, N0]\nS = X[0, n0]\nY[n1, n0] = X[n1, n0] / S\n"
    assert analysed(text).passes["X"] == {"N": 1}
    assert analysed(text.replace("[0, n0]", "[n1, n0]")).passes["X"] == {"N": 2}


def test_the_running_value_streams_and_its_last_one_does_not() -> None:
    text = """
ranks N
inputs X[N]
R[0] = 0
R[n + 1] = R[n] + X[n]
Y[n] = X[n] / {}
"""
    assert analysed(text.format("R[n + 1]")).max_passes == 1
    assert analysed(text.format("R[n]")).max_passes == 1
    assert analysed(text.format("R[N]")).max_passes == 2
    assert analysed(text.format("R[0]")).max_passes == 1


def test_a_state_used_whole_in_every_iteration() -> None:
    text = """
ranks T, N
inputs U[T, N]
H[0, n] = 0
H[t + 1, n] = H[t, n] + U[t, n]
S[t] = H[t + 1, n]
Y[t, n] = H[t + 1, n] / S[t]
"""
    found = analysed(text)
    assert found.passes["H"] == {"T": 1, "N": 2}
    assert found.passes["U"] == {"T": 1, "N": 2}


def test_reading_the_old_state_after_the_new_one_is_another_pass() -> None:
    text = """
ranks I, N, K
inputs A[N, K], START[N]
V[0, n] = START[n]
V[i + 1, n] = A[n, k] * V[i, k]
D[i, n] = V[i + 1, n] - V[i, n]
"""
    found = analysed(text)
    assert found.passes["V"]["N"] == 2
    (further,) = found.reasons["START"]["N"]
    assert further.chain == ("START", "V", "D")


def test_reasons_name_the_chain_that_forces_each_pass() -> None:
    second, third = analysed(texts.STABLE).reasons["QK"]["M"]
    assert second.reason == (
        "pass 2 over M: SN reads QK again after GM, which needs all of M: QK -> GM -> SN"
    )
    assert (second.einsums, third.einsums) == (("SN", "SD"), ("A", "AV"))
    assert (third.again, third.after) == (("SN",), ("SD",))
    assert third.chain == ("QK", "GM", "SN", "SD", "A")
    (of_keys, _) = analysed(texts.STABLE).reasons["K"]["M"]
    assert of_keys.chain == ("K", "QK", "GM", "SN")
    assert set(analysed(texts.STABLE).reasons) == {"K", "QK", "SN"}


def test_reasons_of_tiles_and_of_several_values() -> None:
    (found,) = analysed(texts.FUSEMAX).reasons["QK"]["M0"]
    assert found.chain == ("QK", "LM", "RM", "SLN")
    (found,) = analysed(texts.LAYER_NORM_MOMENTS).reasons["X"]["N"]
    assert found.reason == (
        "pass 2 over N: Y reads X again after MU and RS, which need all of N: X -> SX -> MU -> Y"
    )


def test_one_pass_has_no_reason() -> None:
    assert analysed(texts.COSINE).reasons == {}
    first = next(f for f in analysed(texts.COSINE).fibers if f.rank == "N").passes[0]
    assert first.reason == ""
    assert first.einsums == ("XY", "XX")


def test_json() -> None:
    found = analysed(texts.STABLE).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["max_passes"] == 3
    assert found["passes"]["QK"] == {"M": 3, "P": 1}
    assert found["footprint"]["QK"] == "M"
    assert found["reasons"]["SN"]["M"] == [
        "pass 2 over M: A reads SN again after SD, which needs all of M: SN -> SD -> A"
    ]
    assert analysed(texts.FUSEMAX).to_json()["tile_passes"]["QK"] == {"M0": 2}


def test_an_analysis_is_a_value() -> None:
    found = analysed(texts.FUSEMAX)
    assert found == analysed(texts.FUSEMAX)
    assert hash(found) == hash(analysed(texts.FUSEMAX))
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("name", ["stable", "tile_local", "fusemax", "layer_norm"])
def test_tables(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"passes/{name}.txt", f"{analysed(getattr(texts, name.upper()), name)}\n")


def test_the_manual_shows_what_the_analysis_prints() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "passes.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```cascade\n(.*?)```\n\n```text\n(.*?)\n```", manual, re.DOTALL)
    assert len(blocks) == 3
    for text, table in blocks:
        assert str(analysed(text)) == table
