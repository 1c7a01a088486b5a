"""Definitions shaped like public ones: stored to the letter, and their activities handed out."""

from __future__ import annotations

import copy
import json

import msgspec
import pytest
from definition_files import PUBLIC, read
from pipelines import create, finish, poll, statuses, task_fields
from waiting import wait_until

from coordinator.domain.definitions import Definition
from coordinator.domain.view import DefinitionView

MADE_UP = "s3://example/given"  # for a parameter that the file has no value for
MASK = "*****"
GROUPS = {"EmrCluster": "big machines"}  # as the replica of these tests is set up


def members(file):
    """A definition file as the members of a put."""
    whole = Definition(tuple(file.objects), tuple(file.parameters), tuple(file.values))
    return json.loads(msgspec.json.encode(whole))


def masked(given):
    """The members as they are read back: whatever is a secret's value is the mask."""
    shown = copy.deepcopy(given)
    for each in shown["pipelineObjects"]:
        for field in each["fields"]:
            if field["key"].startswith("*"):
                field["stringValue"] = MASK
    for each in shown["parameterObjects"]:
        for attribute in each["attributes"]:
            if each["id"].startswith("*") and attribute["key"] in {"default", "allowedValues"}:
                attribute["stringValue"] = MASK
    for each in shown["parameterValues"]:
        if each["id"].startswith("*"):
            each["stringValue"] = MASK
    return shown


def groups(file):
    """The worker group of each activity: its own, or that of the resource that it runs on."""
    view = DefinitionView(file.objects)
    found = {}
    for each in view.activities:
        kinds = [view.types[ref] for ref in view.inherited[each.id].refs("runsOn")]
        own = view.inherited[each.id].strings("workerGroup")
        found[each.id] = GROUPS.get(kinds[0], kinds[0]) if kinds else own[0]
    return found


def missing(found):
    """A value for each parameter that a put warned of."""
    return [
        {"id": each["id"], "stringValue": MADE_UP}
        for each in found["validationWarnings"]
        if any("needs a value" in text for text in each["warnings"])
    ]


def ready(api, pipeline):
    """The components that can be polled for."""
    return [name for name, it in statuses(api, pipeline).items() if it == "WAITING_FOR_RUNNER"]


def take(api, pipeline, group):
    """Take the pipeline's next task of a group, in which others may have left some."""
    while (task := poll(api, group))["pipelineId"] != pipeline:
        pass
    return task


def with_preconditions(file, wanted):
    """Add the preconditions that something refers to: they run where the only activity does."""
    view = DefinitionView(file.objects)
    refs = {ref for each in view.inherited.values() for ref in each.refs("precondition")}
    assert len(wanted) == 1 or not refs
    return wanted | {ref: next(iter(wanted.values())) for ref in refs}


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
def test_a_public_definition_runs_unchanged(api, path):
    """It comes back as it was put, and each activity goes to the group of its resource."""
    file, pipeline = read(path), create(api)
    given = members(file)
    found = api.put_pipeline_definition(pipelineId=pipeline, **given)
    assert not found["errored"], found["validationErrors"]
    stored = api.get_pipeline_definition(pipelineId=pipeline)
    assert {key: stored[key] for key in given} == masked(given)
    api.activate_pipeline(pipelineId=pipeline, parameterValues=missing(found))
    wanted, done = with_preconditions(file, groups(file)), {}
    assert set(statuses(api, pipeline)) == set(wanted)
    while names := ready(api, pipeline):
        task = take(api, pipeline, wanted[names[0]])
        fields = task_fields(task)
        done[fields["@componentParent"]] = fields
        assert wanted[fields["@componentParent"]] == wanted[names[0]]
        finish(api, task)
    assert set(done) == set(wanted)
    assert not any("#{" in (value or "") for fields in done.values() for value in fields.values())
    wait_until(lambda: set(statuses(api, pipeline).values()) == {"FINISHED"})
