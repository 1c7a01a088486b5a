"""AddTags and RemoveTags."""

from __future__ import annotations

import uuid

import pytest
from pipelines import create


def tags_of(api, pipeline):
    """The tags of a pipeline, as DescribePipelines tells them."""
    (found,) = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    return {tag["key"]: tag["value"] for tag in found["tags"]}


def add(api, pipeline, **tags):
    """Add these tags."""
    rows = [{"key": key, "value": value} for key, value in tags.items()]
    api.add_tags(pipelineId=pipeline, tags=rows)


def test_a_tag_is_added_and_overwritten(api):
    """Those of the creation stay; a value may be empty; an untagged pipeline has an empty list."""
    created = [{"key": "team", "value": "data"}]
    pipeline = api.create_pipeline(name="tagged", uniqueId=uuid.uuid4().hex, tags=created)[
        "pipelineId"
    ]
    add(api, pipeline, stage="test", empty="")
    assert tags_of(api, pipeline) == {"team": "data", "stage": "test", "empty": ""}
    add(api, pipeline, stage="live")
    assert tags_of(api, pipeline) == {"team": "data", "stage": "live", "empty": ""}
    assert tags_of(api, create(api)) == {}


def test_a_key_that_is_given_twice_has_its_last_value(api):
    """At the creation as later: a pipeline has each key once."""
    twice = [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    pipeline = api.create_pipeline(name="twice", uniqueId=uuid.uuid4().hex, tags=twice)[
        "pipelineId"
    ]
    (found,) = api.describe_pipelines(pipelineIds=[pipeline])["pipelineDescriptionList"]
    assert found["tags"] == twice[1:]
    api.add_tags(pipelineId=pipeline, tags=twice[::-1])
    assert tags_of(api, pipeline) == {"k": "1"}


def test_a_tag_is_removed(api):
    """One that is not there is no mistake, nor is a key named twice."""
    pipeline = create(api)
    add(api, pipeline, a="1", b="2")
    api.remove_tags(pipelineId=pipeline, tagKeys=["a", "a", "unknown"])
    assert tags_of(api, pipeline) == {"b": "2"}
    api.remove_tags(pipelineId=pipeline, tagKeys=[])
    assert tags_of(api, pipeline) == {"b": "2"}


def test_ten_tags_are_the_most(api):
    """An eleventh is refused with the whole call; a new value of one of them is not."""
    pipeline = create(api)
    add(api, pipeline, **{f"k{n}": "" for n in range(9)})
    with pytest.raises(api.exceptions.InvalidRequestException, match="11 tags; 10 are allowed"):
        add(api, pipeline, k8="new", x="", y="")
    assert len(tags_of(api, pipeline)) == 9
    assert tags_of(api, pipeline)["k8"] == ""
    add(api, pipeline, k9="", k0="new")
    assert tags_of(api, pipeline)["k0"] == "new"


@pytest.mark.parametrize(
    "tag",
    [
        {"key": "", "value": "v"},
        {"key": "k" * 129, "value": "v"},
        {"key": "k", "value": "v" * 257},
        {"key": "k"},
        {"value": "v"},
    ],
)
def test_a_tag_beyond_the_models_bounds_is_refused(replica, api, tag):
    """The sentence names the member."""
    pipeline = create(api)
    answer = replica.post("AddTags", {"pipelineId": pipeline, "tags": [tag]})
    assert answer.status == 400
    assert answer.headers["x-amzn-errortype"] == "InvalidRequestException"
    assert b"tags[0]." in answer.body
    assert tags_of(api, pipeline) == {}


def test_the_longest_tag_fits(api):
    """128 and 256 characters, of any language."""
    pipeline = create(api)
    add(api, pipeline, **{"\U0001f600" * 128: "é" * 256})
    assert tags_of(api, pipeline) == {"\U0001f600" * 128: "é" * 256}


def test_tags_answer_an_empty_object(api, replica):
    """Neither operation's output has members."""
    pipeline = create(api)
    added = {"pipelineId": pipeline, "tags": [{"key": "k", "value": "v"}]}
    assert replica.post("AddTags", added).body == b"{}"
    assert replica.post("RemoveTags", {"pipelineId": pipeline, "tagKeys": ["k"]}).body == b"{}"
