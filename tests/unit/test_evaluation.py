"""The fields of an object evaluated together: what that costs, and what it may tell."""

from __future__ import annotations

import time

import pytest
from definitions import activity, thing

from coordinator.domain import expression_rules
from coordinator.domain.definitions import Definition, Field
from coordinator.domain.evaluation import (
    Context,
    FieldError,
    context_of,
    evaluate_fields,
    evaluate_text,
    run_time_fields,
    with_control_values,
)
from coordinator.domain.expressions import Budget, ExpressionError
from coordinator.domain.validation import validate
from coordinator.domain.view import DefinitionView

MANY = 4000
COSTLY = {"myList": ["x"] * 30, "myBomb": "#{myList + myList + myList}"}  # 28,000 steps


def context(*objects):
    """What the expressions of these objects are evaluated in."""
    return context_of(Definition(tuple(objects)))


def test_many_expressions_cost_no_more_than_each_of_them():
    """What a field is evaluated with is worked out once for its object, not once for each field."""
    item = activity("a", myOne="1", **{f"my{n}": "#{myOne}" for n in range(MANY)})
    start = time.process_time()
    found = evaluate_fields(context(item), "a", item.fields, {})
    assert time.process_time() - start < 5
    assert [each.field.string_value for each in found[-MANY:]] == ["1"] * MANY


@pytest.mark.parametrize("active", [False, True])
def test_objects_with_many_fields_are_validated_in_time(active):
    """The time grows with the fields, not with their square."""
    objects = [activity("a", myOne="1", **{f"my{n}": "#{myOne}" for n in range(MANY)})]
    start = time.process_time()
    assert not validate(objects, active=objects if active else None).errors
    assert time.process_time() - start < 5


def test_all_expressions_of_a_definition_share_a_bound(monkeypatch):
    """Each of many objects may cost half a second, all together may not."""
    monkeypatch.setattr(expression_rules, "DEFINITION_STEPS", 100_000)
    objects = [thing("Default", **COSTLY), *(activity(f"a{n}") for n in range(5))]
    errors = validate(objects).errors
    assert "a0" not in errors
    assert "takes too much work" in errors["a4"][0]


def test_the_fields_of_an_object_share_a_bound():
    """What passes validation can be handed out: both allow an object as much work."""
    bombs = {f"my{n}": COSTLY["myBomb"] for n in range(10)}
    item = activity("a", myList=COSTLY["myList"], **bombs)
    assert "takes too much work" in validate([item]).errors["a"][0]
    with pytest.raises(FieldError, match="takes too much work"):
        evaluate_fields(context(item), "a", item.fields, {})


def test_a_bound_within_another_takes_from_both():
    """The outer one stops what the inner ones would allow."""
    outer = Budget(10)
    Budget(8, outer).spend(8, 1)
    with pytest.raises(ExpressionError, match="takes too much work"):
        Budget(8, outer).spend(8, 1)


@pytest.mark.parametrize("bound", ["500", "5000"])
def test_whether_a_secret_has_a_value_is_not_told(bound):
    """A division by zero would tell whether a number is below a bound."""
    item = activity("a", **{"*pin": "1234"})
    found = evaluate_text(context(item), "a", f"#{{1 / (*pin / {bound})}}", {})
    assert found.secret


def test_what_needs_no_secret_is_refused_as_ever():
    """The fault of a text that never came to a secret is told."""
    item = activity("a", **{"*pin": "1234"})
    with pytest.raises(ExpressionError, match="divided by zero"):
        evaluate_text(context(item), "a", "#{1 / 0 + *pin}", {})


def test_what_the_coordinator_goes_by_depends_on_no_secret():
    """Validation says so, not only the activation."""
    item = activity("a", workerGroup="#{*myGroup}", **{"*myGroup": "g"})
    (sentence,) = validate([item]).errors["a"]
    assert sentence == "'workerGroup' must not depend on a secret: everybody sees it."


def test_a_field_that_is_no_expression_stays():
    """Whatever its length, and whatever it refers to."""
    fields = [Field("ref", ref_value="b"), Field("text", string_value="x" * 10_000)]
    found = evaluate_fields(context(activity("a")), "a", fields, {})
    assert [each.field for each in found] == fields


def test_an_interval_has_an_end_of_its_own():
    """On demand it ends when it begins."""
    day = run_time_fields("df-1", "@a", 0, 0, 86_400_000)
    assert evaluate_text(context(activity("a")), "a", "#{@scheduledEndTime}", day).text == (
        "1970-01-02T00:00:00"
    )
    moment = run_time_fields("df-1", "@a", 1000, 0)
    assert moment["@scheduledEndTime"] == moment["@scheduledStartTime"]


def test_a_precondition_is_evaluated_with_what_has_it():
    """The same fields mean other data for another node."""
    check = thing("p", "S3KeyExists", s3Key="#{node.filePath}/#{myMark}", myMark="_SUCCESS")
    nodes = [thing(name, "S3DataNode", filePath=f"s3://b/{name}") for name in "de"]
    around = context(check, *nodes)
    for name in "de":
        found = evaluate_fields(around, "p", check.fields, {}, node=name)
        assert found[1].field == Field("s3Key", f"s3://b/{name}/_SUCCESS")
        assert (
            evaluate_text(around, "p", "#{node.filePath}", {}, node=name).text == f"s3://b/{name}"
        )
    with pytest.raises(FieldError, match="no field 'node'"):
        evaluate_fields(around, "p", check.fields, {})


def test_control_fields_of_preconditions_and_schedules_get_their_values():
    """Those of the objects that nobody runs are left as they are."""
    objects = [
        thing("Default", workerGroup="#{myGroup}", myGroup="g"),
        activity("a", workerGroup=[], precondition="p", schedule="s", input="d"),
        thing("p", "Exists", retryDelay="#{myDelay}", myDelay="1 day"),
        thing("d", "S3DataNode", filePath="#{myGroup}", precondition="q"),
        thing("q", "Exists", workerGroup="#{myGroup + 'q'}"),
        thing("s", "Schedule", period="#{myPeriod}", myPeriod="1 hour", startDateTime="#{myStart}"),
    ]
    values = {"myStart": ["2026-01-31T08:00:00"]}
    view = DefinitionView(objects)
    found = {item.id: item for item in with_control_values(view, Context(view.inherited, values))}
    assert found["a"].strings("workerGroup") == ["g"]
    assert found["p"].strings("retryDelay") == ["1 day"]
    assert found["q"].strings("workerGroup") == ["gq"]
    assert found["s"].strings("period") == ["1 hour"]
    assert found["s"].strings("startDateTime") == ["2026-01-31T08:00:00"]
    assert found["d"] == objects[3]
    assert found["Default"] == objects[0]
