"""QueryObjects by index: operators, fields, many instances, and pages without gaps."""

from __future__ import annotations

import pytest
from pipelines import (
    Ref,
    activity,
    describe,
    finish,
    ids,
    item,
    new_group,
    poll,
    selector,
    start,
)
from waiting import wait_until

PAST, FUTURE = "2000-01-01", "2999-01-01"
TIMES = ["@scheduledStartTime", "@scheduledEndTime", "@actualStartTime", "@actualEndTime"]
MANY = 450


@pytest.fixture(scope="module")
def some(api):
    """A pipeline with a finished instance A, a canceled one B, a paused one C, a blocked one D."""
    group = new_group()
    pipeline = start(
        api,
        activity("A", group),
        activity("B", new_group()),
        activity("C", new_group()),
        activity("D", group, dependsOn=Ref("C"), myTag="x"),
    )
    finish(api, poll(api, group))
    (name,) = ids(api, pipeline, "INSTANCE", selector("@componentParent", "REF_EQ", "B"))
    api.set_status(pipelineId=pipeline, objectIds=[name], status="TRY_CANCEL")
    api.set_status(pipelineId=pipeline, objectIds=["C"], status="PAUSE")
    return pipeline


def found(api, pipeline, *selectors):
    """The components of the instances that are selected, in order."""
    names = ids(api, pipeline, "INSTANCE", *selectors)
    return "".join(name[1] for name in names)


@pytest.mark.parametrize(
    ("field", "operator", "wanted", "components"),
    [
        ("@status", "EQ", ["FINISHED"], "A"),
        ("@status", "EQ", ["CANCELED"], "B"),
        ("@status", "EQ", ["CANCELLED"], "B"),
        ("@status", "EQ", ["cancelled", "Finished"], "AB"),
        ("@status", "EQ", ["PAUSED"], "C"),
        ("@status", "EQ", ["WAITING_FOR_RUNNER"], ""),
        ("@status", "EQ", ["WAITING_ON_DEPENDENCIES", "PAUSED", "PAUSED"], "CD"),
        ("@status", "EQ", ["WAITING"], ""),
        ("@status", "EQ", [], ""),
        ("@componentParent", "REF_EQ", ["A", "D", "Nobody"], "AD"),
        ("@componentParent", "EQ", ["A"], "A"),
        ("@sphere", "EQ", ["INSTANCE"], "ABCD"),
        ("@sphere", "EQ", ["ATTEMPT"], ""),
        ("myTag", "EQ", ["x"], "D"),
        ("dependsOn", "REF_EQ", ["C"], "D"),
        ("unset", "EQ", [""], ""),
        *((field, "GE", [PAST], "ABCD") for field in TIMES[:3]),
        *((field, "LE", [FUTURE], "ABCD") for field in TIMES[:3]),
        *((field, "BETWEEN", [PAST, FUTURE], "ABCD") for field in TIMES[:3]),
        *((field, "LE", [PAST], "") for field in TIMES),
        *((field, "GE", [FUTURE], "") for field in TIMES),
        *((field, "BETWEEN", [FUTURE, PAST], "") for field in TIMES),
        *((field, "EQ", [PAST, FUTURE], "") for field in TIMES),
        (TIMES[3], "GE", [PAST], "AB"),
        (TIMES[3], "BETWEEN", [PAST, FUTURE], "AB"),
    ],
)
def test_an_operator_on_a_field(api, some, field, operator, wanted, components):
    """All five operators, each time, every status; a field that is not set is never selected."""
    assert found(api, some, selector(field, operator, *wanted)) == components


@pytest.mark.parametrize("field", TIMES)
def test_a_time_is_found_by_itself(api, some, field):
    """EQ of a time that a description shows, alone, among others, and at both ends of a range."""
    name = ids(api, some)[0]
    (fields,) = describe(api, some, name)
    at = fields[field]
    for operator, wanted in (
        ("EQ", [at]),
        ("EQ", [PAST, at]),
        ("BETWEEN", [at, at]),
        ("BETWEEN", [at, FUTURE]),
        ("BETWEEN", [PAST, at]),
        ("GE", [at]),
        ("LE", [at]),
    ):
        assert name in ids(api, some, "INSTANCE", selector(field, operator, *wanted))


def test_several_selectors_must_all_hold(api, some):
    """A status with times, as list-runs of the aws CLI sends them."""
    times = [selector(field, "BETWEEN", PAST, FUTURE) for field in TIMES[::2]]
    status = selector("@status", "EQ", "FINISHED", "PAUSED")
    assert found(api, some, *times, status) == "AC"
    assert found(api, some, status, *times) == "AC"
    assert found(api, some, *times, status, selector(TIMES[3], "GE", PAST)) == "A"
    assert found(api, some, status, selector("@status", "EQ", "CANCELED")) == ""


def test_ten_selectors_are_taken_and_eleven_refused(api, some):
    """In every sphere."""
    one = selector("@sphere", "EQ", "INSTANCE", "COMPONENT", "ATTEMPT")
    for sphere in ("COMPONENT", "INSTANCE", "ATTEMPT"):
        assert ids(api, some, sphere, *[one] * 10)
        with pytest.raises(api.exceptions.InvalidRequestException, match="at most 10"):
            ids(api, some, sphere, *[one] * 11)


@pytest.fixture(scope="module")
def many(api):
    """Three runs of 150 instances each, of which 40 are canceled; the ids by their status."""
    group = new_group()
    pipeline = start(
        api,
        item("Default", maxActiveInstances="3"),
        *(activity(f"A{n:03}", group) for n in range(MANY // 3)),
    )
    for _ in range(2):
        api.activate_pipeline(pipelineId=pipeline)
    wait_until(lambda: len(ids(api, pipeline, limit=1000)) == MANY)
    names = ids(api, pipeline, limit=1000)
    canceled = names[5::11][:40]
    api.set_status(pipelineId=pipeline, objectIds=canceled, status="TRY_CANCEL")
    return pipeline, names, canceled


def pages(api, pipeline, *selectors, limit=100):
    """The ids of each page that the paginator gets."""
    query = {"selectors": list(selectors)}
    got = api.get_paginator("query_objects").paginate(
        pipelineId=pipeline,
        sphere="INSTANCE",
        query=query,
        PaginationConfig={"PageSize": limit},
    )
    return [page["ids"] for page in got]


WAITING = selector("@status", "EQ", "WAITING_FOR_RUNNER")
CANCELED = selector("@status", "EQ", "CANCELLED")
BOTH = selector("@status", "EQ", "WAITING_FOR_RUNNER", "CANCELED", "RUNNING")
STARTED = selector("@actualStartTime", "BETWEEN", PAST, FUTURE)
SCHEDULED = selector("@scheduledStartTime", "GE", PAST)
EARLIER = selector("@scheduledEndTime", "LE", FUTURE)


@pytest.mark.parametrize("limit", [100, 7])
@pytest.mark.parametrize(
    ("selectors", "which"),
    [
        ([], "all"),
        ([STARTED], "all"),
        ([SCHEDULED], "all"),
        ([EARLIER], "all"),
        ([BOTH], "all"),
        ([BOTH, STARTED, SCHEDULED], "all"),
        ([WAITING], "waiting"),
        ([WAITING, STARTED], "waiting"),
        ([CANCELED, SCHEDULED, EARLIER], "canceled"),
        ([CANCELED], "canceled"),
        ([STARTED, CANCELED], "canceled"),
    ],
)
def test_pages_have_no_gap_and_no_repeat(api, many, selectors, which, limit):
    """Whatever the index, each id comes once; no page is longer than asked."""
    pipeline, names, canceled = many
    wanted = {
        "all": names,
        "canceled": canceled,
        "waiting": [name for name in names if name not in set(canceled)],
    }[which]
    got = pages(api, pipeline, *selectors, limit=limit)
    flat = [name for page in got for name in page]
    assert sorted(flat) == sorted(wanted)
    assert max(map(len, got)) <= limit


def test_a_run_is_found_by_its_time(api, many):
    """The 150 instances of one start, page by page."""
    pipeline, names, _ = many
    second = describe(api, pipeline, names[MANY // 2])[0]["@scheduledStartTime"]
    got = pages(api, pipeline, selector("@scheduledStartTime", "EQ", second), limit=60)
    assert [len(page) for page in got] == [60, 60, 30]
    assert sorted(name for page in got for name in page) == sorted(names[150:300])
