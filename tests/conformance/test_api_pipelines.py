"""CreatePipeline, DescribePipelines, ListPipelines, DeletePipeline."""

from __future__ import annotations

import pytest
from pipelines import activity, create, finish, new_group, poll, start, values

UNKNOWN = "df-AAAA7777777777777777"


def described(api, pipeline):
    """The description of one pipeline."""
    (found,) = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    return found


def listed(api):
    """All pipelines, by id, page by page."""
    pages = api.get_paginator("list_pipelines").paginate()
    rows = [row for page in pages for row in page["pipelineIdList"]]
    found = {row["id"]: row["name"] for row in rows}
    assert len(found) == len(rows), "a pipeline is listed twice"
    return found


def test_the_same_name_and_unique_id_make_one_pipeline(api):
    """CreatePipeline called again with both returns the id that it made."""
    one = api.create_pipeline(name="daily", uniqueId="same-1")
    two = api.create_pipeline(name="daily", uniqueId="same-1", description="another")
    assert one["pipelineId"] == two["pipelineId"]
    assert described(api, one["pipelineId"]).get("description") is None


@pytest.mark.parametrize(("name", "unique"), [("daily", "other"), ("other", "same-2")])
def test_another_name_or_unique_id_makes_another_pipeline(api, name, unique):
    """Names are not unique, and neither are unique ids of different names."""
    first = api.create_pipeline(name="daily", uniqueId="same-2")["pipelineId"]
    assert api.create_pipeline(name=name, uniqueId=unique)["pipelineId"] != first


def test_a_description_has_the_documented_members_and_fields(api):
    """A new pipeline is PENDING, with name, ids, times, and its tags in order."""
    tags = [{"key": "team", "value": "data"}, {"key": "empty", "value": ""}]
    pipeline = api.create_pipeline(
        name="näme \U0001f600", uniqueId="described", description="what it is for", tags=tags
    )["pipelineId"]
    found = described(api, pipeline)
    assert found["pipelineId"] == pipeline
    assert found["name"] == "näme \U0001f600"
    assert found["description"] == "what it is for"
    assert found["tags"] == tags
    fields = values(found)
    assert fields["@pipelineState"] == "PENDING"
    assert fields["@sphere"] == "PIPELINE"
    assert fields["@id"] == pipeline
    assert fields["name"] == "näme \U0001f600"
    assert fields["uniqueId"] == "described"
    assert len(fields["@creationTime"]) == len("2012-12-13T01:24:06")


def test_an_activated_pipeline_is_scheduled(api):
    """Activation changes @pipelineState and sets @version and @lastActivationTime."""
    fields = values(described(api, start(api, activity("A", new_group()))))
    assert fields["@pipelineState"] == "SCHEDULED"
    assert fields["@version"] == "1"
    assert fields["@lastActivationTime"] >= fields["@creationTime"]


def test_a_hundred_pipelines_are_described_in_the_order_asked(api):
    """DescribePipelines takes 100 ids, more than the documented 25."""
    made = [create(api) for _ in range(100)]
    wanted = made[::-1]
    found = api.describe_pipelines(pipelineIds=wanted)["pipelineDescriptionList"]
    assert [row["pipelineId"] for row in found] == wanted


def test_more_than_a_hundred_ids_are_refused(api):
    """DescribePipelines says how many ids it takes."""
    pipeline = create(api)
    with pytest.raises(api.exceptions.InvalidRequestException, match="at most 100"):
        api.describe_pipelines(pipelineIds=[pipeline] * 101)


@pytest.mark.parametrize("unknown", [UNKNOWN, "df-123", "x", "df-" + "é" * 20, "df-" + "A" * 900])
def test_an_unknown_id_among_others_is_not_found(api, unknown):
    """One unknown id refuses the whole call and is named."""
    with pytest.raises(api.exceptions.PipelineNotFoundException, match="does not exist"):
        api.describe_pipelines(pipelineIds=[create(api), unknown])


def test_listing_pages_give_every_pipeline_once(api):
    """The paginator walks over more than one page of 100; the last page has no marker."""
    made = {create(api, f"listed {i}"): f"listed {i}" for i in range(120)}
    assert made.items() <= listed(api).items()
    first = api.list_pipelines()
    assert first["hasMoreResults"]
    assert len(first["pipelineIdList"]) == 100
    page = first
    while page["hasMoreResults"]:
        page = api.list_pipelines(marker=page["marker"])
    assert "marker" not in page


def test_an_empty_marker_means_the_first_page(api):
    """Clients may send an empty marker at first."""
    assert api.list_pipelines(marker="")["pipelineIdList"] == api.list_pipelines()["pipelineIdList"]


@pytest.mark.parametrize("marker", ["x", "1", "0:", "df-A", "df-aaaa7777777777777777", "9" * 1000])
def test_a_foreign_marker_is_refused(api, marker):
    """A marker that ListPipelines did not make is an invalid request."""
    with pytest.raises(api.exceptions.InvalidRequestException, match="'marker'"):
        api.list_pipelines(marker=marker)


def test_a_deleted_pipeline_is_gone_from_everywhere(api):
    """It is listed no more, calls on it say deleted, and a second delete finds nothing."""
    pipeline = start(api, activity("A", new_group()))
    api.delete_pipeline(pipelineId=pipeline)
    assert pipeline not in listed(api)
    with pytest.raises(api.exceptions.PipelineDeletedException, match="deleted at 20"):
        api.describe_pipelines(pipelineIds=[pipeline])
    with pytest.raises(api.exceptions.PipelineNotFoundException, match="deleted at 20"):
        api.delete_pipeline(pipelineId=pipeline)


def test_the_same_name_and_unique_id_make_a_new_pipeline_after_deletion(api):
    """A deleted pipeline does not come back."""
    old = api.create_pipeline(name="again", uniqueId="again")["pipelineId"]
    api.delete_pipeline(pipelineId=old)
    assert api.create_pipeline(name="again", uniqueId="again")["pipelineId"] != old


def test_delete_has_an_empty_body(api, replica):
    """DeletePipeline has no output: 200 with nothing in it."""
    answer = replica.post("DeletePipeline", {"pipelineId": create(api)})
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "0"


def test_a_repeated_delete_of_the_same_call_succeeds(api, replica):
    """A call repeated with the same invocation id gets the answer that was lost."""
    body = {"pipelineId": create(api)}
    again = {"amz-sdk-invocation-id": "delete-once"}
    first = replica.post("DeletePipeline", body, again)
    second = replica.post("DeletePipeline", body, again)
    other = replica.post("DeletePipeline", body, {"amz-sdk-invocation-id": "delete-twice"})
    assert (first.status, second.status, other.status) == (200, 200, 400)


def test_nothing_of_a_deleted_pipeline_is_handed_out(api):
    """Its ready tasks are gone at once, those of others are not."""
    group = new_group()
    gone = start(api, activity("Gone", group))
    start(api, activity("Stays", group))
    api.delete_pipeline(pipelineId=gone)
    task = poll(api, group)
    assert "Stays" in task["attemptId"]
    finish(api, task)
    assert "taskObject" not in api.poll_for_task(workerGroup=group)
