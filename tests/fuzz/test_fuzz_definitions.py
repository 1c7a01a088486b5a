"""Definitions made of known types and fields with odd values: reported, never a breakdown."""

from __future__ import annotations

import time

from definitions import REFERENCES
from fuzzed import fuzzed
from hypothesis import strategies as st

from coordinator.domain.checks import check_fatal
from coordinator.domain.components import compile_components
from coordinator.domain.definitions import (
    Definition,
    Field,
    ParameterAttribute,
    ParameterObject,
    ParameterValue,
    PipelineObject,
)
from coordinator.domain.object_types import ALL_FIELDS, OBJECT_TYPES
from coordinator.domain.secrets import masked_definition, restored
from coordinator.domain.timetable import compile_schedules
from coordinator.domain.validation import MAX_FINDINGS, MAX_MESSAGE, validate
from coordinator.domain.view import DefinitionView
from coordinator.errors import InvalidRequestError
from coordinator.wire.codec import decode, encode
from coordinator.wire.operations import OPERATIONS

SECONDS = 10  # of the processor: such a definition takes a few ms
SECRET = "s3cr3t-of-a-field"
IDS = st.sampled_from(["Default", "a", "b", "c", "s", "p", "é"])
KEYS = st.one_of(
    st.sampled_from(list(ALL_FIELDS)),
    st.sampled_from(["workerGroup", "schedule", "dependsOn", "parent", "scheduleType", "my", "*k"]),
)
TEXTS = st.sampled_from(
    [
        *("1 hour", "15 minutes", "1 month", "ONDEMAND_PERIOD", "0 days", "999999999999 years"),
        *(
            "2026-01-31T08:00:00",
            "2026-13-01T00:00:00",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59",
        ),
        *("true", "FALSE", "cron", "timeseries", "ondemand", "cascade", "none", "0", "1", "-1"),
        *(
            "#{a}",
            "#{b.c}",
            "#{",
            "#{1/0}",
            "#{my + 1}",
            "#{@scheduledStartTime}",
            "#{*k}",
            "*****",
        ),
        *("FIRST_ACTIVATION_DATE_TIME", "s3://b/k", "9" * 18, "nan", "1e400", "", SECRET, "g\n"),
    ]
)
FIELDS = st.one_of(
    st.builds(Field, KEYS, TEXTS),
    st.builds(lambda key, ref: Field(key, ref_value=ref), st.sampled_from(REFERENCES), IDS),
    st.builds(lambda key: Field(key, SECRET), st.sampled_from(["*k", "*password"])),
)
OBJECTS = st.builds(
    lambda id_, kind, fields: PipelineObject(id_, id_, (*kind, *fields)),
    IDS,
    st.sampled_from(list(OBJECT_TYPES)).map(lambda kind: [Field("type", kind)]) | st.just([]),
    st.lists(FIELDS, max_size=7),
)
PARAMETER_IDS = st.sampled_from(["myA", "*myS", "my", "b"])
ATTRIBUTES = st.builds(
    ParameterAttribute,
    st.sampled_from(["type", "default", "allowedValues", "optional", "isArray", "description"]),
    st.sampled_from(["String", "Integer", "Double", "AWS::S3::ObjectKey", "true", "x", "1", ""]),
)
DEFINITIONS = st.builds(
    Definition,
    st.lists(OBJECTS, max_size=6, unique_by=lambda item: item.id).map(tuple),
    st.lists(
        st.builds(ParameterObject, PARAMETER_IDS, st.lists(ATTRIBUTES, max_size=3).map(tuple)),
        max_size=3,
    ).map(tuple),
    st.lists(st.builds(ParameterValue, PARAMETER_IDS, TEXTS), max_size=3).map(tuple),
)
PUT = OPERATIONS["PutPipelineDefinition"]


def findings(definition, active=None):
    """What is wrong with a definition; None if it cannot be stored."""
    began = time.process_time()
    try:
        check_fatal(definition.pipeline_objects)
        found = validate(
            definition.pipeline_objects,
            parameters=definition.parameter_objects,
            values=definition.parameter_values,
            active=active,
        )
    except InvalidRequestError as error:
        assert 1 < len(str(error)) < 700
        return None
    assert time.process_time() - began < SECONDS
    return found


@fuzzed(DEFINITIONS)
def test_a_definition_is_reported_on(definition):
    """By the ids that it has, in sentences that are bounded and without its secrets."""
    found = findings(definition)
    if found is None:
        return
    known = {item.id for item in definition.pipeline_objects}
    known |= {item.id for item in definition.parameter_objects + definition.parameter_values}
    for said in (found.errors, found.warnings):
        assert said.keys() <= known
        for sentences in said.values():
            assert 1 <= len(sentences) <= MAX_FINDINGS
            assert all(1 < len(sentence) <= MAX_MESSAGE for sentence in sentences)
    if not found.errors:
        compiled(definition)


def compiled(definition):
    """Compile what validation let pass, as an activation does; expressions may still stand in it.

    Raises:
        AssertionError: validation had let something pass that cannot be run.
    """
    if any("#{" in (f.string_value or "") for o in definition.pipeline_objects for f in o.fields):
        return  # they are worked out first
    view = DefinitionView(definition.pipeline_objects)
    components = compile_components(
        definition.pipeline_objects, maximum_retries=2, retry_delay_ms=600_000, resource_groups={}
    )
    compile_schedules(view, components, 1)


@fuzzed(DEFINITIONS, DEFINITIONS)
def test_a_change_of_what_runs_is_reported_on(active, definition):
    """Whatever stood there before."""
    if findings(active) is not None:
        findings(definition, active.pipeline_objects)


@fuzzed(DEFINITIONS)
def test_masks_hide_secrets_and_can_be_put_back(definition):
    """Masking twice is masking once; the masks stand for exactly what was stored."""
    masked = masked_definition(definition)
    assert masked_definition(masked) == masked
    secret = [f for o in masked.pipeline_objects for f in o.fields if f.key.startswith("*")]
    assert all(f.string_value in {None, "*****"} for f in secret)
    try:
        assert restored(masked, definition) == definition
    except InvalidRequestError:
        raise AssertionError(masked) from None


@fuzzed(DEFINITIONS)
def test_a_definition_comes_back_over_the_wire(definition):
    """With the members that were put, whether or not it can be stored."""
    members = encode(definition).replace(b"{", b'{"pipelineId":"df-A",', 1)
    request = decode(PUT, members)
    assert request.pipeline_objects == definition.pipeline_objects
    assert request.parameter_objects == definition.parameter_objects
    assert request.parameter_values == definition.parameter_values
