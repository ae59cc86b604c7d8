from pathlib import Path

import pytest

from einsum.errors import SpecError
from einsum.parser import parse_cascade
from workloads.library import cascade_names, load_cascade


@pytest.mark.parametrize("name", cascade_names())
def test_a_shipped_cascade_is_called_what_its_file_is(name: str) -> None:
    assert load_cascade(name).name == name


@pytest.mark.parametrize("name", cascade_names())
def test_a_shipped_cascade_says_what_it_is(name: str) -> None:
    assert "pass" in load_cascade(name).description or name.startswith("layers/")
    assert load_cascade(name).description


@pytest.mark.parametrize("name", cascade_names())
def test_text_of_a_shipped_cascade_parses_back(name: str) -> None:
    cascade = load_cascade(name)
    assert parse_cascade(str(cascade), name) == cascade


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.cascade"
    path.write_text("ranks M\ninputs X[M]\nS = X[m]\n", encoding="utf-8")
    assert load_cascade(path) == load_cascade(str(path))
    assert load_cascade(path).name == "mine"


def test_an_error_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.cascade"
    path.write_text("ranks M\ninputs X[N]\nS = X[m]\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"mine\.cascade:2:"):
        load_cascade(path)


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(SpecError, match=r"did you mean attention/fusemax\?"):
        load_cascade("attention/fusmax")


@pytest.mark.parametrize("name", ["absent.cascade", "no/such/file.cascade", "."])
def test_a_missing_file_is_one_error(name: str) -> None:
    with pytest.raises(SpecError, match=r"no file|cannot read"):
        load_cascade(name)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.cascade"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not a text in UTF-8"):
        load_cascade(path)
