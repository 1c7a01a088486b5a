"""The queries of the dashboards, with what Grafana would put in for variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "deploy/grafana/json"
DASHBOARDS: list[dict[str, Any]] = [
    json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))
]
# The range of a rate holds several scrapes, and that of a total the whole run.
VARIABLES = {
    "$job": "coordinator",
    "$group": ".*",
    "$__rate_interval": "4s",
    "$__range": "90s",
}
QUERIES = [
    (f"{dashboard['title']}: {panel['title']} {target['refId']}", target["expr"])
    for dashboard in DASHBOARDS
    for panel in dashboard["panels"]
    for target in panel.get("targets", [])
]


def filled(expr: str) -> str:
    """Return a query with all variables filled in."""
    for name, text in VARIABLES.items():
        expr = expr.replace(name, text)
    return expr
