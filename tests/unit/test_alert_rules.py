"""Alerts: each says what it is about, has its section of the runbook, fires, and keeps quiet."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from servers import installed

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"
CASES = sorted((FOLDER / "tests").glob("*.yml"))
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
METRIC = re.compile(r"\b(?:coordinator_\w+|up\b)")


def promtool(*arguments):
    """Run promtool; fail with what it says."""
    command = [installed("promtool", "prometheus"), *map(str, arguments)]
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


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(rule):
    """Both give values to all metrics that the alert asks for."""
    asked = set(METRIC.findall(rule["expr"]))
    found = cases(rule["alert"])
    assert sorted(bool(expected) for _, expected in found) == [False, True]
    for given, _ in found:
        assert asked <= given


def test_the_cases_hold():
    """Promtool agrees with every case, texts of the annotations included."""
    promtool("test", "rules", *CASES)


def test_the_configuration():
    """Prometheus and Alertmanager take what is shipped."""
    promtool("check", "config", FOLDER / "prometheus.yml")
    command = [installed("amtool", "prometheus-alertmanager"), "check-config"]
    subprocess.run(
        [*command, ROOT / "deploy/alertmanager/alertmanager.yml"],
        check=True,
        capture_output=True,
        timeout=60,
    )
