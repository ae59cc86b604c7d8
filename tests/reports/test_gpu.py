"""The GPU report, on records that a known model made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archsim.load import load_architecture
from reports.gpu.calibration import calibrated, ceilings
from reports.gpu.fit import fitted_half
from reports.gpu.model import KERNELS, largest_row, peak_flops, predict
from reports.gpu.published import comparisons, published
from reports.gpu.reader import read_records
from reports.gpu.report import gpu_report, reports, unmeasured_report
from reports.gpu.shapes import AttentionShape, decode_shapes, prefill_shapes
from tests.reports.command import Command
from workloads.gpu.records import (
    SCHEMA,
    Cache,
    Device,
    Error,
    Measurement,
    Method,
    Record,
    Shape,
    Software,
    State,
)

H100 = load_architecture("h100-sxm")
TILES = {"P0": 128, "M0": 64}
LENGTHS = (1024, 4096, 8192)
SHAPES = tuple(
    AttentionShape(16384 // n, 16, 16, 128, n, n, is_causal)
    for n in LENGTHS
    for is_causal in (False, True)
)


STATE = State(None, None, None, None)


def measured(
    kernel: str,
    shape: AttentionShape,
    seconds: float,
    counters: dict[str, float] | None = None,
    dtype: str = "fp16",
) -> Measurement:
    """A measurement as the script writes it; its numbers are made up by the test."""
    sizes = (shape.batch, shape.heads, shape.kv_heads, shape.queries, shape.keys)
    return Measurement(
        key=f"{kernel} {shape}",
        kernel=kernel,
        time_utc="2026-01-01T00:00:00Z",
        cascade=None,
        cascade_digest=None,
        source_sha256="",
        tiles=TILES,
        warps=4,
        stages=2,
        grid_order="tile-fastest",
        launches=(),
        tried=(),
        shape=Shape(*sizes, shape.head_dim, shape.head_dim, shape.causal, dtype, 1.0),
        seed=0,
        flop=shape.flops,
        flop_convention="causal halved",
        method=Method("test", Cache.COLD, 1, 1),
        before=STATE,
        after=STATE,
        samples_s=(seconds * 0.5, seconds, seconds * 3),
        error=Error(1, 0.0, 0.0, 1e-3),
        counters=counters or {},
        counters_note="",
        energy=None,
        energy_j=2.0,
    )


def record(
    *measurements: Measurement,
    device: str = "NVIDIA H100 80GB HBM3",
    rates: dict[str, float] | None = None,
) -> Record:
    return Record(
        SCHEMA,
        None,
        False,
        "2026-01-01T00:00:00Z",
        "test",
        Device(device, 132, 80 << 30, 50 << 20, (9, 0), "1", None, 700.0),
        Software("3.11", "2", "3", "2", None, None),
        rates or {},
        (),
        tuple(measurements),
        (),
    )


def written(folder: Path, made_up: Record) -> Path:
    (folder / "made-up.json").write_text(made_up.to_json(), encoding="utf-8")
    return folder


def made(overlap: float, wrong: Callable[[AttentionShape], float] = lambda _: 1.0) -> Record:
    """What kernels would take if the model were right with `overlap`, but for a factor."""
    found = []
    for shape in SHAPES:
        for kernel in ("p1", "p2-recompute", "p3-recompute"):
            known = predict(kernel, shape, H100, TILES)
            counted = {"l2_bytes": known.l2_bytes, "dram_bytes": known.dram_bytes * 1.1}
            found.append(measured(kernel, shape, known.seconds(overlap) * wrong(shape), counted))
        cudnn = predict("p1", shape, H100, TILES).seconds(overlap) / 2
        found.append(measured("sdpa-cudnn", shape, cudnn))
    return record(*found)


class TestFirstCheck:
    @pytest.mark.parametrize(("dim", "expected"), [(64, 495), (128, 660), (256, 792)])
    def test_tensor_and_exponential_time_add_up(self, dim: int, expected: int) -> None:
        # Full waves, and work that a launch is nothing to; a head dim of 256 needs more room
        # for these tiles than there is.
        shape = AttentionShape(132, 8, 8, dim, 16384, 16384)
        roomy = H100.with_parameter("registers.size", "512 KiB")
        roomy = roomy.with_parameter("shared.size", "512 KiB")
        found = predict("p1", shape, roomy, {"P0": 128, "M0": 128})
        assert shape.flops / found.seconds(0) / 1e12 == pytest.approx(expected, rel=0.01)

    def test_the_peak_is_the_specified_one(self) -> None:
        assert peak_flops(H100) / 1e12 == pytest.approx(989.4, abs=0.1)
        assert peak_flops(load_architecture("a100-80")) / 1e12 == pytest.approx(312, abs=0.5)
        assert ceilings(H100)["exp"] == pytest.approx(3.87e12, rel=2e-3)


class TestModel:
    def test_fewer_passes_are_faster(self) -> None:
        shape = AttentionShape(2, 16, 16, 128, 8192, 8192)
        times = {
            name: predict(name, shape, H100).seconds(0)
            for name in KERNELS
            if name not in ("p3-retain", "p1-splitk")
        }
        assert times["p1"] < times["p2-recompute"] < times["p3-recompute"] < times["u3"]
        assert times["u3"] < times["u5"]

    def test_split_k_pays_where_one_sequence_is_decoded(self) -> None:
        shape = AttentionShape(1, 64, 8, 128, 65536, 1)
        split = predict("p1-splitk", shape, H100).seconds(0)
        assert split < 0.5 * predict("p1", shape, H100).seconds(0)

    @pytest.mark.parametrize(("queries", "keys"), [(16, 2048), (32, 1024), (64, 512)])
    def test_rows_end_where_the_registers_do(self, queries: int, keys: int) -> None:
        # 32-bit scores of twice as many keys are all 256 KiB of an SM's registers.
        assert queries * 2 * keys * 4 == 256 * 1024
        assert largest_row(H100, queries, 64) == largest_row(H100, queries, 128) == keys
        double = H100.with_parameter("registers.size", "512 KiB")
        assert largest_row(double, queries, 64) == 2 * keys

    def test_every_shape_is_predicted_or_says_why_not(self) -> None:
        for row in unmeasured_report("h100-sxm").rows:
            assert (row.prediction is None) == bool(row.why)
            if row.kernel == "p1":
                assert row.prediction is not None

    def test_half_of_the_shapes_is_always_the_same_half(self) -> None:
        shapes = [*prefill_shapes(), *decode_shapes()]
        half = fitted_half(shapes)
        assert half == fitted_half(reversed(shapes))
        assert len(half) == -(-len(shapes) // 2)


class TestRates:
    def test_measured_rates_replace_the_preset(self) -> None:
        rates = {"copy": 2.5e12, "l2": 5e12, "gemm": 798e12, "exp": 3e12, "launch": 5e-6}
        found = ceilings(calibrated(H100, rates))
        assert found == pytest.approx(rates)

    def test_a_report_says_which_are_measured(self, tmp_path: Path) -> None:
        rates = {"gemm": 798e12, "another": 1.0}
        folder = written(tmp_path, record(measured("p1", SHAPES[0], 1e-3), rates=rates))
        (found,) = reports(read_records(folder), "h100-sxm")
        sources = {rate.name: rate.source for rate in found.rates}
        assert sources.pop("gemm") == "measured"
        assert set(sources.values()) == {"preset (published)"}
        assert found.peak_flops == peak_flops(H100)  # shares stay those of the specified peak


class TestFit:
    @pytest.mark.parametrize("overlap", [0.0, 0.37, 0.8])
    def test_it_recovers_the_overlap(self, tmp_path: Path, overlap: float) -> None:
        (session,) = read_records(written(tmp_path, made(overlap)))
        found = gpu_report(session)
        assert found.fit is not None
        assert found.overlap == pytest.approx(overlap, abs=1e-3)
        errors = found.errors()
        assert errors.fitted == pytest.approx(0, abs=1e-3)
        assert errors.held_out == pytest.approx(0, abs=1e-3)
        assert found.byte_error("l2") == pytest.approx(0, abs=1e-9)
        assert found.byte_error("dram") == pytest.approx(1 - 1 / 1.1)
        assert all(order.agrees for order in found.orders() if len(order.measured) == 3)

    def test_held_out_errors_are_not_fitted_away(self, tmp_path: Path) -> None:
        half = fitted_half(SHAPES)
        wrong = made(0.5, lambda shape: 1.0 if shape in half else 1.25)
        (session,) = read_records(written(tmp_path, wrong))
        errors = gpu_report(session).errors()
        assert errors.fitted == pytest.approx(0, abs=1e-3)
        assert errors.held_out == pytest.approx(0.2, abs=1e-3)

    def test_without_records_nothing_is_fitted(self) -> None:
        found = unmeasured_report("h200")
        assert found.fit is None
        assert found.overlap == load_architecture("h200").overlap
        assert (found.errors().fitted, found.errors().held_out) == (None, None)


class TestPublished:
    def test_they_are_the_published_ones(self) -> None:
        rows = {
            (one.implementation, one.shape.head_dim, one.shape.keys, one.shape.causal): one
            for one in published()
            if one.source == "fa3"
        }
        assert len(rows) == 48
        assert rows["FlashAttention-3", 128, 16384, False].flops_per_s == 648e12
        assert rows["Triton", 64, 512, True].flops_per_s == 152e12
        assert {one.shape.batch * one.shape.keys for one in rows.values()} == {16384}

    def test_the_model_is_near_the_best_and_above_triton(self) -> None:
        errors = {one.implementation: one for one in comparisons("h100-sxm", 0.0)}
        assert errors["FlashAttention-3"].mean_absolute_error < 0.15
        assert errors["Triton"].mean_error < -0.2


class TestCommand:
    def test_not_measured_yet(self, einfall: Command) -> None:
        done = einfall("gpu", "report", "--device", "a100-80")
        assert (done.code, done.err) == (0, "")
        assert "GPU kernels on a100-80: not measured yet" in done.out
        assert "preset (published)" in done.out
        for line in done.out.splitlines():
            if line.startswith("  B") and " p1 " in line and "predicted" not in line:
                assert "not measured yet" in line

    def test_json_without_records(self, einfall: Command) -> None:
        found = einfall("gpu", "report", "--json").json
        assert found["measured"] is False
        rows = [row for row in found["rows"] if row["kernel"] == "p1"]
        assert rows
        for row in rows:
            assert row["measured"] is False
            assert row["measured_s"] is row["measured_bytes"] is row["error"] is None
            assert row["predicted_s"] > 0
            assert row["predicted_bytes"]["l2"] >= row["predicted_bytes"]["dram"] > 0
        (one,) = found["reports"]
        assert one["errors"] == {"fitted": None, "held_out": None}
        assert one["overlap_source"] == "preset"

    def test_json_with_records(self, einfall: Command, tmp_path: Path) -> None:
        folder = written(tmp_path, made(0.25))
        found = einfall("gpu", "report", "--records", folder, "--json").json
        assert found["measured"] is True
        (one,) = found["reports"]
        assert one["record"] == "made-up"
        assert one["overlap_source"] == "fitted"
        assert one["errors"]["held_out"] == pytest.approx(0, abs=1e-3)
        measured = [row for row in found["rows"] if row["measured"]]
        assert len(measured) == 3 * len(SHAPES)
        for row in measured:
            assert row["predicted_s"] == pytest.approx(row["measured_s"], rel=2e-3)
            assert row["measured_bytes"]["l2"] == pytest.approx(row["predicted_bytes"]["l2"])
            assert row["measured_energy_j"] == pytest.approx(2.0)
            assert row["fitted"] in (True, False)
        assert any(row["measured"] is False for row in found["rows"])  # u3: no record

    def test_tables_and_figures(self, einfall: Command, tmp_path: Path) -> None:
        folder, out = written(tmp_path, made(0.25)), tmp_path / "out"
        done = einfall("gpu", "report", "--records", folder, "--out", out)
        assert "record made-up" in done.out
        assert "fitted on half of the shapes" in done.out
        assert "0.50x" in done.out  # the baseline takes half of p1's time
        names = {path.name for path in out.iterdir()}
        assert names == {"report.json", "roofline-made-up.png", "roofline-made-up.pdf"}

    def test_list(self, einfall: Command) -> None:
        found = einfall("gpu", "list", "--json").json
        assert [row["kernel"] for row in found["kernels"]] == list(KERNELS)
        assert [row["passes"] for row in found["kernels"]] == [3, 3, 3, 3, 2, 2, 1, 1]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (None, "holds no record"),
            ("not json", "not JSON"),
            ('{"schema": 1}', "has no"),
        ],
    )
    def test_bad_records(
        self, einfall: Command, tmp_path: Path, text: str | None, message: str
    ) -> None:
        if text is not None:
            (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        done = einfall("gpu", "report", "--records", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert message in done.err

    def test_a_device_without_a_preset(self, einfall: Command, tmp_path: Path) -> None:
        known = measured("p1", SHAPES[0], 1e-3)
        folder = written(tmp_path, record(known, device="NVIDIA B200"))
        done = einfall("gpu", "report", "--records", folder)
        assert done.code == 2
        assert "no preset for NVIDIA B200" in done.err

    def test_what_does_not_know_gpus_says_so(self, einfall: Command) -> None:
        sizes = ("--shape", "M=256,P=256")
        done = einfall("map", "--cascade", "attention/stable", *sizes, "--arch", "h100-sxm")
        assert (done.code, "does not know the cache l2" in done.err) == (2, True)
        for command in ("schedule", "simulate"):
            done = einfall(command, "--config", "p1", *sizes)
            assert (done.code, "no schedule for tasks" in done.err) == (2, True)

    def test_measuring_without_torch_is_one_message(
        self, einfall: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("reports.gpu.measuring.find_spec", lambda name: None)
        done = einfall("gpu", "measure", "--out", "records", "--budget", "1s")
        assert done.code == 2
        assert "needs torch and triton" in done.err
        assert "einfall[gpu]" in done.err
