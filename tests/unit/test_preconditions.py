"""Preconditions as components: for whom, under which name, run by whom, and what they wait for."""

from __future__ import annotations

import time

import pytest
from definitions import activity, thing

from coordinator.domain import dependencies, preconditions
from coordinator.domain.components import compile_components
from coordinator.domain.definitions import Field
from coordinator.domain.preconditions import node_of
from coordinator.domain.validation import validate
from coordinator.errors import InvalidRequestError


def compiled(*objects, **settings):
    """The components of `objects`."""
    defaults = {"maximum_retries": 2, "retry_delay_ms": 600_000, "resource_groups": {}}
    return compile_components(objects, **defaults | settings)


def node(object_id="d", **fields):
    """A data node."""
    return thing(object_id, "S3DataNode", filePath="s3://b/k", **fields)


def exists(object_id="p", **fields):
    """A precondition."""
    return thing(object_id, "Exists", **fields)


def told(*objects):
    """Each precondition: its name, the object it is, and what has it."""
    return [
        (item.id, item.object_id or item.id, node_of(item.fields))
        for item in compiled(*objects)
        if item.precondition
    ]


@pytest.mark.parametrize(
    ("objects", "checks"),
    [
        ([activity("a", precondition="p"), exists()], [("p", "p", "a")]),
        ([activity("a", input="d"), node(precondition="p"), exists()], [("p", "p", "d")]),
        ([activity("a", output="d"), node(precondition="p"), exists()], []),
        ([node(precondition="p"), exists()], []),
        (
            [activity("a", precondition="p"), activity("b", precondition="p"), exists()],
            [("p_a", "p", "a"), ("p_b", "p", "b")],
        ),
        (
            [activity("a", precondition=["p", "q", "p"]), exists(), exists("q")],
            [("p", "p", "a"), ("q", "q", "a")],
        ),
        (
            [thing("Default", precondition="p"), activity("a", input="d"), node(), exists()],
            [("p_a_a", "p", "a"), ("p_a_d", "p", "d")],
        ),
        (
            [
                activity("a", input=["d", "e"]),
                node(precondition="p"),
                node("e", precondition="p"),
                exists(),
            ],
            [("p_a_d", "p", "d"), ("p_a_e", "p", "e")],
        ),
        (
            [
                activity("a", precondition="p"),
                activity("b", precondition="p"),
                exists(),
                thing("p_a"),
                thing("p_a_2"),
            ],
            [("p_a_3", "p", "a"), ("p_b", "p", "b")],
        ),
        (
            [
                activity("a_b", precondition="p"),
                activity("b", precondition="p_a"),
                activity("c", precondition=["p", "p_a"]),
                exists(),
                exists("p_a"),
            ],
            [
                ("p_a_b", "p", "a_b"),
                ("p_a_b_2", "p_a", "b"),
                ("p_c", "p", "c"),
                ("p_a_c", "p_a", "c"),
            ],
        ),
    ],
)
def test_each_activity_checks_each_precondition_for_what_has_it(objects, checks):
    """Its own and those of the data that it reads; a name says no more than is needed."""
    assert told(*objects) == checks


def test_a_precondition_waits_for_what_its_activity_waits_for():
    """Data is looked for when its producers have ended, and what is named has ended too."""
    made = compiled(
        activity("a", input="d", dependsOn="c", precondition="q"),
        activity("b", output="d"),
        activity("c"),
        node(precondition="p"),
        exists("q"),
        exists("p"),
    )
    positions = {item.id: position for position, item in enumerate(made)}
    assert list(positions) == ["q", "p", "a", "b", "c"]
    waits = {item.id: [made[n].id for n in item.depends_on] for item in made}
    assert waits == {"q": ["c", "b"], "p": ["c", "b"], "a": ["c", "b", "q", "p"], "b": [], "c": []}
    assert made[positions["a"]].checks == (0, 1)
    assert not any(item.checks for item in made if item.id != "a")


def test_a_precondition_is_of_its_activitys_schedule():
    """The same one may be checked on several."""
    made = compiled(
        activity("a", schedule="s", precondition="p"),
        activity("b", schedule="t", precondition="p"),
        activity("c", schedule="s"),
        exists(),
        *(thing(name, "Schedule", period="1 day") for name in "st"),
    )
    assert [(item.id, item.schedule) for item in made] == [
        ("p_a", "timeseries/s"),
        ("a", "timeseries/s"),
        ("c", "timeseries/s"),
        ("p_b", "timeseries/t"),
        ("b", "timeseries/t"),
    ]


@pytest.mark.parametrize(
    ("precondition", "data", "group"),
    [
        ({}, {}, "mine"),
        ({"workerGroup": "own"}, {"workerGroup": "data"}, "own"),
        ({}, {"workerGroup": "data"}, "data"),
        ({"runsOn": "r"}, {"workerGroup": "data"}, "big"),
        ({}, {"runsOn": "r"}, "big"),
        ({"parent": "base"}, {}, "base"),
    ],
)
def test_a_precondition_is_run_by_who_is_named_nearest(precondition, data, group):
    """Itself, then its data, then its activity; what all inherit from Default is not nearer."""
    made = compiled(
        thing("Default", workerGroup="all"),
        thing("base", workerGroup="base"),
        thing("r", "EmrCluster"),
        activity("a", workerGroup="mine", input="d"),
        node(precondition="p", **data),
        exists(**precondition),
        resource_groups={"EmrCluster": "big"},
    )
    assert made[0].worker_group == group


def test_a_precondition_has_its_own_limits_and_always_cascades():
    """Its retries are its own, or Default's; if it fails, its activity cannot run."""
    check, item = compiled(
        thing("Default", retryDelay="1 minute", failureAndRerunMode="none"),
        activity("a", precondition="p", maximumRetries="5"),
        exists(preconditionTimeout="2 hours", maximumRetries="0", node="=mine"),
    )
    assert (check.precondition_timeout_ms, check.maximum_retries) == (7_200_000, 0)
    assert (check.retry_delay_ms, check.cascade, item.cascade) == (60_000, True, False)
    assert [field for field in check.fields if field.key == "node"] == [
        Field("node", ref_value="a")
    ]
    assert item.precondition_timeout_ms == 0


def test_node_tells_preconditions_from_activities():
    """A field of that name in an activity is the user's own."""
    fields = [Field("node", ref_value="x")]
    assert node_of([Field("type", "Exists"), *fields]) == "x"
    assert node_of([*fields, Field("type", "CopyActivity")]) is None
    assert node_of([Field("type", "Exists"), Field("node", "x")]) is None


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"s3Key": "#{node.filePath}"}, None),
        ({"s3Key": "#{node.filePth}/#{@scheduledEndTime}"}, "'d' has no field 'filePth'"),
        ({"s3Key": "k", "retryDelay": "#{node.myDelay}"}, "'node'"),
        ({"s3Key": "k", "retryDelay": "#{@scheduledStartTime}"}, "before there is an instance"),
        ({"s3Key": "k", "preconditionTimeout": "soon"}, "must be a number and a unit"),
        ({"s3Key": "k", "preconditionTimeout": ["1 day", "2 days"]}, "is given 2 times"),
    ],
)
def test_the_fields_of_a_precondition_are_looked_at(fields, error):
    """Its expressions must have values for each object that has it."""
    found = validate(
        [
            activity("a", input="d"),
            node(precondition="p", myDelay="1 day"),
            thing("p", "S3KeyExists", **fields),
        ]
    ).errors
    assert list(found) == (["p"] if error else [])
    assert not error or any(error in sentence for sentence in found["p"]), found


def test_a_type_of_ones_own_can_be_a_precondition():
    """Its timeout is read, so that it is looked at as well."""
    objects = [activity("a", precondition="p"), thing("p", "ReadyAtOurs", preconditionTimeout="x")]
    (sentence,) = validate(objects).errors["p"]
    assert sentence.startswith("'preconditionTimeout' must be a number and a unit")


def test_the_id_of_a_precondition_is_not_too_long():
    """Those of its attempts must fit into a reference."""
    objects = [activity(each * 120, precondition="p" * 100) for each in "ab"]
    sentences = validate([*objects, exists("p" * 100)]).errors["p" * 100]
    assert len(sentences) == 2
    for sentence in sentences:
        assert "under an id of 221 characters, which may have 220" in sentence
    objects = [activity(each * 119, precondition="p" * 100) for each in "ab"]
    assert validate([*objects, exists("p" * 100)]).errors == {}


def test_preconditions_of_many_activities_are_no_quadratic_work():
    """Ten thousand activities have one each, whose names all collide."""
    objects = [thing("Default", precondition="p"), exists()]
    objects += [activity(f"a{n}", dependsOn=f"a{n - 1}") for n in range(1, 5000)]
    objects += [activity("a0"), *(thing(f"p_a{n}", "Property") for n in range(5000))]
    begun = time.process_time()
    made = compiled(*objects)
    assert time.process_time() - begun < 3
    assert len(made) == 10_000
    assert len({item.id for item in made}) == 10_000


def test_what_preconditions_multiply_is_bounded(monkeypatch):
    """A small definition cannot make very many components, large ones, or dependencies."""
    objects = [thing("Default", precondition=["p", "q"]), exists(), exists("q", myText="x" * 1000)]
    objects += [activity(f"a{n}") for n in range(10)]
    assert validate(objects).errors == {}
    for module, limit, most in (
        (preconditions, "MAX_CHECKS", 19),
        (preconditions, "MAX_CHARACTERS", 10_000),
        (dependencies, "MAX_DEPENDENCIES", 19),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, most)
            with pytest.raises(InvalidRequestError, match=r"let fewer|give fewer"):
                validate(objects)
