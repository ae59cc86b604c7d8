"""`einfall run`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.reports.command import Command

SMALL = ["--shape", "E=4,F=4,M=10,M0=4,P=3"]


def test_summary_of_random_inputs(einfall: Command) -> None:
    title, header, row = einfall("run", "attention/flash2", *SMALL).out.splitlines()
    assert title == "outputs"
    assert header.split() == ["tensor", "shape", "min", "mean", "max", "not", "finite"]
    assert row.split()[:8] == ["AV", "1", "x", "1", "x", "4", "x", "3"]


def test_seed_decides_the_values(einfall: Command) -> None:
    first, again, other = (
        einfall("run", "attention/flash2", *SMALL, "--seed", seed, "--json").json["outputs"]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_given_inputs_are_used_and_results_saved(einfall: Command, tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    x, w = generator.standard_normal((3, 4)), generator.standard_normal((4, 5))
    np.savez(tmp_path / "in.npz", X=x, W=w)
    saved = tmp_path / "out.values"
    done = einfall("run", "layers/matmul", "--inputs", tmp_path / "in.npz", "--save", saved)
    assert done.code == 0
    with np.load(saved) as archive:
        np.testing.assert_allclose(archive["Z"], x @ w)
        np.testing.assert_array_equal(archive["X"], x)
    shown = einfall("run", "layers/matmul", "--inputs", saved, "--json").json
    assert shown["outputs"]["Z"]["shape"] == [3, 5]
    assert shown["outputs"]["Z"]["max"] == pytest.approx((x @ w).max(), rel=1e-12)


def test_precision(einfall: Command) -> None:
    errors = [
        einfall(
            "run", "attention/fusemax", *SMALL, "--check", "attention", "--dtype", name, "--json"
        ).json["max_rel_error"]
        for name in ("float64", "float32")
    ]
    assert errors[0] < 1e-13 < errors[1] < 1e-5


def test_check_that_fails_is_exit_code_1(einfall: Command) -> None:
    wrong = einfall("run", "attention/flash2", *SMALL, "--check", "causal-attention", "--json")
    assert wrong.code == 1
    assert wrong.json["max_rel_error"] > wrong.json["tolerance"]
    assert wrong.err == "error: attention/flash2 is not causal-attention\n"
    close = ["run", "attention/flash2", *SMALL, "--dtype", "float32", "--check", "attention"]
    assert einfall(*close).code == 0
    assert einfall(*close, "--tolerance", "1e-12").code == 1


def test_overflow_is_a_warning_and_no_number_in_json(einfall: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", Q=np.full((1, 1, 64, 2), 1e3), K=np.full((1, 1, 64, 5), 1e3))
    arguments = ["run", "attention/unstable", "--inputs", tmp_path / "in.npz"]
    done = einfall(*arguments, "--json")
    assert done.json["outputs"]["AV"]["not_finite"] == 128
    assert done.json["outputs"]["AV"]["mean"] is None
    assert "warning: overflow encountered in exp\n" in done.err
    assert ".py" not in done.err
    checked = einfall(*arguments, "--json", "--check", "attention")
    assert (checked.code, checked.json["max_rel_error"]) == (1, None)


@pytest.mark.parametrize("content", ["text", "pickle", "one", "cut"])
def test_unreadable_inputs_are_one_message(einfall: Command, tmp_path: Path, content: str) -> None:
    file = tmp_path / "in.npz"
    match content:
        case "text":
            file.write_text("no archive")
        case "pickle":
            np.savez(file, X=np.array([{"a": 1}], dtype=object))
        case "one":
            with file.open("wb") as stream:
                np.save(stream, np.ones(3))
        case _:
            np.savez(file, X=np.ones((100, 100)))
            file.write_bytes(file.read_bytes()[:500])
    done = einfall("run", "layers/matmul", "--shape", "T=2,N=2,K=2", "--inputs", file)
    assert done.code == 2
    assert str(file) in done.err
    assert "numpy.savez" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--inputs", "nowhere.npz"], "cannot read nowhere.npz: No such file or directory"),
        (["--inputs", "/"], "cannot read /: Is a directory"),
        (["--save", "nowhere/out.npz"], "cannot write nowhere/out.npz"),
        (["--check", "atention"], "did you mean attention?"),
        (["--check", "matmul"], "has no input"),
        (["--dtype", "float8"], "float8"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_bad_options_are_one_message(einfall: Command, arguments: list[str], message: str) -> None:
    done = einfall("run", "attention/flash2", *SMALL, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_arrays_that_do_not_fit(einfall: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", X=np.ones((3, 4)), W=np.ones((5, 5)))
    done = einfall("run", "layers/matmul", "--inputs", tmp_path / "in.npz")
    assert done.code == 2
    assert "rank K has size 5 in W and 4 in X" in done.err
    np.savez(tmp_path / "other.npz", Y=np.ones((3, 4)))
    done = einfall("run", "layers/matmul", "--inputs", tmp_path / "other.npz")
    assert done.code == 2
    assert "unknown input Y" in done.err
