"""Definitions shaped like those that people publish run as they are."""

from __future__ import annotations

import pytest
from definition_files import PUBLIC, read

from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.parameters import resolve
from coordinator.domain.validation import validate

ACCEPTABLE = ("has no effect on demand", "needs a value at activation", "is not declared")


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_a_public_definition_has_no_errors(path):
    """There is nothing to mend in it, and what is warned of is known."""
    file = read(path)
    found = validate(file.objects, parameters=file.parameters, values=file.values)
    assert found.errors == {}
    for sentence in (each for sentences in found.warnings.values() for each in sentences):
        assert any(words in sentence for words in ACCEPTABLE), sentence


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_its_parameters_have_values(path):
    """Defaults and the file's values are all that an activation needs."""
    file = read(path)
    values = resolve(file.parameters, file.values, [])
    assert {parameter.id for parameter in file.parameters} <= set(values)


def test_the_definitions_show_most_of_the_object_types():
    """Few types are in none of the files."""
    used = {item.type for path in PUBLIC for item in read(path).objects}
    assert used - {""} <= set(OBJECT_TYPES)
    assert len(used & set(OBJECT_TYPES)) >= 30
