"""What validation finds in the fields that an object's type has."""

from __future__ import annotations

import sys

import pytest
from definitions import activity, thing

from coordinator.domain.components import compile_components
from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.object_types import OBJECT_TYPES
from coordinator.domain.spelling import MAX_GUESSES
from coordinator.domain.validation import validate

OWN = "; a field of your own has a name like 'myField'."
NODE = thing("d", "S3DataNode", filePath="s3://b/k")
START = "INVALID_FIELD_VALUE:  'startDateTime' value must be a literal datetime value."


def schedule(**fields):
    """A Schedule called s; a field given as None is left out."""
    given = {"period": "1 day", "startAt": "FIRST_ACTIVATION_DATE_TIME"} | fields
    return thing("s", "Schedule", **{k: v for k, v in given.items() if v is not None})


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (activity("a", command=[]), ["ShellCommandActivity needs 'command' or 'scriptUri'."]),
        (activity("a", command=[], scriptUri="s3://b/k"), []),
        (activity("a", command=[], **{"*command": "true"}), []),
        (activity("a", command="=#{myCommand}", myCommand="true"), []),
        (thing("a", "S3DataNode"), ["needs 'directoryPath', 'filePath' or 'mani"]),
        (thing("a", "HttpProxy"), ["HttpProxy needs 'hostname'.", "HttpProxy needs 'port'."]),
        (thing("a", "HttpProxy", hostname="h", port="1"), []),
        (thing("a", "RdsDatabase", rdsInstanceId="i", username="u"), ["needs '*password'"]),
        (
            thing("a", "RdsDatabase", rdsInstanceId="i", username="u", **{"*password": "p"}),
            [],
        ),
        (thing("a", "SnsAlarm", subject="s", message="m", topicArn="t"), []),
        (thing("Default", "SnsAlarm"), []),
        (thing("a", "MachineOfOurOwn"), []),
    ],
)
def test_an_object_has_what_its_type_needs(item, errors):
    """Each field that is lacking is named, unless the object can do without."""
    assert_sentences(validate([item]).errors, item.id, errors)


def test_what_is_needed_may_be_inherited():
    """A parent's fields count as the object's own."""
    base = thing("base", command="true")
    assert validate([base, activity("a", command=[], parent="base")]).errors == {}


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (schedule(), []),
        (schedule(period="2 months"), []),
        (schedule(period="#{myPeriod}", myPeriod="1 day"), []),
        (schedule(period="hourly"), ["'period' must be a number and a unit, such as"]),
        (schedule(period="0 days"), ["'period' must be longer than nothing."]),
        (schedule(period="4 years"), ["'period' must be at most three years."]),
        (schedule(startAt="NOW"), ["'startAt' must be 'FIRST_ACTIVATION_DATE_TIME' or 'ONDEMAND"]),
        (schedule(startAt=None), ["Schedule needs 'startDateTime' or 'startAt'."]),
        (schedule(startAt=None, startDateTime="2026-02-28T23:59:59"), []),
        (schedule(startAt=None, startDateTime="#{myStart}", myStart="2026-02-28T00:00:00"), []),
        (schedule(startAt=None, startDateTime="2026-02-30T00:00:00"), [START]),
        (schedule(startAt=None, startDateTime="2026-02-28"), [START]),
        (schedule(endDateTime="2026-02-28T24:00:01"), ["'endDateTime' must be a time in UTC such"]),
        (schedule(occurrences="3"), []),
        (schedule(occurrences="0"), ["'occurrences' must be a whole number from 1."]),
        (activity("s", stage="True"), []),
        (activity("s", stage="yes"), ["'stage' must be 'true' or 'false'."]),
        (activity("s", failureAndRerunMode="CASCADE"), []),
        (activity("s", failureAndRerunMode="on"), ["'failureAndRerunMode' must be 'none' or 'cas"]),
        (activity("s", scheduleType="OnDemand"), []),
        (activity("s", scheduleType="daily"), ["must be 'cron', 'ondemand' or 'timeseries'."]),
        (activity("s", maxActiveInstances="5"), []),
        (activity("s", maxActiveInstances="0"), ["must be a whole number from 1 to 1000."]),
        (activity("s", maxActiveInstances=["1", "2"]), ["'maxActiveInstances' is given 2 times."]),
        (activity("s", maximumRetries="#{myRetries}", myRetries="3"), []),
        (activity("s", lateAfterTimeout="1 month"), ["since a month has no fixed length."]),
        (thing("s", "EmrCluster", coreInstanceCount="3", terminateAfter="1 Month"), []),
        (thing("s", "EmrCluster", coreInstanceCount="few"), ["must be a whole number."]),
        (thing("s", "DynamoDBDataNode", tableName="t", readThroughputPercent="0.25"), []),
        (thing("s", "DynamoDBDataNode", tableName="t", readThroughputPercent="nan"), ["'0.25'"]),
        (thing("s", "S3DataNode", filePath="f", compression="GZIP"), []),
        (thing("s", "S3DataNode", filePath="f", compression="zip"), ["must be 'none' or 'gzip'."]),
        (thing("Default", stage="maybe"), ["'stage' must be 'true' or 'false'."]),
        (thing("s", "ActivityOfOurs", stage="maybe"), []),
        (thing("s", "ActivityOfOurs", retryDelay="soon"), ["'retryDelay' must be a number and"]),
    ],
)
def test_values_are_what_their_field_can_have(item, errors):
    """What cannot be read is an error; what has an expression is left for later."""
    assert_sentences(validate([item]).errors, item.id, errors)


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (activity("a", input="=d"), ["'input' must be a reference, not a string."]),
        (activity("a", onFail="=d"), ["'onFail' must be a reference, not a string."]),
        (activity("a", myInput="d"), []),
        (thing("a", "CopyOfOursActivity", workerGroup="g", input="=d"), []),
        (
            PipelineObject("a", "a", (*activity("a").fields, Field("stdout", ref_value="d"))),
            ["'stdout' must be a string, not a reference."],
        ),
        (
            PipelineObject("a", "a", (*activity("a").fields, Field("my_out", ref_value="d"))),
            [],
        ),
    ],
)
def test_strings_and_references_are_not_confused(item, errors):
    """A value given in the other way would be overlooked."""
    assert_sentences(validate([item, NODE]).errors, item.id, errors)


@pytest.mark.parametrize(
    ("fields", "target", "errors", "warnings"),
    [
        ({"runsOn": "x"}, "Ec2Resource", [], []),
        ({"runsOn": "x"}, "MachineOfOurOwn", [], []),
        ({"runsOn": "x"}, "S3DataNode", ["'runsOn' refers to 'x', which is not a resource."], []),
        ({"runsOn": "x"}, None, ["'runsOn' refers to 'x', which has no type."], []),
        ({"schedule": "x"}, "Terminate", ["which is not a Schedule."], []),
        ({"dependsOn": "x"}, "Ec2Resource", ["which is not an activity."], []),
        ({"input": "x"}, "SqlDataNode", [], []),
        ({"input": "x"}, "Terminate", [], ["'input' refers to 'x', which is not a data node."]),
        ({"parent": "x"}, "Terminate", [], []),
        ({"my_thing": "x"}, "Terminate", [], []),
    ],
)
def test_references_lead_to_the_right_kind_of_object(fields, target, errors, warnings):
    """One that cannot work is an error; one that a runner may make something of is a warning."""
    found = validate([activity("a", scheduleType="ondemand", **fields), thing("x", target)])
    assert_sentences(found.errors, "a", errors)
    assert_sentences(found.warnings, "a", warnings)


@pytest.mark.parametrize(
    ("item", "warnings"),
    [
        (activity("a", comand="x"), ["of ShellCommandActivity: did you mean 'command'?"]),
        (activity("a", Stage="true"), ["did you mean 'stage'?"]),
        (activity("a", zzz="x"), [f"'zzz' is not a field of ShellCommandActivity{OWN}"]),
        (activity("a", mycolour="x"), [f"'mycolour' is not a field of ShellCommandActivity{OWN}"]),
        (activity("a", myColour="x", my_size="y", **{"*mySecret": "z"}), []),
        (activity("a", **{"*stdout": "secret"}), []),
        (activity("a", **{"k" * 200: "x"}), [OWN]),
        (thing("Default", pipelineLogUri="s3://b", role="r", resourceRole="r"), []),
        (thing("Default", rolle="r"), ["'rolle' is not a field of any type: did you mean 'role'?"]),
        (thing("a", "JobOfOurs", anything="x"), ["'JobOfOurs' is not a type of AWS Data Pipeline"]),
        (activity("a", scriptUri="s3://b/k"), ["Only one of 'command' or 'scriptUri' can be used"]),
        (activity("a", stdout=["x", "y"]), ["'stdout' is given 2 times, where one value is"]),
        (activity("a", scriptArgument=["x", "y"]), []),
    ],
)
def test_what_is_probably_a_slip_is_a_warning(item, warnings):
    """Unknown, doubled and repeated fields are pointed out, users' own are not."""
    found = validate([item])
    assert found.errors == {}
    assert_sentences(found.warnings, item.id, warnings)


def test_only_so_many_slips_are_guessed_at():
    """Guessing takes long, so that it ends; the fields are named all the same."""
    wrong = [activity(f"a{i}", comand="x") for i in range(MAX_GUESSES + 1)]
    sentences = [sentences for (sentences,) in validate(wrong).warnings.values()]
    assert sum("did you mean" in each for each in sentences) == MAX_GUESSES
    assert len(sentences) == MAX_GUESSES + 1


def test_the_tables_agree_with_themselves():
    """What a type needs is among its fields, and a field is the same in all types."""
    everywhere = {}
    for name, kind in OBJECT_TYPES.items():
        needed = {*kind.required, *(key for group in kind.one_of for key in group)}
        assert needed <= set(kind.fields), name
        for key, field in kind.fields.items():
            assert everywhere.setdefault(key, field) == field, (name, key)


def test_twice_the_objects_are_twice_the_work():
    """The calls made to check and compile a chain of activities grow as it does."""
    few, many = (calls(chain(n)) for n in (250, 500))
    assert many < 2.2 * few


def chain(length):
    """Activities each of which waits for the one before it, by name and by data."""
    objects = [activity("a0", output="d0", unknown="x")]
    objects += [
        activity(f"a{n}", dependsOn=f"a{n - 1}", input=f"d{n - 1}", output=f"d{n}")
        for n in range(1, length)
    ]
    return objects + [thing(f"d{n}", "S3DataNode", filePath="s3://b/k") for n in range(length)]


def calls(objects):
    """How many functions are called to check and compile a definition, Python's own included."""
    made = 0

    def count(_frame, event, _argument):
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        validate(objects, active=objects)
        compile_components(objects, maximum_retries=2, retry_delay_ms=0, resource_groups={})
    finally:
        sys.setprofile(before)
    return made


def assert_sentences(found, object_id, parts):
    """The object has as many findings as there are parts of sentences, each with its part."""
    sentences = found.get(object_id, [])
    assert len(sentences) == len(parts), sentences
    for sentence, part in zip(sentences, parts, strict=True):
        assert part in sentence
