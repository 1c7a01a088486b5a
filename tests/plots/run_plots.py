"""What ``make plots`` runs: pictures of the dashboards with the data of a real run.

They are for looking at panels without a Grafana. An eventful run is watched by a real Prometheus,
every panel's queries are asked of it, and a page that lays panels out as Grafana does (`page.js`,
drawn by uPlot) is photographed in Chromium.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from dashboard_queries import DASHBOARDS, filled
from eventful import Eventful
from prometheus_server import Prometheus, Series
from waiting import wait_until

HERE = Path(__file__).parent
SHRINK = ["pngquant", "--force", "--ext", ".png", "--speed", "1", "64"]
STEP = 1.0  # seconds between two points
WIDTH, UNIT = 1400, 38  # px: of the page, and of one unit of a panel's height with the gap below it


def watch(directory: Path, rounds: int) -> list[dict[str, Any]]:
    """Watch an eventful run; return the dashboards, each panel with its series."""
    with Eventful(directory) as run, closing(Prometheus(directory, run.targets)) as prometheus:
        prometheus.start()
        wait_until(lambda: prometheus.query("sum(up) == 2"), 20)
        began = time.time()
        run.begin()
        for _ in range(rounds):
            run.everything()
        span = (began, time.time())
        return [_with_data(prometheus, dashboard, span) for dashboard in DASHBOARDS]


def shoot(dashboard: dict[str, Any], uplot: Path, target: Path) -> None:
    """Photograph a dashboard."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(_page(dashboard, uplot))
        height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"]) * UNIT + 50
        command = [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox"]
        command += ["--hide-scrollbars", f"--window-size={WIDTH},{height}"]
        command += [f"--user-data-dir={folder}/profile", f"--screenshot={target}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    subprocess.run([*SHRINK, str(target)], check=True, timeout=60)


def main(uplot: str, folder: str, rounds: str = "3") -> None:
    """Write a picture of each dashboard into a folder; `uplot` is where its package lies."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        watched = watch(Path(directory), int(rounds))
    for dashboard in watched:
        target = Path(folder).absolute() / f"{dashboard['uid']}.png"
        shoot(dashboard, Path(uplot), target)
        sys.stdout.write(f"{target}: {target.stat().st_size // 1000} kB\n")


def _with_data(
    prometheus: Prometheus, dashboard: dict[str, Any], span: tuple[float, float]
) -> dict[str, Any]:
    panels = [panel for panel in dashboard["panels"] if not panel.get("collapsed")]
    for panel in panels:
        for target in panel.get("targets", []):
            found = prometheus.query_range(filled(target["expr"]), *span, STEP)
            target["series"] = [_named(one, target["legendFormat"]) for one in found]
    return {**dashboard, "panels": panels, "span": [*span, STEP]}


def _named(series: Series, legend: str) -> dict[str, Any]:
    name = re.sub(r"{{(\w+)}}", lambda label: series.labels.get(label[1], ""), legend)
    return {"name": name, "labels": series.labels, "points": series.points}


def _page(dashboard: dict[str, Any], uplot: Path) -> str:
    parts = {
        "css": (uplot / "dist/uPlot.min.css").read_text(),
        "uplot": (uplot / "dist/uPlot.iife.min.js").read_text(),
        "code": (HERE / "page.js").read_text(),
        "data": json.dumps(dashboard).replace("</", "<\\/"),
    }
    page = (HERE / "page.html").read_text()
    return re.sub(r"%(\w+)%", lambda part: parts[part[1]], page)


if __name__ == "__main__":
    main(*sys.argv[1:])
