"""`einfall report`: the page's data, and the page itself in a headless browser."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.sweep.results import open_store
from reports.comparison_stores import point_of
from reports.html.columns import pack
from reports.html.details import chosen_rows
from reports.plots.table import read
from tests.reports.browser import Tab, browser, chromium
from tests.reports.command import Command
from tests.reports.sweep_store import SPEC, make_store

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="there is no chromium here: apt-get install chromium"
)
HOSTILE = SPEC.replace("sweep: small", 'sweep: "</script><script>alert(1)</script><!-- {{data}}"')


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("html"))


@pytest.fixture(scope="module")
def page(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from reports.html.page import page, write_page
    from reports.progress import track

    with open_store(store) as results:
        made = page(results, 20, 2, track)
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(made.text, path)
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def part(text: str, name: str) -> str:
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return found[1]


# The data.


def test_columns_come_back_as_they_were(store: Path) -> None:
    with open_store(store) as results:
        names = ["seq_len", "config", "dram.bandwidth", "latency_s", "energy_pj"]
        table = read(results, names)
    described, blob = pack(table)
    raw = np.frombuffer(zlib.decompress(base64.b64decode(blob)), np.uint8)
    at = 0
    for column in described:
        width = int(str(column["width"]))
        planes = raw[at : at + width * len(table)].reshape(width, len(table))
        at += width * len(table)
        whole = np.ascontiguousarray(planes.T).tobytes()
        name = str(column["name"])
        match column["kind"]:
            case "number":
                assert np.frombuffer(whole, "<u4").tolist() == table.point.tolist()
            case "levels":
                levels: Any = column["levels"]
                codes = np.frombuffer(whole, f"<u{width}")
                assert np.array(levels)[codes].tolist() == table[name].tolist()
            case _:
                assert np.allclose(np.frombuffer(whole, "<f4"), table[name], rtol=1e-6)
    assert at == len(raw)


def test_the_front_is_in_detail_first(store: Path) -> None:
    with open_store(store) as results:
        table = read(results, ["latency_s", "energy_pj", "area_um2"])
    for most in (0, 1, 5, 1000):
        rows, front = chosen_rows(table, ["latency_s", "energy_pj"], most)
        assert len(set(rows.tolist())) == len(rows) <= max(most, 0)
        assert set(front.tolist()) <= set(rows.tolist())
    assert int(np.argmin(table["latency_s"])) in front.tolist() or len(front) > 0


def test_details_are_those_of_an_evaluation(store: Path, page: Path) -> None:
    meta = json.loads(part(page.read_text(), "meta"))
    assert len(meta["details"]) == 20
    number, terms = next(iter(meta["details"].items()))
    with open_store(store) as results:
        report = point_of(results, int(number)).evaluate()
    assert terms["latency_s"] == pytest.approx(report.latency_s, rel=1e-5)
    moved = sum(read_bytes + written for _, read_bytes, written in terms["traffic"])
    assert moved == pytest.approx(report.dram_traffic_bytes)
    assert sum(pj for _, pj in terms["energy"]) == pytest.approx(report.energy_pj_complete, 1e-4)
    falls = [one for one in meta["details"].values() if "waterfall" in one]
    reasons = [one for one in meta["details"].values() if "no_waterfall" in one]
    assert len(falls) + len(reasons) == 2
    assert falls, reasons


def test_the_file_needs_nothing_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)\s*=\s*["\']?(?!data:)', re.sub(r"<script.*", "", text))
    assert "default-src 'none'" in text
    assert "import " not in text.split("use strict")[1].split("{")[0]


def test_names_cannot_break_out(einfall: Command, tmp_path: Path) -> None:
    hostile = make_store(tmp_path, HOSTILE)
    out = tmp_path / "deep" / "x.html"
    options = ("--detailed", 0, "--waterfalls", 0)
    assert einfall("report", hostile, "--html", out, *options).code == 0
    text = out.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert json.loads(part(text, "meta"))["name"].startswith("</script>")
    assert "{{data}}" in text  # as a part of the name, not filled in


def test_what_is_missing_is_said(einfall: Command, store: Path, tmp_path: Path) -> None:
    assert "give --html FILE" in einfall("report", store).err
    assert einfall("report", tmp_path, "--html", tmp_path / "x.html").code == 2


# In the browser.


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("dark", [False, True])
def test_it_opens_without_errors_and_fits(
    tab: Tab, page: Path, width: int, height: int, dark: bool
) -> None:
    tab.requests.clear()
    tab.open(page, width, height, dark=dark)
    assert tab.errors == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert all(url.startswith("file:") for url in tab.requests)
    assert len(tab.requests) == 1
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark


@needs_browser
def test_the_browser_sees_the_numbers_of_the_store(tab: Tab, page: Path, store: Path) -> None:
    tab.open(page, 1280, 800)
    with open_store(store) as results:
        table = read(results, ["latency_s", "energy_pj"])
    seen = tab.evaluate("Array.from(einfall.state.column('latency_s').values)")
    assert np.allclose(seen, table["latency_s"], rtol=1e-6)
    front = tab.evaluate("einfall.state.front.map((row) => einfall.state.designs.point[row])")
    from reports.plots.front import pareto_rows

    expected = pareto_rows([table["latency_s"], table["energy_pj"]])
    ours = {(table["latency_s"][r], table["energy_pj"][r]) for r in expected.tolist()}
    place = {int(point): row for row, point in enumerate(table.point)}
    theirs = {(table["latency_s"][place[p]], table["energy_pj"][place[p]]) for p in front}
    assert theirs == ours


@needs_browser
def test_filters_show_what_they_say(tab: Tab, page: Path, store: Path) -> None:
    tab.open(page, 1280, 800)
    tab.evaluate("document.querySelector('#controls input[name=config][value=\"0\"]').click()")
    with open_store(store) as results:
        codes = read(results, ["config"])["config"]
    assert tab.evaluate("Number(document.documentElement.dataset.shown)") == (codes != 0).sum()
    cells = tab.evaluate(
        "Array.from(document.querySelectorAll('#table tbody td.text'), (c) => c.textContent)"
    )
    assert cells
    assert "flat" not in cells
    tab.evaluate("document.getElementById('reset').click()")
    assert tab.evaluate("einfall.state.count") == len(codes)


@needs_browser
def test_the_table_sorts_both_ways(tab: Tab, page: Path, store: Path) -> None:
    tab.open(page, 1280, 800)
    with open_store(store) as results:
        table = read(results, ["area_um2"])
    heads = "[...document.querySelectorAll('#table th button')]"
    head = f"{heads}.find((button) => button.textContent.startsWith('Chip area'))"
    first = "Number(document.querySelector('#table tbody button').textContent)"
    area = dict(zip(table.point.tolist(), table["area_um2"].tolist(), strict=True))
    tab.evaluate(f"{head}.click()")
    assert area[tab.evaluate(first)] == min(area.values())
    tab.evaluate(f"{head}.click()")
    assert area[tab.evaluate(first)] == max(area.values())


FRONT = (
    "(() => {const p = einfall.plot, r = p.canvas.getBoundingClientRect(),"
    " i = einfall.state.front[0]; return [r.left + p.px[i], r.top + p.py[i], i]})()"
)


@needs_browser
def test_hovering_names_the_design_and_a_click_opens_its_terms(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, 800)
    x, y, row = tab.evaluate(FRONT)
    point = tab.evaluate(f"einfall.state.designs.point[{row}]")
    tab.move(x, y)
    tip = tab.evaluate("document.getElementById('tip').innerText")
    assert "design" in tip
    assert "Configuration" in tip
    tab.click(x, y)
    assert tab.evaluate("Number(document.getElementById('detail').dataset.point)") == point
    said = tab.evaluate("document.getElementById('detail').innerText")
    for heading in ("Waterfall", "DRAM traffic by tensor", "Energy by component"):
        assert heading in said
    assert tab.evaluate("document.querySelectorAll('#detail svg rect').length") > 10


@needs_browser
def test_a_design_without_terms_leads_to_one_with_them(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, 800)
    tab.evaluate(
        "einfall.state.select(Array.from(einfall.state.designs.point)"
        ".findIndex((point) => !(point in einfall.state.designs.meta.details)))"
    )
    assert tab.evaluate("document.getElementById('detail').dataset.exact") == "false"
    tab.evaluate("document.querySelector('#detail button').click()")
    assert tab.evaluate("document.getElementById('detail').dataset.exact") == "true"


@needs_browser
def test_it_works_with_the_keyboard(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, 800)
    tab.evaluate("document.getElementById('canvas').focus()")
    tab.key("ArrowRight")
    tab.key("Enter")
    first = tab.evaluate("einfall.state.selected")
    assert first in tab.evaluate("einfall.state.front")
    reachable = tab.evaluate(
        "[...document.querySelectorAll('input, select, button, summary, canvas')]"
        ".filter((one) => one.tabIndex < 0).length"
    )
    assert reachable == 0
    unnamed = tab.evaluate(
        "[...document.querySelectorAll('input, select')].filter((one) =>"
        " !one.labels.length && !one.ariaLabel).length"
    )
    assert unnamed == 0


@needs_browser
def test_numbers_read_as_in_the_figures(tab: Tab, page: Path, store: Path) -> None:
    from reports.plots.quantity import quantity

    tab.open(page, 1280, 800)
    with open_store(store) as results:
        names = ["latency_s", "energy_pj", "area_um2", "util_2d", "dram_traffic_bytes", "edp_pj_s"]
        names += ["seq_len", "global_buffer.size", "dram.bandwidth", "config"]
        table = read(results, names)
        for name in names:
            values = table[name][:40].tolist()
            ours = [quantity(results.description, name).text(value) for value in values]
            theirs = tab.evaluate(
                f"{json.dumps(values)}.map((v) => textOf(einfall.state.column('{name}'), v))"
            )
            assert theirs == ours, name


@needs_browser
def test_a_hostile_name_is_only_text(tab: Tab, tmp_path: Path, einfall: Command) -> None:
    hostile = make_store(tmp_path, HOSTILE)
    out = tmp_path / "x.html"
    einfall("report", hostile, "--html", out, "--detailed", 0, "--waterfalls", 0)
    tab.open(out, 1280, 800)
    assert tab.evaluate("document.getElementById('title').textContent").startswith("</script>")
    assert tab.evaluate("document.querySelectorAll('script').length") == 2
