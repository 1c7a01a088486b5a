"""What names mean: fields, chains, lists, secrets, parameters, node and parent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from definitions import thing
from evaluating import START, problem, scope, text

from coordinator.domain.definitions import Field, PipelineObject
from coordinator.domain.expressions import (
    Evaluated,
    ExpressionError,
    evaluate,
    evaluate_value,
    evaluate_values,
    parse,
)

INPUT = thing("In", directoryPath="s3://b/#{name}/#{format(@scheduledStartTime,'YYYY')}", myN="7")
COPY = thing("Copy", "CopyActivity", input="In", myPath="#{input.directoryPath}/x")
ALARM = thing("Alarm", "SnsAlarm", message="#{node.name} #{node.input.directoryPath}")


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("#{id} #{@id} #{name} #{type}", "Copy Copy name of Copy CopyActivity"),
        ("#{input}", "In"),
        ("#{input.id} #{input.@id} #{input.name}", "In In name of In"),
        ("#{input.directoryPath}", "s3://b/name of In/2012"),
        ("#{myPath}", "s3://b/name of In/2012/x"),
        ("#{input.myN * 2}", "14"),
        ("#{@scheduledStartTime}", "2012-12-12T00:00:00"),
        ("#{input.@scheduledStartTime}", "2012-12-12T00:00:00"),
    ],
)
def test_a_chain_leads_through_references(template, result):
    """A field of another object is evaluated where it stands, with the instance's times."""
    assert text(template, COPY, INPUT) == result


def test_node_is_the_object_that_refers_to_an_alarm():
    """An alarm can name fields of its activity, and the activity's own references."""
    assert text("#{message}", COPY, INPUT, ALARM, of="Alarm", node="Copy") == (
        "name of Copy s3://b/name of In/2012"
    )
    assert text("#{node.@scheduledStartTime}", COPY, ALARM, of="Alarm", node="Copy") == (
        "2012-12-12T00:00:00"
    )


def test_ids_of_an_instance_and_of_its_definition():
    """`@id` is the instance's where it is known; `id` and `parent.@id` are the definition's."""
    run_time = {"@id": "@Copy_2012-12-12T00:00:00"}
    result = text("#{@id} #{id} #{parent.@id} #{input.@id}", COPY, INPUT, run_time=run_time)
    assert result == "@Copy_2012-12-12T00:00:00 Copy Copy In"
    node = text("#{node.@id} #{@id}", ALARM, COPY, node="Copy", run_time=run_time)
    assert node == "@Copy_2012-12-12T00:00:00 Alarm"


def test_inherited_fields_are_evaluated_in_the_heir():
    """What Default says about every object is true of each."""
    default = thing("Default", myLog="s3://logs/#{id}")
    assert text("#{myLog}", thing("a"), default) == "s3://logs/a"


def test_parent_leads_to_what_a_field_replaces():
    """An object can build on the field that it would have inherited."""
    base = thing("Base", myRoot="s3://b", myLog="s3://logs/#{id}")
    heir = thing("a", parent="Base", myRoot="#{parent.myRoot}/a", myOwn="1")
    assert text("#{myRoot} #{parent.myLog} #{parent.myOwn}", heir, base) == "s3://b/a s3://logs/a 1"


def test_types_are_taken_as_they_stand():
    """The guide excludes ids, names and types from evaluation."""
    item = PipelineObject("#{x}", "#{y}", (Field("type", "#{z}"),))
    assert text("#{id}#{name}#{type}", item) == "#{x}#{y}#{z}"


def test_run_time_fields_are_never_evaluated():
    """What a runner reported is data, whatever it looks like."""
    run_time = {"@previous.myNote": "#{@x}", "@attemptCount": 3, "errorMessage": "#{boom"}
    template = "#{@previous.myNote} #{@attemptCount + 1} #{errorMessage}"
    assert text(template, thing("a"), run_time=run_time) == "#{@x} 4 #{boom"


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("#{myBucket}/x", "s3://b/x"),
        ("#{myPlain}", "#{name}"),
        ("#{myOwn}", "own"),
        ("#{myArray}", '["1", "2"]'),
    ],
)
def test_parameters_are_visible_by_their_ids(template, result):
    """A parameter's value is plain text, and a field of the object wins over it."""
    parameters = {
        "myBucket": ["s3://b"],
        "myPlain": ["#{name}"],
        "myOwn": ["parameter"],
        "myArray": ["1", "2"],
    }
    assert text(template, thing("a", myOwn="own"), parameters=parameters) == result


LISTS = thing("a", myList=["one", "two"], myOne="#{myList}", myPair=["#{myList}", "three"])


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("#{'this is ' + myList}", ["this is one", "this is two"]),
        ("this is #{myList}.", ["this is one.", "this is two."]),
        ("#{myOne}", ["one", "two"]),
        ("#{myPair}", ["one", "two", "three"]),
        ("#{myList + '-' + myList}", ["one-one", "one-two", "two-one", "two-two"]),
        ("#{myList}#{myList}", ["oneone", "onetwo", "twoone", "twotwo"]),
        ("plain", ["plain"]),
        ("", [""]),
    ],
)
def test_a_list_gives_several_values(template, values):
    """Operators and texts map over lists, and lists in lists become one."""
    assert [v.text for v in evaluate_values(parse(template), scope(LISTS))] == values


def test_functions_map_over_lists():
    """A function is applied to every combination of its arguments' values."""
    dates = thing("a", myDates=["2011-05-24T17:10:00", "2012-01-31T00:00:00"], myN=["1", "2"])
    template = parse("#{day(plusDays(myDates, myN))}")
    assert [v.text for v in evaluate_values(template, scope(dates))] == ["25", "26", "1", "2"]
    assert text("#{-myN}", dates) == "[-1, -2]"


def test_a_list_is_printed_as_the_guide_shows_it():
    """Where one text is needed, a list is written in brackets."""
    assert text("#{'this is ' + myList}", LISTS) == '["this is one", "this is two"]'


def test_a_value_keeps_its_type():
    """Schedules can take DateTimes from expressions, also from those of other fields."""
    item = thing("a", myStart="#{minusDays(@scheduledStartTime, 1)}")
    template = parse("#{plusDays(myStart, 1)}")
    assert evaluate_value(template, scope(item)) == START
    assert evaluate_value(parse("#{1 + 1}"), scope(item)) == 2
    with pytest.raises(ExpressionError, match="one value is needed here, and the expression has 2"):
        evaluate_value(parse("#{myList}"), scope(LISTS))


def test_a_naive_time_is_in_utc():
    """A DateTime without a time zone is taken as UTC."""
    run_time = {"@t": datetime(2012, 1, 1)}  # noqa: DTZ001 - the case in question
    assert text("#{format(@t, 'HH Z')}", thing("a"), run_time=run_time) == "00 +0000"
    run_time = {"@t": datetime(2012, 1, 1, 1, 2, 3, 999_999, tzinfo=UTC)}
    assert text("#{@t}", thing("a"), run_time=run_time) == "2012-01-01T01:02:03"


SECRETIVE = thing(
    "Db", **{"*password": "hunter2", "myUrl": "db://u:#{*password}", "user": "u", "input": "Db"}
)


@pytest.mark.parametrize(
    ("template", "evaluated"),
    [
        ("#{*password}", Evaluated("hunter2", secret=True)),
        ("#{input.*password}", Evaluated("hunter2", secret=True)),
        ("#{myUrl}", Evaluated("db://u:hunter2", secret=True)),
        ("#{*myToken}", Evaluated("t0ken", secret=True)),
        ("#{user} #{'*password'}", Evaluated("u *password", secret=False)),
        ("*password", Evaluated("*password", secret=False)),
    ],
)
def test_what_depends_on_a_secret_is_marked(template, evaluated):
    """The caller learns that it must mask the text."""
    within = scope(SECRETIVE, parameters={"*myToken": ["t0ken"]})
    assert evaluate(parse(template), within) == evaluated
    assert evaluate_values(parse(template), within) == [evaluated]


@pytest.mark.parametrize(
    "expression",
    [
        "day(*password)",
        "format(@scheduledStartTime, *password)",
        "*password * 2",
        "-*password",
        "inTimeZone(@scheduledStartTime, *password)",
    ],
)
def test_no_message_tells_of_a_secret(expression):
    """An error about a secret value says nothing of the value."""
    assert "cannot take this value, which depends on a secret" in problem(
        f"#{{{expression}}}", SECRETIVE
    )


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("#{usr}", "'Db' has no field 'usr': did you mean 'user'?"),
        ("#{User}", "'Db' has no field 'User': did you mean 'user'?"),
        ("#{password}", "'Db' has no field 'password': the secret one is '*password'"),
        ("#{xyzzy}", "'Db' has no field 'xyzzy'"),
        ("#{node.name}", "'Db' has no field 'node': only alarms and preconditions have it"),
        ("#{input.xyzzy}", "'Db' has no field 'xyzzy'"),
        (
            "#{user.name}",
            "'user' is a text, not a reference to an object, so it has no fields",
        ),
        ("#{parent.parent.xyzzy}", "'Db' has no field 'xyzzy'"),
    ],
)
def test_a_name_that_leads_nowhere(template, sentence):
    """A message names the object and what may have been meant."""
    assert problem(template, SECRETIVE) == f"at character 3: {sentence}"


def test_a_reference_to_no_object():
    """A chain through a reference that leads nowhere says which."""
    sentence = "at character 3: 'input' refers to 'x', which is not in the definition"
    assert problem("#{input.name}", thing("a", input="x")) == sentence


def test_a_fault_in_another_field_is_told_with_both_places():
    """The position is that in the text at hand; the field with the fault is named too."""
    item = thing("a", myA="x #{myB}", myB="xy #{nope}")
    assert problem("#{1} #{myA}", item) == (
        "at character 8: 'a' has no field 'nope' (in 'myB' of 'a', character 6)"
    )


def test_circles_of_fields_are_named():
    """Fields that need each other are refused with the way round."""
    item = thing("x", a="#{b}", b="-#{a}", input="y", c="#{input.c}")
    other = thing("y", input="x", c="#{input.c}")
    circle = "the fields refer to each other in a circle"
    assert f"{circle}: a → b → a (" in problem("#{a}", item)
    assert f"{circle}: x.c → y.c → x.c (" in problem("#{c}", item, other)
