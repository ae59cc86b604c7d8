"""`einfall plot`: figures show what is in the store, say what is missing, and are reproducible."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from mapper.sweep.results import Results, open_store
from reports.comparison_stores import point_of
from reports.figures import style
from reports.plots.drawing import BUILDERS
from reports.plots.energy import best_stacks
from reports.plots.front import pareto_rows
from reports.plots.heatmap import best_rows
from reports.plots.quantity import Measure, Quantity, quantity
from reports.plots.request import Kind, Request
from reports.plots.table import read
from reports.plots.tornado import effects
from tests.reports.command import Command
from tests.reports.sweep_store import make_store

NOTHING_FITS = """\
workload: bert
seq_len: [64K, 256K]
config: binding
parameters:
  global_buffer.size: [1 KiB, 2 KiB]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("plots"))


@pytest.fixture
def results(store: Path) -> Iterator[Results]:
    with open_store(store) as opened:
        yield opened


def drawn(results: Results, request: Request) -> Figure:
    with style.applied():
        figure = BUILDERS[request.kind](results, request)
        FigureCanvasAgg(figure).draw()
    return figure


def title(figure: Figure) -> str:
    return figure.texts[0].get_text()


# Pareto fronts, against the definition.


@pytest.mark.parametrize("goals", [1, 2, 3])
@pytest.mark.parametrize("values", [3, 1000])
def test_the_front_is_what_nothing_dominates(goals: int, values: int) -> None:
    random = np.random.default_rng(goals * values)
    costs = [random.integers(0, values, 150).astype(float) for _ in range(goals)]
    found = pareto_rows(costs).tolist()
    rows = [tuple(column[row] for column in costs) for row in range(150)]
    expected = {
        one
        for one in rows
        if not any(all(a <= b for a, b in zip(o, one, strict=True)) and o != one for o in rows)
    }
    assert [rows[row] for row in found] == sorted(rows[row] for row in found)
    assert len(found) == len(expected)
    assert {rows[row] for row in found} == expected
    assert all(rows.index(rows[row]) == row for row in found)  # the first of equal ones


def test_the_front_in_the_figure_is_that_of_the_store(results: Results) -> None:
    frame = results.frame()
    good = frame[frame["status"] == "done"]
    costs = list(zip(good["area_um2"], good["latency_s"], strict=True))
    best = {c for c in costs if not any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in costs)}
    figure = drawn(results, Request(Kind.PARETO, x="area_um2", y="latency_s"))
    (dots,) = figure.axes[0].collections
    assert {tuple(xy) for xy in np.asarray(dots.get_offsets()).tolist()} == best
    assert f"{len(best):,} of {len(good):,} designs" in title(figure)


def test_what_is_maximised_is_on_the_front_where_it_is_high(results: Results) -> None:
    figure = drawn(results, Request(Kind.PARETO, x="util_2d", y="latency_s"))
    (dots,) = figure.axes[0].collections
    highest = read(results, ["util_2d"])["util_2d"].max()
    assert np.asarray(dots.get_offsets())[:, 0].max() == highest


# What is left out, and what is refused.


def test_designs_that_break_a_constraint_are_left_out(results: Results) -> None:
    table = read(results, ["area_um2"])
    assert 0 < len(table) < results.tally.done
    assert table["area_um2"].max() <= 460e6
    assert len(table) == results.tally.done - results.tally.infeasible


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--x", "latency"), "the sweep has no column latency"),
        (("--x", "workload"), "workload is bert in all of this sweep"),
        (("--x", "array_2d.rows"), "array_2d.rows is a parameter, and a metric belongs here"),
        (("--x", "latency_s", "--y", "latency_s"), "the objectives are latency_s, latency_s"),
        (("--kind", "roofline", "--x", "seq_len"), "--x has no place in a figure of kind roofline"),
        (("--kind", "utilization", "--x", "batch"), "utilization needs batch, and this sweep does"),
        (("--kind", "utilization", "--x", "config"), "config is a name"),
        (("--kind", "heatmap", "--x", "seq_len", "--y", "seq_len"), "both axes are seq_len"),
        (("--kind", "heatmap", "--x", "energy_pj"), "needs a parameter, and energy_pj is a metric"),
        (("--kind", "tornado", "--y", "config"), "config is a parameter"),
        (("--kind", "energy", "--x", "nothing"), "this sweep does not vary it"),
    ],
)
def test_a_column_in_the_wrong_place_is_refused(
    einfall: Command, store: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = einfall("plot", store, *arguments, "--out", tmp_path / "x.png")
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "x.png").exists()


def test_the_refusal_of_a_column_lists_the_valid_ones(
    einfall: Command, store: Path, tmp_path: Path
) -> None:
    done = einfall("plot", store, "--x", "nonsense", "--out", tmp_path / "x.png")
    for name in ("seq_len", "global_buffer.size", "latency_s", "util_useful_macs"):
        assert name in done.err


def test_files_that_are_no_figures_and_stores_that_are_none(
    einfall: Command, store: Path, tmp_path: Path
) -> None:
    assert "formats are .png, .svg, .pdf" in einfall("plot", store, "--out", "x.gif").err
    assert "give --out FILE" in einfall("plot", store).err
    assert einfall("plot", tmp_path, "--out", tmp_path / "x.png").code == 2


def test_a_sweep_where_nothing_fits_says_so(einfall: Command, tmp_path: Path) -> None:
    empty = make_store(tmp_path, NOTHING_FITS)
    for kind in Kind:
        done = einfall("plot", empty, "--kind", kind.value, "--out", tmp_path / "x.png")
        assert done.code == 2
        assert "no design to draw: 0 of 4 are done" in done.err


# Each kind.


@pytest.mark.parametrize("kind", Kind)
def test_equal_stores_give_equal_files(
    einfall: Command, store: Path, tmp_path: Path, kind: Kind
) -> None:
    for suffix in ("svg", "png"):
        files = [tmp_path / f"{number}.{suffix}" for number in (1, 2)]
        for file in files:
            assert einfall("plot", store, "--kind", kind.value, "--out", file).code == 0
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("kind", Kind)
def test_no_text_leaves_the_figure(results: Results, kind: Kind) -> None:
    figure = drawn(results, Request(kind))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.bbox
    texts: list[Text] = [*figure.texts, *(t for one in figure.legends for t in one.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes.title]
    for text in texts:
        extent = text.get_window_extent(canvas.get_renderer())
        if extent.width and extent.height:
            assert extent.x0 >= box.x0 - 1, text.get_text()
            assert extent.x1 <= box.x1 + 1, text.get_text()


def test_the_roofline_is_never_exceeded(results: Results) -> None:
    figure = drawn(results, Request(Kind.ROOFLINE))
    dots = np.concatenate([np.asarray(c.get_offsets()) for c in figure.axes[0].collections])
    assert len(dots) == len(read(results, ["latency_s"]))
    assert (dots[:, 1] <= np.minimum(1.0, dots[:, 0]) * (1 + 1e-9)).all()


def test_utilization_has_the_median_of_every_length(results: Results) -> None:
    figure = drawn(results, Request(Kind.UTILIZATION, colour="config"))
    frame = results.frame()
    good = frame[(frame["status"] == "done") & (frame["config"] == "binding")]
    expected = good.groupby("seq_len")["util_2d"].median()
    line = figure.axes[0].lines[2]
    assert list(line.get_xdata()) == list(expected.index)
    assert np.allclose(np.asarray(line.get_ydata()), expected)


def test_energy_is_that_of_the_best_design_again(results: Results) -> None:
    for stack in best_stacks(results, "seq_len", "energy_pj"):
        table = read(results, ["seq_len", "energy_pj"])
        own = table["energy_pj"][table["seq_len"] == stack.value]
        assert stack.total == pytest.approx(own.min(), rel=1e-9)
        report = point_of(results, stack.point).evaluate()
        assert stack.parts["dram"] == sum(
            one.complete_pj for one in report.energies if one.owner == "dram"
        )


def test_effects_of_a_product_are_its_factors() -> None:
    grid = list(product((1.0, 2.0, 4.0), (10.0, 30.0), (5.0, 6.0)))
    a, b, c = (np.array(column) for column in zip(*grid, strict=True))
    columns = {"a": a, "b": b, "twice b": 2 * b, "c": c, "y": a**2 * b}
    quantities = {name: Quantity(name, name, Measure.NUMBER) for name in columns}
    from reports.plots.table import Table

    table = Table(quantities, columns, np.arange(len(a)), len(a))
    found = effects(table, "y")
    assert [one.parameter for one in found] == ["a", "b, twice b", "c"]
    assert [one.span for one in found] == pytest.approx([16.0, 3.0, 1.0])
    assert (found[0].least_at, found[0].most_at) == ("1", "4")


def test_a_map_has_the_best_of_each_cell(results: Results) -> None:
    table = read(results, ["seq_len", "global_buffer.size", "dram_traffic_bytes"])
    best = best_rows(table, "seq_len", "global_buffer.size", "dram_traffic_bytes")
    assert best.x.labels == ("1K", "4K", "16K")
    assert best.y.labels == ("1 MiB", "4 MiB", "16 MiB")
    for up, across in product(range(3), range(3)):
        own = (best.x.row == across) & (best.y.row == up)
        least = table["dram_traffic_bytes"][own].min()
        assert table["dram_traffic_bytes"][best.row[up, across]] == least


def test_the_winners_of_a_map_are_named(results: Results) -> None:
    request = Request(Kind.HEATMAP, "seq_len", "global_buffer.size", "latency_s", "config")
    figure = drawn(results, request)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["Configuration:", "binding"]


def test_values_have_units(results: Results) -> None:
    described = results.description
    for name, value, text in (
        ("latency_s", 0.0125, "12.5 ms"),
        ("energy_pj", 2.02e12, "2.02 J"),
        ("area_um2", 475.2e6, "475.2 mm²"),
        ("util_2d", 0.991, "99.1 %"),
        ("dram_traffic_bytes", 36 * 2**30, "36 GiB"),
        ("seq_len", 65536, "64K"),
        ("dram.bandwidth", 4e11, "400 GB/s"),
        ("config", 2.0, "binding"),
    ):
        assert quantity(described, name).text(value) == text
