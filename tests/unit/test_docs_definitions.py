"""docs/definitions.md names what the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from definition_files import read

from coordinator.domain.control_fields import SCHEDULE_FIELDS
from coordinator.domain.expressions.functions import FUNCTIONS
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.validation import validate
from coordinator.service import spheres

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/definitions.md").read_text()
SHOWING = ("spheres.py", "pipelines.py", "components.py")
EXAMPLES = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
NAMED_BY_UNIT = re.compile(r"(plus|minus)(Minutes|Hours|Days|Weeks|Months|Years|Period)")


def test_every_run_time_field_is_explained():
    """Each @ field that descriptions can show stands in the docs."""
    code = " ".join((ROOT / "coordinator/service" / name).read_text() for name in SHOWING)
    shown = set(re.findall(r'"(@\w+)"', code)) - {"@id", "@accountId", "@userId"}
    assert {name for name in shown if f"`{name}`" not in DOCS} == set()


def test_every_function_is_named():
    """Each function of expressions stands in the docs, by its name or by its unit."""
    for name in FUNCTIONS:
        parts = NAMED_BY_UNIT.fullmatch(name)
        words = [f"{parts[1]}…", parts[2]] if parts else [name]
        assert all(f"`{word}" in DOCS for word in words), name


def test_every_status_is_explained():
    """Each status of an instance stands in the docs."""
    statuses = {*spheres.STATUS_OF_STATE.values(), *spheres.ENDED, spheres.PAUSED, spheres.RUNNING}
    assert all(status in DOCS for status in statuses)


def test_the_number_of_types_is_right():
    """The docs count the object types as the table does."""
    assert f"The {len(OBJECT_TYPES)} object types" in DOCS


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_are_sound(tmp_path, text):
    """Whoever copies one gets neither an error nor a warning."""
    file = tmp_path / "definition.json"
    file.write_text(text)
    assert validate(read(file).objects) == ({}, {})


def test_there_are_examples():
    """Of schedules and of preconditions."""
    assert len(EXAMPLES) >= 2


def test_what_a_schedule_says_is_explained():
    """Each field of a Schedule stands in the docs."""
    assert all(f"`{key}`" in DOCS for key in SCHEDULE_FIELDS)
