"""What alarms tell of their node, and what validation says of `node`."""

from __future__ import annotations

import pytest
from definitions import activity, thing

from coordinator.domain.alarms import Happening, tell
from coordinator.domain.definitions import Definition, ParameterObject
from coordinator.domain.evaluation import context_of, evaluate_text
from coordinator.domain.expressions import ExpressionError
from coordinator.domain.validation import validate
from coordinator.service.alarms import pause_after

AT = 1_355_270_400_000  # 2012-12-12T00:00:00
HOUR = 3_600_000
WORK = activity("Work", input="Data", onFail="Bad", myText="mine", **{"*myPin": "1234"})
DATA = thing("Data", "S3DataNode", filePath="s3://b/k")
HAPPENING = Happening(
    *("df-1", "@Work_2012-12-12T00:00:00", "Work", "fail", "FAILED", 3, "Disk", "no space", ""),
    *(AT, AT + HOUR, AT, AT + 2 * HOUR),
)


def alarm(**fields):
    """An SnsAlarm."""
    given = {"topicArn": "arn", "subject": "s", "message": "m"}
    return thing("Bad", "SnsAlarm", **given | fields)


def told(happening=HAPPENING, work=WORK, **fields):
    """What an alarm with these fields tells."""
    return tell(context_of(Definition((work, DATA, alarm(**fields)))), "Bad", happening)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#{node.name}", "name of Work"),
        ("#{node.@id}", "@Work_2012-12-12T00:00:00"),
        ("#{node.@status} #{node.@attemptCount}", "FAILED 3"),
        (
            "#{node.@scheduledStartTime}..#{node.@scheduledEndTime}",
            "2012-12-12T00:00:00..2012-12-12T01:00:00",
        ),
        ("#{node.@actualEndTime}", "2012-12-12T02:00:00"),
        ("#{node.errorId}: #{node.errorMessage}", "Disk: no space"),
        ("#{node.myText} #{node.input.filePath}", "mine s3://b/k"),
        ("#{node.@cascadeFailedOn}plain", "plain"),
    ],
)
def test_texts(text, expected):
    """An alarm's expressions name fields of its node, and what has become of it."""
    assert told(message=text).texts["message"] == expected
    assert not told(message=text).problem


def test_a_node_with_a_field_of_that_name():
    """A user's own field of the node goes before what is known of its run."""
    assert told(work=activity("Work", errorId="own"), message="#{node.errorId}").texts[
        "message"
    ] == ("own")


def test_what_is_late_has_not_ended():
    """An end that is not known is told as it was written."""
    late = HAPPENING._replace(event="late", status="WAITING_FOR_RUNNER")
    found = told(late, message="#{node.@status} #{node.@actualEndTime}", subject="#{node.@status}")
    assert found.texts["message"] == "#{node.@status} #{node.@actualEndTime}"
    assert found.texts["subject"] == "WAITING_FOR_RUNNER"
    assert "'message' of object 'Bad'" in found.problem


def test_secrets():
    """What depends on a secret is masked, also where that has no value; the topic is kept aside."""
    found = told(
        message="#{node.*myPin}", subject="#{1 / (node.*myPin - 1234)}", topicArn="#{node.*myPin}"
    )
    assert found.texts == {"message": "*****", "subject": "*****", "topicArn": "*****"}
    assert found.topic == "1234"
    assert found.problem == "'subject' cannot be evaluated."


def test_an_alarm_that_is_not_there():
    """It is told all the same."""
    found = tell(context_of(Definition((WORK, DATA))), "Bad", HAPPENING)
    assert found == ({}, "", "'Bad' is not in the definition.")


def test_text_with_a_node():
    """Any text can be evaluated as an alarm's; without a node there is none."""
    context = context_of(Definition((WORK, DATA, alarm())))
    assert evaluate_text(context, "Bad", "#{node.myText}", {}, node="Work").text == "mine"
    with pytest.raises(ExpressionError, match="only alarms and preconditions have it"):
        evaluate_text(context, "Bad", "#{node.myText}", {})


def test_a_node_elsewhere():
    """What nothing but its user refers to has no `node`."""
    node = thing("Data", "S3DataNode", filePath="#{node.name}")
    errors = validate([activity("Work"), node]).errors
    sentence = "'filePath' has an expression with 'node', which only alarms and preconditions have."
    assert errors == {"Data": [sentence]}


def test_a_node_in_an_activity():
    """It has none, which is said once."""
    [sentence] = validate([activity("Work", command="#{node.name}")]).errors["Work"]
    assert "only alarms and preconditions have it" in sentence


def test_a_field_called_node():
    """A user's own field of that name is no mistake."""
    node = thing("Data", "S3DataNode", filePath="#{node}", node="x")
    assert validate([activity("Work"), node]).errors == {}


def test_an_alarm_with_a_slip_of_the_pen():
    """It is a warning, once, with the node for which it has no value."""
    parts = [WORK, activity("More", onFail="Bad"), DATA, alarm(message="#{node.myTxet}")]
    found = validate(parts)
    assert found.errors == {}
    [sentence] = [s for s in found.warnings["Bad"] if "message" in s]
    assert sentence.startswith("'message' has an expression without a value for 'Work': ")
    assert "did you mean 'myText'?" in sentence


def test_alarms_of_all():
    """An alarm that Default names is about activities, not about data nodes."""
    default = thing("Default", onFail="Bad", myText="x")
    parts = [default, activity("Work"), DATA, alarm(message="#{node.command} #{node.errorId}")]
    assert "Bad" not in validate(parts).warnings


def test_alarms_before_parameters_have_values():
    """Nothing is said of an alarm that a parameter may complete."""
    parameter = ParameterObject("myText", ())
    parts = [activity("Work", onFail="Bad"), alarm(message="#{myText} #{node.myNothing}")]
    assert "Bad" not in validate(parts, parameters=[parameter]).warnings


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("#{node.filePath}/_SUCCESS", ""),
        ("#{node.@scheduledStartTime} #{@scheduledEndTime}", ""),
        ("#{node.nowhere}", "'s3Key' has an expression without a value: "),
    ],
)
def test_preconditions(key, fault):
    """A precondition is a task: all of it must have a value, for each node."""
    ready = thing("Ready", "S3KeyExists", s3Key=key)
    node = thing("Data", "S3DataNode", filePath="s3://b/k", precondition="Ready")
    errors = validate([activity("Work", input="Data"), node, ready]).errors
    if not fault:
        assert "Ready" not in errors
    else:
        assert errors["Ready"][0].startswith(fault)


def test_pauses():
    """They double, to five minutes; each is a little off, so that they do not come together."""
    for tries, seconds in {0: 1, 1: 2, 4: 16, 8: 256, 9: 300, 1000: 300}.items():
        pauses = [pause_after(tries) for _ in range(100)]
        assert seconds * 0.8 <= min(pauses) < seconds < max(pauses) <= seconds * 1.2
