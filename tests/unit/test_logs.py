"""Log lines have one shape, whoever speaks, and nothing in them that was not meant for a log."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys, warnings
from coordinator import config
from coordinator.commands.logs import log_to_stderr
log_to_stderr(config.load(log_format=sys.argv[1], log_level=sys.argv[2]))
for name in ("coordinator.timers", "coordinator.audit", "httpx"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)("%s of a\\nlog", level, extra={"port": 1})
warnings.warn("old", stacklevel=1)
hidden = "hunter" + "2"
try:
    {}[0]
except KeyError:
    logging.getLogger("coordinator").exception("it broke")
"""
SHAPE = re.compile(r"(?P<timestamp>\S+) \[(?P<level>\w+) *\] (?P<event>.*) \[(?P<logger>[\w.]+)\]")


def written(form, level="info"):
    """Return what the program logs."""
    command = [sys.executable, "-c", PROGRAM, form, level]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    return ran.stderr


def parsed(form, level="info"):
    """Return its lines without the traceback."""
    lines = written(form, level).splitlines()
    if form == "json":
        return [json.loads(line) for line in lines]
    return [found.groupdict() for line in lines if (found := SHAPE.match(line))]


@pytest.mark.parametrize("form", ["console", "json"])
def test_every_line_has_one_shape(form):
    """Time in UTC, level, logger, event: ours, those of libraries, and warnings of Python."""
    lines = parsed(form)
    assert len(lines) == 3 + 3 + 2 + 1 + 1
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
        assert line["level"] in {"info", "warning", "error"}
    assert {line["logger"] for line in lines} == {
        "coordinator",
        "coordinator.timers",
        "coordinator.audit",
        "httpx",
        "py.warnings",
    }
    if form == "json":
        assert [*lines[0]] == ["timestamp", "level", "logger", "event", "port"]


@pytest.mark.parametrize(("level", "ours", "theirs"), [("debug", 4, 2), ("error", 1, 1)])
def test_levels(level, ours, theirs):
    """Libraries speak from warnings on; the audit trail always does."""
    names = [line["logger"] for line in parsed("json", level)]
    assert names.count("coordinator.timers") == ours
    assert names.count("httpx") == theirs
    assert names.count("coordinator.audit") == 3


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_has_no_values(form):
    """Variables may hold secrets."""
    text = written(form)
    assert "KeyError: 0" in text
    assert "Traceback (most recent call last)" in text
    assert "hunter2" not in text


def test_a_text_begins_no_line():
    """What came from outside could look like a line of ours."""
    assert "\nlog" not in written("console")
    assert "error of a\\x0alog" in written("console")
