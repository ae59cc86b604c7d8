"""Tools, builds and lint: what is missing or wrong is said in one message."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from einsum.errors import SpecError
from rtl.build import Design, build, listed_sources, run
from rtl.formats import RTL_FORMATS
from rtl.lint import lint
from rtl.object_cache import main as object_cache
from rtl.toolchain import cache_folder, toolchain

BROKEN = (
    "module broken (input logic a_i, output logic [1:0] b_o);\n  assign b_o = a_i;\nendmodule\n"
)


@pytest.mark.parametrize("missing", ["c++", "make", "perl"])
def test_missing_tools_are_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"c++", "g++", "clang++"} if missing == "c++" else {missing}
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name in gone else found(name))
    with pytest.raises(SpecError, match=r"RTL needs .*" + missing.replace("+", r"\+")):
        toolchain.__wrapped__()


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtl.toolchain.find_spec", lambda _: None)
    with pytest.raises(SpecError, match=r"einfall\[rtl\]"):
        toolchain.__wrapped__()


def test_a_cache_folder_with_a_space_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EINFALL_CACHE", "/some where")
    with pytest.raises(SpecError, match="EINFALL_CACHE"):
        cache_folder()


def test_a_design_takes_only_the_files_that_it_needs() -> None:
    names = [path.name for path in Design("pe_exp").files]
    assert names == ["fp_pkg.sv", "pe_mac.sv", "pe_exp.sv"]


def test_a_second_build_is_the_first(tmp_path: Path) -> None:
    design = Design("pe_max", (("Format", 1),))
    first, second = build(design), build(design)
    assert second.seconds == 0.0
    assert first.folder == second.folder
    own = tmp_path / "pe_max.sv"
    own.write_text(
        design.files[-1].read_text(encoding="utf-8") + "\n// changed\n", encoding="utf-8"
    )
    assert build(Design("pe_max", (("Format", 1),), sources=(own,))).folder != first.folder


def test_a_build_that_fails_shows_its_errors(tmp_path: Path) -> None:
    wrong = tmp_path / "pe_max.sv"
    wrong.write_text(
        "module pe_max (input logic a_i);\n  assign b = \nendmodule\n", encoding="utf-8"
    )
    with pytest.raises(SpecError, match=r"pe_max\.sv:3.*syntax error"):
        build(Design("pe_max", sources=(wrong,)))


def test_a_simulation_that_an_assertion_stops_is_a_failure(tmp_path: Path) -> None:
    original = Design("pe_max").files[-1].read_text(encoding="utf-8")
    broken = tmp_path / "pe_max.sv"
    text = original.replace("if (en_i) max_d", "if (!en_i) max_d")
    broken.write_text(text, encoding="utf-8")
    built = build(Design("pe_max", (("Format", 1),), sources=(broken,)))
    verdict = run(built, "rtl.tests.handshake_bench", tmp_path / "run", tests="pe_max")
    assert text != original
    assert not verdict.passed
    assert verdict.failures


def test_the_sources_have_no_warnings() -> None:
    results = lint()
    assert [message for result in results for message in result.messages] == []
    assert {result.module for result in results} >= {"pe_mac", "pe_max", "pe_exp"}
    assert {result.format for result in results if result.module == "pe_mac"} == set(RTL_FORMATS)
    assert all(path.exists() for path in listed_sources())


def test_lint_finds_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "broken.sv"
    file.write_text(BROKEN, encoding="utf-8")
    (result,) = lint((file,))
    assert "WIDTHEXPAND" in result.messages[0]


def test_objects_of_the_runtime_are_compiled_once(tmp_path: Path) -> None:
    source = tmp_path / "verilated_fake.cpp"
    source.write_text("int fake() { return 1; }\n", encoding="utf-8")
    compiler = str(toolchain().compiler)
    for name in ("one.o", "two.o"):
        command = [compiler, "-c", "-o", str(tmp_path / name), str(source)]
        assert object_cache([str(tmp_path / "objects"), *command]) == 0
    assert (tmp_path / "one.o").read_bytes() == (tmp_path / "two.o").read_bytes()
    assert len(list((tmp_path / "objects").iterdir())) == 1
    source.write_text("this is no C++\n", encoding="utf-8")
    command = [compiler, "-c", "-o", str(tmp_path / "three.o"), str(source)]
    assert object_cache([str(tmp_path / "objects"), *command]) != 0
