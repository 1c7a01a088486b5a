"""Alerts: each says what it is about, has its section of the runbook, fires, and keeps quiet."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from servers import installed

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"
ROUTES = ROOT / "deploy/alertmanager/alertmanager.yml"
WATCHING = ROOT / "docs/watching.md"
CASES = sorted((FOLDER / "tests").glob("*.yml"))
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
QUOTED = re.compile(r'"([^"]+)"')
METRIC = re.compile(r"\b(?:coordinator_\w+|haproxy_\w+|up\b)")


def run(program, package, *arguments):
    """Run a program of a Debian package; fail with what it says."""
    command = [installed(program, package), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def sections():
    """Return the sections about alerts of the runbook, by heading."""
    text = (ROOT / "deploy/runbook.md").read_text().partition("\n## Alerts\n")[2]
    return dict(re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE))


def cases(alert):
    """Return the cases of an alert: its names of metrics in the input, and what is expected."""
    found = []
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            given = {
                metric for row in case["input_series"] for metric in METRIC.findall(row["series"])
            }
            found += [
                (given, test["exp_alerts"])
                for test in case["alert_rule_test"]
                if test["alertname"] == alert
            ]
    return found


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_what_an_alert_says(rule):
    """It has a severity, and each annotation; its runbook_url is a heading that is there."""
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (ROOT / file).is_file()
    assert anchor == rule["alert"].lower()
    assert all(rule["annotations"].values())


def test_the_runbook_has_a_section_for_each_alert():
    """Sections and alerts are the same, and each says what it means, where to look, what to do."""
    assert sorted(sections()) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    for text in sections().values():
        assert re.findall(r"^\*\*(\w+):\*\* ", text, re.MULTILINE) == ["Means", "Look", "Do"]


def test_the_panels_that_the_runbook_names():
    """What it quotes are titles of panels."""
    files = (ROOT / "deploy/grafana/json").glob("*.json")
    panels = [panel for path in files for panel in json.loads(path.read_text())["panels"]]
    titles = {panel["title"] for panel in panels}
    quoted = {" ".join(one.split()) for text in sections().values() for one in QUOTED.findall(text)}
    assert len(quoted) > 10
    assert quoted <= titles


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(rule):
    """Both give values to all metrics that the alert asks for."""
    asked = set(METRIC.findall(rule["expr"]))
    found = cases(rule["alert"])
    assert {bool(expected) for _, expected in found} == {False, True}
    for given, _ in found:
        assert asked <= given


def test_the_cases_hold():
    """Promtool agrees with every case, texts of the annotations included."""
    run("promtool", "prometheus", "test", "rules", *CASES)


def test_the_configuration():
    """Prometheus and Alertmanager take what is shipped."""
    run("promtool", "prometheus", "check", "config", FOLDER / "prometheus.yml")
    run("amtool", "prometheus-alertmanager", "check-config", ROUTES)


def test_the_receiver_of_the_documentation(tmp_path):
    """What docs/watching.md puts in place of the receivers is taken by Alertmanager."""
    (shown,) = re.findall(r"^```yaml\n(.*?)```", WATCHING.read_text(), re.DOTALL | re.MULTILINE)
    config = yaml.safe_load(ROUTES.read_text())
    names = [receiver["name"] for receiver in config["receivers"]]
    config |= yaml.safe_load(shown)
    assert [receiver["name"] for receiver in config["receivers"]] == names
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))
    run("amtool", "prometheus-alertmanager", "check-config", tmp_path / "alertmanager.yml")


def test_the_dashboards_of_the_documentation():
    """docs/watching.md names the dashboards that there are."""
    shown = re.findall(r"^\| \*(.*?)\* \|", WATCHING.read_text(), re.MULTILINE)
    files = (ROOT / "deploy/grafana/json").glob("*.json")
    assert sorted(shown) == sorted(json.loads(path.read_text())["title"] for path in files)
