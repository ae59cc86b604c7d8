"""The figures of the FuseMax reproduction, on tables filled up from the published rows."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.figures import Frames, figures, style
from reports.figures.bars import Categories, bar_center, by_config
from reports.figures.drawing import BUILDERS
from reports.figures.frames import CONFIGS
from reports.figures.published import published

ROWS = Path(__file__).parents[2] / "reports" / "published"
SCALE = {"BERT": 1.0, "TrXL": 1.3, "T5": 0.7, "XLM": 2.6}
LENGTHS = ("1K", "4K", "16K", "64K", "256K", "1M")
COST = ["dram_traffic_bytes", "latency_s", "energy_pj_complete", "energy_pj_published"]
HEIGHT_IN = {
    "fig06-attention-utilization": 5.2,
    "fig07-einsum-breakdown": 3.6,
    "fig08-attention-speedup": 3.6,
    "fig09-attention-energy": 5.2,
    "fig10-end-to-end-speedup": 3.6,
    "fig11-end-to-end-energy": 5.2,
    "fig12-area-latency": 5.2,
}


def every_point(rows: pd.DataFrame) -> pd.DataFrame:
    """Stand-in for our results: rows where some are published, else BERT's, scaled by model."""
    rows = rows.assign(energy_pj_complete=1.1 * rows["energy_pj_published"])
    bert = rows[rows["model"] == "BERT"]
    known = set(zip(rows["model"], rows["seq_len"], strict=True))
    tables = [rows]
    for model, scale in SCALE.items():
        missing = bert[[(model, length) not in known for length in bert["seq_len"]]].copy()
        missing["model"] = model
        missing[COST] *= scale
        tables.append(missing)
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def frames() -> Frames:
    paper = published()
    bert = paper.pareto[paper.pareto["model"] == "BERT"]
    on_1d = paper.einsum_share.assign(einsum="RNV", unit="array_1d", util=1.0)
    return Frames(
        attention=every_point(paper.attention),
        linear=every_point(paper.linear),
        end_to_end=every_point(paper.end_to_end),
        pareto=pd.concat(
            bert.assign(model=model, latency_s=scale * bert["latency_s"])
            for model, scale in SCALE.items()
        ),
        einsum_share=pd.concat([paper.einsum_share, on_1d.drop_duplicates()]),
    )


@pytest.fixture(scope="module")
def drawn(frames: Frames) -> dict[str, Figure]:
    with style.applied():
        return {name: build(frames, published()) for name, build in BUILDERS.items()}


@pytest.fixture(scope="module")
def written(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return figures(frames, tmp_path_factory.mktemp("drawn") / "figures")


def markers(axes: Axes) -> set[tuple[float, float]]:
    """Where the diamonds are; places and values rounded so that sets can be compared."""
    return {
        rounded(x, y)
        for line in axes.lines
        if line.get_gid() == "published"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def rounded(x: float, y: float) -> tuple[float, float]:
    return round(float(x), 9), round(float(y), 9)


def bar_tops(axes: Axes) -> set[tuple[float, float]]:
    return {
        rounded(bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height())
        for bar in axes.patches
    }


def shown(figure: Figure) -> list[Text]:
    """Every text that is drawn: labels of ticks beyond the limits exist, but are not."""
    beyond = {
        tick.label1
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not low <= tick.get_loc() <= high
    }
    return [
        text
        for text in figure.findobj(Text)
        if text.get_text() and text.get_visible() and text not in beyond
    ]


def centers(frames: Frames) -> Categories:
    return Categories.of(by_config(frames.attention, "latency_s").index)


def at(frames: Frames, config: str, model: str, seq_len: str) -> float:
    return bar_center(centers(frames), (model, seq_len), config)


def csv(name: str) -> Iterator[dict[str, object]]:
    yield from pd.read_csv(ROWS / name).to_dict("records")


# The files


def test_every_figure_is_written_as_png_and_pdf(written: tuple[Path, ...]) -> None:
    assert [path.name for path in written] == [
        f"{name}.{suffix}" for name in HEIGHT_IN for suffix in ("png", "pdf")
    ]
    assert all(path.is_file() for path in written)


def test_pngs_have_the_size_of_a_page_at_200_dpi(written: tuple[Path, ...]) -> None:
    for path in written:
        if path.suffix != ".png":
            continue
        head = path.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        size = struct.unpack(">II", head[16:])
        assert size == (2000, round(200 * HEIGHT_IN[path.stem]))
        assert path.stat().st_size > 20_000


def test_pdfs_embed_truetype_and_name_no_date(written: tuple[Path, ...]) -> None:
    for path in written:
        if path.suffix == ".pdf":
            content = path.read_bytes()
            assert content.startswith(b"%PDF")
            assert b"/FontFile2" in content
            assert b"Date" not in content


def test_same_tables_same_bytes_in_another_process(
    frames: Frames, written: tuple[Path, ...], tmp_path: Path
) -> None:
    given = tmp_path / "frames.pickle"
    given.write_bytes(pickle.dumps(frames))
    code = (
        "import pickle, sys; from pathlib import Path; from reports.figures import figures; "
        "figures(pickle.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(given), str(tmp_path)],
        check=True,
        cwd=ROWS.parents[1],
        env={"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1", "HOME": str(tmp_path)},
    )
    for path in written:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_matplotlib_is_loaded_only_to_draw() -> None:
    code = "import reports.figures, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROWS.parents[1]).returncode == 0


# What can be read


def test_axes_have_labels_and_every_figure_a_title_with_its_number(
    drawn: dict[str, Figure],
) -> None:
    for name, figure in drawn.items():
        assert figure.texts[0].get_text().startswith(f"Figure {int(name[3:5])}. ")
        assert all(axes.get_ylabel() for axes in figure.axes)
        assert figure.axes[-1].get_xlabel()
        entries = [text.get_text() for text in figure.legends[0].get_texts()]
        assert entries[-1] == "Paper, where published"
        assert len(entries) >= 5


def test_units_are_named(drawn: dict[str, Figure]) -> None:
    assert "(% of latency)" in drawn["fig06-attention-utilization"].axes[0].get_ylabel()
    assert "(×)" in drawn["fig08-attention-speedup"].axes[0].get_ylabel()
    pareto = drawn["fig12-area-latency"].axes[0]
    assert "cm²" in pareto.get_xlabel()
    assert "(s)" in pareto.get_ylabel()
    assert pareto.get_xscale() == pareto.get_yscale() == "log"


def test_lengths_stand_at_the_ticks_and_models_below_them(drawn: dict[str, Figure]) -> None:
    for name in ("fig06-attention-utilization", "fig08-attention-speedup"):
        axes = drawn[name].axes[-1]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list(LENGTHS) * len(SCALE)
        assert [text.get_text() for text in axes.texts if text.get_text() in SCALE] == list(SCALE)


def test_no_text_leaves_the_page_and_no_legend_covers_data(drawn: dict[str, Figure]) -> None:
    for name, figure in drawn.items():
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        page = figure.bbox.padded(1)
        for text in shown(figure):
            box = text.get_window_extent(renderer)
            assert page.contains(box.x0, box.y0), (name, text.get_text())
            assert page.contains(box.x1, box.y1), (name, text.get_text())
        legend = figure.legends[0].get_window_extent(renderer)
        assert not any(legend.overlaps(axes.get_window_extent()) for axes in figure.axes), name


def test_colours_of_configurations_differ() -> None:
    assert len({style.CONFIG_COLOUR[config] for config in CONFIGS}) == len(CONFIGS)


# The numbers


def test_utilization_shows_ours_as_bars_and_theirs_as_markers(
    frames: Frames, drawn: dict[str, Figure]
) -> None:
    for axes, column in zip(
        drawn["fig06-attention-utilization"].axes, ("util_1d", "util_2d"), strict=True
    ):
        theirs = {
            rounded(at(frames, row["config"], row["model"], row["seq_len"]), row[column])
            for config in CONFIGS
            for row in csv(f"attention-{config}.csv")
        }
        assert len(theirs) == 9 * len(CONFIGS)
        assert markers(axes) == theirs
        ours = {
            rounded(at(frames, row.config, row.model, row.seq_len), getattr(row, column))
            for row in frames.attention.itertuples()
        }
        assert len(ours) == 24 * len(CONFIGS)
        assert bar_tops(axes) == ours


@pytest.mark.parametrize(
    ("name", "end_to_end"),
    [("fig08-attention-speedup", False), ("fig10-end-to-end-speedup", True)],
)
def test_speedup_is_over_unfused(
    frames: Frames, drawn: dict[str, Figure], name: str, end_to_end: bool
) -> None:
    # The first row of attention-unfused.csv, attention-binding.csv and linear-layers-*.csv.
    unfused, binding, linear = 0.02182357659574468, 0.002013140425531915, 0.0075296680851063835
    extra = linear if end_to_end else 0.0
    expected = rounded(at(frames, "binding", "BERT", "1K"), (unfused + extra) / (binding + extra))
    (axes,) = drawn[name].axes
    assert expected in markers(axes)
    assert expected in bar_tops(axes)
    assert len(markers(axes)) == 9 * 4  # Unfused over itself says nothing.


@pytest.mark.parametrize(
    ("name", "end_to_end"),
    [("fig09-attention-energy", False), ("fig11-end-to-end-energy", True)],
)
def test_energy_is_over_unfused_with_markers_in_the_published_accounting_only(
    frames: Frames, drawn: dict[str, Figure], name: str, end_to_end: bool
) -> None:
    # XLM at 1M: attention, then the linear layers on FLAT's and on FuseMax's architecture.
    binding, unfused = 5.274894234596324e18, 6.322953342410082e18
    on_flat, on_fusemax = 6.095262341535667e16, 5.983810103967914e16
    expected = binding / unfused
    if end_to_end:
        expected = (binding + on_fusemax) / (unfused + on_flat)
    by_paper, complete = drawn[name].axes
    assert rounded(at(frames, "binding", "XLM", "1M"), expected) in markers(by_paper)
    assert len(markers(by_paper)) == 9 * 4
    assert markers(complete) == set()
    assert len(complete.patches) == 24 * len(CONFIGS)


def test_bars_are_ours_also_where_the_paper_differs(frames: Frames) -> None:
    slower = frames.attention.copy()
    slower.loc[slower["config"] == "binding", "latency_s"] *= 2
    with style.applied():
        build = BUILDERS["fig08-attention-speedup"]
        (axes,) = build(replace(frames, attention=slower), published()).axes
    x, speedup = at(frames, "binding", "BERT", "1K"), 0.02182357659574468 / 0.002013140425531915
    assert rounded(x, speedup) in markers(axes)
    assert rounded(x, speedup / 2) in bar_tops(axes)


def test_titles_state_the_mean_of_what_is_drawn(frames: Frames, drawn: dict[str, Figure]) -> None:
    latency = frames.attention.set_index(["config", "model", "seq_len"])["latency_s"]
    mean = (latency["flat"] / latency["binding"]).mean()
    title = drawn["fig08-attention-speedup"].texts[0].get_text()
    assert f"{mean:.2f}× as fast as FLAT (mean of 24 points; paper 6.72×)" in title


def test_breakdown_stacks_the_einsums_of_the_2d_array(drawn: dict[str, Figure]) -> None:
    (axes,) = drawn["fig07-einsum-breakdown"].axes
    assert len(axes.patches) == 6 * 4 * 5
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert ticks == ["FL", "+C", "+A", "+B"] * 6
    # FuseMax and FLAT at 1M tokens are the last and the fourth to last stack: QK and the whole.
    places = axes.get_xticks()
    assert rounded(places[-1], 0.4637156119098834) in markers(axes)
    assert rounded(places[-1], 0.9926412317445941) in markers(axes)
    assert rounded(places[-1], 0.9926412317445941) in bar_tops(axes)
    assert rounded(places[-4], 0.10816711495708227) in bar_tops(axes)


def test_breakdown_drops_no_einsum_that_it_does_not_know(frames: Frames) -> None:
    share = frames.einsum_share.replace({"einsum": {"SLN": "EXP"}})
    with style.applied():
        build = BUILDERS["fig07-einsum-breakdown"]
        figure = build(replace(frames, einsum_share=share), published())
    assert "other" in [text.get_text() for text in figure.legends[0].get_texts()]
    (axes,) = figure.axes
    assert rounded(axes.get_xticks()[-1], 0.9926412317445941) in bar_tops(axes)


def test_area_is_in_cm2_and_published_points_are_marked(
    frames: Frames, drawn: dict[str, Figure]
) -> None:
    (axes,) = drawn["fig12-area-latency"].axes
    theirs = {rounded(row["area_um2"] * 1e-8, row["latency_s"]) for row in csv("pareto.csv")}
    assert len(theirs) == 8
    assert markers(axes) == theirs
    curves = {line.get_label(): line for line in axes.lines if line.get_gid() != "published"}
    assert list(curves) == list(SCALE)
    t5 = frames.pareto[frames.pareto["model"] == "T5"].sort_values("area_um2")
    assert list(curves["T5"].get_ydata()) == list(t5["latency_s"])


def test_one_model_alone_can_be_drawn(frames: Frames) -> None:
    def only(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["model"] == "BERT"].replace({"model": {"BERT": "Mine"}})

    mine = Frames(*(only(getattr(frames, name)) for name in frames.__dataclass_fields__))
    with style.applied():
        for build in BUILDERS.values():
            for axes in build(mine, published()).axes:
                assert markers(axes) == set()
