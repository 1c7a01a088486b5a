"""Task handles and pipeline ids: what was altered is unknown, and nothing else."""

from __future__ import annotations

import string

import pytest
from fuzzed import fuzzed
from hypothesis import strategies as st
from wire_values import edited

from coordinator.domain.ids import (
    ALPHABET,
    MAX_SHARDS,
    decode_handle,
    encode_handle,
    new_claim,
    new_pipeline_id,
    shard_of,
)
from coordinator.errors import PipelineNotFoundError, TaskNotFoundError

ACCOUNTS = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=64)
COUNTS = st.integers(0, 2**32 - 1)
IDS = st.integers(0, MAX_SHARDS - 1).map(new_pipeline_id)
HANDLES = st.builds(
    lambda pipeline, n, attempt: encode_handle("data", pipeline, n, attempt, new_claim()),
    IDS,
    COUNTS,
    COUNTS,
).map(str.encode)
PIECES = st.sampled_from([b"", b"=", b"==", b"A", b"/", b"+", b"\n", b" ", b"-", b"_", b"\x00"])


def examine_handle(text):
    """Read a handle: unknown, or exactly the text that this service writes for what it says."""
    try:
        handle = decode_handle("data", text)
    except TaskNotFoundError as error:
        assert len(str(error)) < 100
        return
    again = encode_handle("data", handle.pipeline_id, handle.n, handle.attempt, handle.claim)
    assert again == text
    assert shard_of(handle.pipeline_id) == handle.shard


@fuzzed(ACCOUNTS, IDS, COUNTS, COUNTS)
def test_a_handle_says_what_was_put_into_it(account, pipeline, n, attempt):
    """In the account that it was made for."""
    claim = new_claim()
    text = encode_handle(account, pipeline, n, attempt, claim)
    assert decode_handle(account, text) == (shard_of(pipeline), pipeline, n, attempt, claim)


@fuzzed(ACCOUNTS, HANDLES)
def test_a_handle_of_another_account_is_unknown(account, handle):
    """The checksum is keyed with it."""
    with pytest.raises(TaskNotFoundError):
        decode_handle(f"{account}.", handle.decode())


@fuzzed(edited(HANDLES, PIECES | st.binary(max_size=3)).map(lambda text: text.decode("latin-1")))
def test_an_altered_handle_is_unknown(text):
    """There are no two texts for one handle."""
    examine_handle(text)


@fuzzed(HANDLES)
def test_one_bit_changed_in_a_handle(handle):
    """Each one, however it is altered, is unknown."""
    for bit in range(len(handle) * 8):
        changed = bytearray(handle)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TaskNotFoundError):
            decode_handle("data", changed.decode("latin-1"))


@fuzzed(st.text(max_size=70) | edited(HANDLES).map(lambda text: text.decode("latin-1")))
def test_any_text_is_a_handle_or_unknown(text):
    """Nothing but the one error comes out."""
    examine_handle(text or "x")


@fuzzed(st.data())
def test_an_altered_handle_does_nothing(place, tried, data):
    """No call with it is accepted, and nothing in Redis has changed."""
    whole, before = place.handle.encode(), place.state()
    text = data.draw(edited(st.just(whole), PIECES | st.binary(max_size=3))).decode("latin-1")
    if text in {place.handle, ""}:
        return
    for operation, more in (("ReportTaskProgress", {}), ("SetTaskStatus", {"taskStatus": "FALSE"})):
        answer = place.replica.post(operation, {"taskId": text} | more)
        assert (answer.status, answer.headers["x-coordinator-verdict"]) == (400, "unknown")
        assert answer.headers["x-amzn-errortype"] == "TaskNotFoundException"
        tried["handles"] += 1
    assert place.state() == before


@fuzzed(st.text(max_size=30) | st.text(ALPHABET, min_size=20, max_size=20).map("df-".__add__))
def test_any_text_is_a_pipeline_id_or_unknown(text):
    """Its shard is one that there can be."""
    try:
        shard = shard_of(text)
    except PipelineNotFoundError as error:
        assert len(str(error)) < 100
    else:
        assert 0 <= shard < MAX_SHARDS
        assert text[:3] == "df-"
        assert len(text) == 23
