"""QueryObjects."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    create,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    put,
    selector,
    start,
)

FUTURE, PAST = "2999-01-01", "2000-01-01T00:00:00"


@pytest.fixture(scope="module")
def finished(api):
    """A pipeline with one finished instance, one canceled, one ready, one blocked."""
    group, other = new_group(), new_group()
    pipeline = start(
        api,
        activity("Done", group),
        activity("Canceled", other),
        activity("Ready", other),
        activity("Blocked", other, dependsOn=Ref("Ready")),
    )
    failed = poll(api, group)
    finish(api, failed, "FAILED")
    finish(api, poll(api, group))
    (canceled,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", "Canceled"))
    api.set_status(pipelineId=pipeline, objectIds=[canceled], status="TRY_CANCEL")
    return pipeline


def components(names):
    """The component of each instance or attempt id."""
    return [name[1:].partition("_")[0] for name in names]


def test_every_sphere_has_its_objects(api, finished):
    """Components by id, instances and attempts in the order of their making, in any case."""
    assert ids(api, finished, "COMPONENT") == ["Done", "Canceled", "Ready", "Blocked"]
    assert components(ids(api, finished, "INSTANCE")) == ["Done", "Canceled", "Ready", "Blocked"]
    assert [name[-10:] for name in ids(api, finished, "attempt")] == ["_Attempt=1", "_Attempt=2"]


@pytest.mark.parametrize("sphere", ["PIPELINE", "", "é"])
def test_another_sphere_is_refused(api, finished, sphere):
    """The sentence says which there are."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="COMPONENT, INSTANCE"):
        ids(api, finished, sphere)


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        ([selector("@status", "EQ", "FINISHED")], ["Done"]),
        ([selector("@status", "EQ", "CANCELED")], ["Canceled"]),
        ([selector("@status", "EQ", "CANCELLED")], ["Canceled"]),
        ([selector("@status", "EQ", "FINISHED", "CANCELLED")], ["Done", "Canceled"]),
        ([selector("@status", "EQ", "WAITING_FOR_RUNNER")], ["Ready"]),
        ([selector("@status", "EQ", "WAITING_ON_DEPENDENCIES")], ["Blocked"]),
        ([selector("@status", "EQ")], []),
        ([selector("@componentParent", "REF_EQ", "Done")], ["Done"]),
        ([selector("@componentParent", "REF_EQ", "Nobody")], []),
        ([selector("@sphere", "EQ", "INSTANCE")], ["Done", "Canceled", "Ready", "Blocked"]),
        ([selector("unset", "EQ", "")], []),
        ([selector("@actualEndTime", "GE", PAST)], ["Done", "Canceled"]),
        ([selector("@actualEndTime", "LE", FUTURE)], ["Done", "Canceled"]),
        ([selector("@actualEndTime", "LE", PAST)], []),
        ([selector("@actualEndTime", "BETWEEN", PAST, FUTURE)], ["Done", "Canceled"]),
        ([selector("@actualEndTime", "BETWEEN", FUTURE, PAST)], []),
        (
            [selector("@actualEndTime", "GE", PAST), selector("@status", "EQ", "FINISHED")],
            ["Done"],
        ),
    ],
)
def test_selectors_on_instances(api, finished, selectors, found):
    """All selectors must hold; an unset field holds for none; EQ means any of its values."""
    assert components(ids(api, finished, "INSTANCE", *selectors)) == found


def test_selectors_on_attempts(api, finished):
    """Attempts are selected by what a description of them shows."""
    one, two = ids(api, finished, "ATTEMPT")
    assert ids(api, finished, "ATTEMPT", selector("@status", "EQ", "FAILED")) == [one]
    assert ids(api, finished, "ATTEMPT", selector("@status", "EQ", "FINISHED")) == [two]
    (instance,) = ids(api, finished, "INSTANCE", selector("@status", "EQ", "FINISHED"))
    parent = selector("@instanceParent", "REF_EQ", instance)
    assert ids(api, finished, "ATTEMPT", parent) == [one, two]
    assert ids(api, finished, "ATTEMPT", selector("@actualEndTime", "GE", FUTURE)) == []


def test_selectors_on_components(api):
    """Components are selected by their fields, name and effective parent."""
    pipeline = create(api)
    own = item("Own", type="Property", key="k", value="v", parent=Ref("A"))
    put(api, pipeline, item("Default", x="1"), activity("A", "g"), own)
    component = [selector("name", "EQ", "A"), selector("parent", "REF_EQ", "Default")]
    assert ids(api, pipeline, "COMPONENT", *component) == ["A"]
    assert ids(api, pipeline, "COMPONENT", selector("parent", "REF_EQ", "A")) == ["Own"]
    assert ids(api, pipeline, "COMPONENT", selector("type", "EQ", "Property")) == ["Own"]


@pytest.mark.parametrize("shape", ["{}", "{}Z", "{}.000", "{}+00:00"])
def test_times_are_compared_as_instants(api, finished, shape):
    """A time may be written in any of the usual ways; without a zone it is UTC."""
    (name, *_) = ids(api, finished, "INSTANCE")
    (fields,) = describe(api, finished, name)
    at = shape.format(fields["@scheduledStartTime"])
    for operator in ("EQ", "LE", "GE"):
        assert name in ids(api, finished, "INSTANCE", selector("@scheduledStartTime", operator, at))


def test_a_date_is_its_midnight(api, finished):
    """The aws CLI passes dates on as they are given."""
    (name, *_) = ids(api, finished, "INSTANCE")
    (fields,) = describe(api, finished, name)
    today = fields["@scheduledStartTime"][:10]
    assert name in ids(api, finished, "INSTANCE", selector("@scheduledStartTime", "GE", today))
    midnight = selector("@scheduledStartTime", "BETWEEN", "2000-01-01", today)
    assert (name in ids(api, finished, "INSTANCE", midnight)) == (
        fields["@scheduledStartTime"] == f"{today}T00:00:00"
    )


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (selector("@status", "GE", "A"), "compares times only"),
        (selector("@actualStartTime", "GE"), "takes 1 value"),
        (selector("@actualStartTime", "LE", PAST, PAST), "takes 1 value"),
        (selector("@actualStartTime", "BETWEEN", PAST), "takes 2 value"),
        (selector("@actualStartTime", "GE", "soon"), "must be times"),
        (selector("@actualStartTime", "GE", "0001-01-01T00:00:00+23:00"), "must be times"),
    ],
)
def test_a_bad_selector_is_refused(api, finished, bad, sentence):
    """The sentence says what the operator takes."""
    with pytest.raises(api.exceptions.InvalidRequestException, match=sentence):
        ids(api, finished, "INSTANCE", bad)


def test_ten_selectors_are_the_most(api, finished):
    """The service documents the number."""
    one = selector("@sphere", "EQ", "INSTANCE")
    assert len(ids(api, finished, "INSTANCE", *[one] * 10)) == 4
    with pytest.raises(api.exceptions.InvalidRequestException, match="at most 10"):
        ids(api, finished, "INSTANCE", *[one] * 11)


def paged(api, pipeline, sphere, limit, *selectors):
    """The ids of each page."""
    pages = api.get_paginator("query_objects").paginate(
        pipelineId=pipeline,
        sphere=sphere,
        query={"selectors": list(selectors)},
        PaginationConfig={"PageSize": limit},
    )
    return [page["ids"] for page in pages]


def test_pages_give_every_id_once(api):
    """Whatever the page size, in every sphere; 100 is the default size."""
    group = new_group()
    pipeline = start(api, *(activity(f"A{n}", group) for n in range(130)))
    for _ in range(5):
        finish(api, poll(api, group), "FAILED")
    first = api.query_objects(pipelineId=pipeline, sphere="INSTANCE")
    assert len(first["ids"]) == 100
    assert first["hasMoreResults"]
    for sphere in ("COMPONENT", "INSTANCE"):
        pages = paged(api, pipeline, sphere, 60)
        assert [len(page) for page in pages] == [60, 60, 10]
        assert len({name for page in pages for name in page}) == 130
    attempts = [name for page in paged(api, pipeline, "ATTEMPT", 1) for name in page]
    assert len(attempts) == len(set(attempts)) == 5


def test_the_last_page_has_no_marker(api, finished):
    """SDKs other than botocore page for as long as there is a marker."""
    page = api.query_objects(pipelineId=finished, sphere="INSTANCE", limit=4)
    assert len(page["ids"]) == 4
    assert not page["hasMoreResults"]
    assert "marker" not in page


def test_an_empty_result_has_its_members(replica, finished):
    """Clients index `ids` without looking."""
    query = {"selectors": [selector("unset", "EQ", "x")]}
    body = {"pipelineId": finished, "sphere": "INSTANCE", "query": query}
    assert replica.post("QueryObjects", body).body == b'{"ids":[],"hasMoreResults":false}'


@pytest.mark.parametrize("marker", ["x", "9", "1.x", "-1.0", "²", "9" * 1000 + ".0", "1.0.0"])
@pytest.mark.parametrize("sphere", ["COMPONENT", "INSTANCE"])
def test_a_foreign_marker_is_refused(api, finished, marker, sphere):
    """A marker that QueryObjects did not make is an invalid request."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="'marker'"):
        api.query_objects(pipelineId=finished, sphere=sphere, marker=marker)
