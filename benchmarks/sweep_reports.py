"""A hundred thousand designs as HTML, its size and how fast it filters; a million as figures.

Times are those of a wall clock, so they mean something only on a machine that does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.sweeps_end_to_end import FEW, POINTS, SPEC, line, run
from tests.reports.browser import browser, chromium

KINDS = ("pareto", "roofline", "utilization", "tornado", "parallel", "heatmap")
MOVE = """(() => {{
  const input = document.querySelectorAll('#controls input[type=range]')[{place}];
  input.value = Math.round({share} * input.max);
  input.dispatchEvent(new Event('input'));
  return Number(document.documentElement.dataset.filterMs);
}})()"""


def filtered(page: Path, folder: Path) -> list[float]:
    """Milliseconds of some filters, from the first input to the drawn page."""
    with browser(folder) as tab:
        tab.open(page, 1280, 800)
        places = [(place, share) for place in (0, 2, 4) for share in (0.2, 0.5, 0.8, 0.0)]
        return [tab.evaluate(MOVE.format(place=p, share=s)) for p, s in places]


def main() -> None:
    """Print every figure beside its goal."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for points, name in ((FEW, "few"), (POINTS, "many")):
            spec = Path(folder, f"{name}.yaml")
            spec.write_text(SPEC.format(count=points // 10**4), encoding="utf-8")
            sweep = [sys.executable, "-m", "reports", "sweep", spec, "--out", f"{folder}/{name}"]
            subprocess.run(list(map(str, sweep)), check=True, capture_output=True)
        page = Path(folder, "few.html")
        line("100,000 designs as HTML", run("report", f"{folder}/few", "--html", page), 1, "-")
        print(f"{'  its size':<44} {page.stat().st_size / 1e6:8.2f} MB   goal 8")
        if chromium() is None:
            print("  filters: there is no chromium here")
        else:
            slowest = max(filtered(page, Path(folder, "profile")))
            print(f"{'  the slowest of twelve filters':<44} {slowest:8.1f} ms   goal 200")
        for kind in KINDS:
            options = ("plot", f"{folder}/many", "--kind", kind, "--out", f"{folder}/{kind}.png")
            done = run(*options)
            line(f"a million designs, {kind}", done, 1, "-")
        print(f"{'  largest process so far':<44} {done.largest_bytes / 1e9:8.2f} GB   goal 2")


if __name__ == "__main__":
    main()
