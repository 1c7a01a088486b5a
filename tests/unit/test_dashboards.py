"""Dashboards: their JSON is what the code makes, and each panel explains itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
import yaml

GRAFANA = Path(__file__).parents[2] / "deploy/grafana"
DASHBOARDS = [json.loads(path.read_text()) for path in sorted((GRAFANA / "json").glob("*.json"))]
TITLES = [dashboard["title"] for dashboard in DASHBOARDS]
WIDTH = 24
PANELS = [
    pytest.param(panel, id=f"{dashboard['title']}: {panel['title']}")
    for dashboard in DASHBOARDS
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]


def runbooks(dashboard):
    """Return the panels of the row that is the runbook."""
    return dashboard["panels"][-1]["panels"]


def build(folder, *arguments):
    """Run build.py of a copy."""
    command = [sys.executable, "build.py", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def copy(tmp_path):
    """A copy of deploy/ with the parts that the dashboards are made of."""
    shutil.copytree(GRAFANA, tmp_path / "grafana", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(GRAFANA.parent / "runbook.md", tmp_path)
    return tmp_path / "grafana"


def test_the_four():
    """There are four, each with an address and the variables of its own."""
    assert sorted(TITLES) == [
        "Leases",
        "Pipelines and schedules",
        "Redis and HTTP",
        "Worker groups",
    ]
    assert len({dashboard["uid"] for dashboard in DASHBOARDS}) == len(DASHBOARDS)
    for dashboard in DASHBOARDS:
        names = [variable["name"] for variable in dashboard["templating"]["list"]]
        groups = ["group"] if dashboard["title"] == "Worker groups" else []
        assert names == ["datasource", "job", *groups]


def test_what_the_code_makes(copy):
    """The check finds a file that is changed, missing or too many, and building mends it."""
    leases, extra = copy / "json/coordinator-leases.json", copy / "json/extra.json"
    made = leases.read_text()
    assert build(copy, "--check").returncode == 0
    leases.write_text(made.replace("Leases", "Leasing"))
    (copy / "json/coordinator-groups.json").unlink()
    extra.write_text("{}")
    found = build(copy, "--check")
    assert found.returncode == 1
    assert re.findall(r"json/([\w-]+)\.json is not", found.stderr) == [
        "coordinator-groups",
        "coordinator-leases",
        "extra",
    ]
    assert build(copy).returncode == 0
    assert build(copy, "--check").returncode == 0
    assert leases.read_text() == made
    assert not extra.exists()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_explains_itself(panel):
    """It tells what it shows and what to do, has a unit, and asks the chosen data source."""
    told, _, do = panel["description"].partition("\n\n**What to do:** ")
    assert len(told) > 20
    assert len(do) > 10
    for source in [panel, *panel["targets"]]:
        assert source["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    if panel["type"] == "table":
        assert len(panel["fieldConfig"]["overrides"]) == len(panel["targets"])
    else:
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_right_with_several_replicas(panel):
    """Every query is of the chosen job and aggregates over replicas and their workers."""
    for target in panel["targets"]:
        selected = re.findall(r"(?:coordinator_\w+|\bup)(\{[^}]*\})?", target["expr"])
        assert selected
        assert all('job="$job"' in matchers for matchers in selected)
        assert re.match(r"\(*(sum|max|min|avg|count|histogram_quantile)\b", target["expr"])
        rates = re.findall(r"(?:rate|increase)\(coordinator_(\w+)", target["expr"])
        assert all(re.search(r"_(total|bucket|sum|count)$", name) for name in rates)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=TITLES)
def test_the_layout(dashboard):
    """Panels have ids of their own, titles that differ, and fill lines without overlapping."""
    panels = dashboard["panels"] + runbooks(dashboard)
    assert len({panel["id"] for panel in panels}) == len(panels)
    shown = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["title"] for panel in shown}) == len(shown)
    for _, line in groupby(panels, key=lambda panel: panel["gridPos"]["y"]):
        places = [(panel["gridPos"]["x"], panel["gridPos"]["w"]) for panel in line]
        ends = [x + width for x, width in places]
        assert [x for x, _ in places] == [0, *ends[:-1]]
        assert ends[-1] <= WIDTH


def test_every_alert_is_explained_on_one_dashboard():
    """The runbook's sections are on the dashboards, each once."""
    rules = yaml.safe_load((GRAFANA.parent / "prometheus/alerts.yml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]
    explained = [panel["title"] for dashboard in DASHBOARDS for panel in runbooks(dashboard)]
    assert sorted(explained) == sorted(alerts)


def test_the_provisioning():
    """Grafana is told of one Prometheus and its scrape interval, and of the folder."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    scraped = yaml.safe_load((GRAFANA.parent / "prometheus/prometheus.yml").read_text())
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/coordinator.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
