"""The command line as a whole: help, exit codes, pipes, start-up."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reports.progress import Track
from tests.reports.command import Command

ROOT = Path(__file__).parents[2]
COMMANDS = ("passes", "run", "evaluate", "list", "show", "reproduce")
RUN = [sys.executable, "-c", "from reports.cli import main; main()"]


def test_version(einfall: Command) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert einfall("--version").out == f"einfall {project['version']}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(einfall: Command, command: str) -> None:
    assert f"\n  {command} " in einfall("--help").out
    shown = einfall(command, "-h")
    assert shown.code == 0
    assert f"    einfall {command} " in shown.out


@pytest.mark.parametrize("arguments", [["--help"], ["evaluate", "--help"], ["--version"]])
def test_starting_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom reports.cli import main\n"
        "try: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert not loaded & {"numpy", "pandas", "matplotlib", "networkx", "scipy", "yaml", "ortools"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["passes", "attention/flsh2"], "did you mean attention/flash2?"),
        (["passes", "nowhere.cascade"], "no file nowhere.cascade"),
        (["passes"], "give either a CASCADE or --taxonomy"),
        (["passes", "attention/flash2", "--taxonomy"], "give either a CASCADE or --taxonomy"),
        (["passes", "attention/flash2", "--shape", "X=4"], "unknown rank X"),
        (["passes", "attention/flash2", "--shape", "M=-4"], "rank M: '-4' is not a size"),
        (["passes", "attention/stable", "--shape", "E=4"], "no size for M"),
        (["run", "attention/flash2", "--shape", "P=4"], "no size for"),
        (["run", "attention/flash2", "--shape", "M=64K,P=64K"], "GiB"),
        (["show", "arch", "fusemax"], "did you mean fusemax-cloud?"),
        (["show", "mapping", "fusemx"], "did you mean fusemax?"),
        (["show", "model", "Lama-2-7B"], "did you mean Llama-2-7B?"),
        (["show", "components", "no.yaml"], "no library no.yaml"),
        (["list", "cats"], "'cascades', 'architectures'"),
        (["list", "cascades", "--yaml"], "--yaml"),
        (["repoduce"], "repoduce"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    einfall: Command, arguments: list[str], message: str
) -> None:
    done = einfall(*arguments)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""


def test_error_in_a_file_is_shown_with_a_caret(einfall: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.cascade"
    file.write_text("ranks M\ninputs X[M]\n\nY[m] = exq(X[m])\n")
    done = einfall("passes", file)
    assert done.code == 2
    assert done.err.startswith(f"{file}:4:8\nerror: ")
    assert "   4 | Y[m] = exq(X[m])\n     |        ^^^" in done.err
    assert "did you mean exp?" in done.err


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (MemoryError("no 8 GiB"), 2, "error: not enough memory: no 8 GiB\n"),
        (PermissionError(13, "Permission denied", "/x"), 2, "error: /x: Permission denied\n"),
    ],
)
def test_what_stops_a_command_is_a_message(
    einfall: Command,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    code: int,
    message: str,
) -> None:
    def stopped(name: str) -> None:
        raise raised

    monkeypatch.setattr("workloads.library.load_cascade", stopped)
    done = einfall("passes", "attention/flash2")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(message)


def test_reproduce_passes_its_options_on(
    einfall: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = []

    def reproduced(out: Path, figures: bool, track: Track) -> str:
        given.append((out, figures, list(track([1, 2], "points"))))
        return "a summary"

    monkeypatch.setattr("reports.fusemax.reproduce", reproduced)
    assert einfall("reproduce", "fusemax", "--out", tmp_path / "new").out == "a summary\n"
    einfall("reproduce", "fusemax", "--out", tmp_path, "--no-figures")
    assert given == [(tmp_path / "new", True, [1, 2]), (tmp_path, False, [1, 2])]
    assert (tmp_path / "new").is_dir()
    (tmp_path / "taken").touch()
    done = einfall("reproduce", "fusemax", "--out", tmp_path / "taken")
    assert (done.code, done.err) == (2, f"error: {tmp_path / 'taken'}: File exists\n")


@pytest.mark.parametrize("arguments", [["list", "cascades"], ["--help"]])
def test_a_reader_that_stops_early_is_no_error(arguments: list[str]) -> None:
    running = subprocess.Popen(
        [*RUN, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait() == 1


def on_terminal(*arguments: str, columns: int, **environment: str) -> str:
    """What the command writes to a terminal that is `columns` wide."""
    ours, theirs = pty.openpty()
    settings = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    if "NO_COLOR" not in environment:
        settings.pop("NO_COLOR", None)
    with subprocess.Popen([*RUN, *arguments], cwd=ROOT, stdout=theirs, env=settings) as running:
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # Linux: the other end is closed
                chunk = b""
            if not chunk:
                break
            written += chunk
        assert running.wait() == 0
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def test_terminal_gets_styles_within_its_width() -> None:
    written = on_terminal("list", "models", columns=60)
    assert "\x1b[" in written
    plain = re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert max(map(len, plain.splitlines())) <= 60


def test_no_color_and_pipes_are_plain_and_never_cut(einfall: Command) -> None:
    piped = einfall("list", "models").out
    assert "\x1b" not in piped
    assert max(map(len, piped.splitlines())) > 100
    assert on_terminal("list", "models", columns=60, NO_COLOR="1") == piped
