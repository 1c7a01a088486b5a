"""Reading an Authorization header: whatever is not quite one is refused with a sentence."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replicas import Pair
from signing import lowered, signed

from coordinator.errors import (
    BadSignatureError,
    IncompleteSignatureError,
    NotSignedError,
    UnknownKeyError,
)
from coordinator.wire.authorization import signature_of
from coordinator.wire.signatures import check_scope


def test_no_signature():
    """Neither an empty set of headers nor one with a signature elsewhere has one."""
    with pytest.raises(NotSignedError):
        signature_of({})


def test_a_session_token_is_refused():
    """There are none here."""
    headers = lowered(signed(Pair("AKTESTER", "x" * 20), "ListPipelines", b"")) | {
        b"x-amz-security-token": b"t"
    }
    with pytest.raises(UnknownKeyError):
        signature_of(headers)


DAY = "20121129/us-east-1/datapipeline/aws4_request"
HEADS = "host;x-amz-date;x-amz-target"


def line(credential=f"AK/{DAY}", names=HEADS, value="0" * 64):
    """Write an Authorization header."""
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={value}"


@pytest.mark.parametrize(
    ("header", "about"),
    [
        ("", "begin with"),
        ("Basic dXNlcjpwYXNz", "begin with"),
        ("AWS4-HMAC-SHA256", "lacks Credential and SignedHeaders and Signature"),
        (f"AWS4-HMAC-SHA256 Credential=AK/{DAY}, SignedHeaders={HEADS}", "lacks Signature"),
        (line(value="0" * 63), "64 digits"),
        (line(value="A" * 64), "64 digits"),
        (line() + ", Signature=" + "0" * 64, "64 digits"),
        (line() + " ", "64 digits"),
        (line(names="host;" * 2000), "longer than"),
        (line(names="x-amz-date;host;x-amz-target"), "in order"),
        (line(names="host;host;x-amz-date;x-amz-target"), "in order"),
        (line(names="Host;x-amz-date;x-amz-target"), "lower case"),
        (line(names=";".join(f"h{n:03}" for n in range(65))), "at most 64"),
        (line(names="host;x-amz-target"), "x-amz-date"),
        (line(names="x-amz-date;x-amz-target"), "host"),
        (line(names="host;x-amz-date"), "x-amz-target"),
        (line(credential=f"AK/extra/{DAY}"), "Credential must be"),
        (line(credential=f"/{DAY}"), "Credential must be"),
        (line(credential=f"A-K/{DAY}"), "Credential must be"),
        (line(credential="AK"), "Credential must be"),
    ],
)
def test_a_malformed_signature_has_a_sentence(header, about):
    """Which names the part that is wrong."""
    headers = {b"x-amz-date": b"20121129T000000Z", b"x-amz-target": b"x", b"host": b"h"}
    with pytest.raises(IncompleteSignatureError, match=about):
        signature_of(headers | {b"authorization": header.encode()})


@pytest.mark.parametrize("date", [b"", b"20121129", b"20121129T000000", b"20121329T000000Z"])
def test_a_malformed_date(date):
    """A time is needed, in the one form."""
    headers = {b"x-amz-date": date, b"host": b"h", b"authorization": line().encode()}
    with pytest.raises((IncompleteSignatureError, BadSignatureError)):
        check_scope(signature_of(headers | {b"x-amz-target": b"x"}), "", 0)


def test_commas_without_spaces():
    """Old clients write none."""
    headers = {b"x-amz-date": b"20121129T000000Z", b"host": b"h"}
    header = line().replace(", ", ",").encode()
    assert signature_of(headers | {b"authorization": header}).head.scope.date == "20121129"


WORDS = b"AWS4-HMAC-SHA256| |,|Credential=|SignedHeaders=|Signature=|=|;|/|AK|\xff|host|\n|\t"
PIECES = st.sampled_from([*WORDS.split(b"|"), DAY.encode(), HEADS.encode(), b"0" * 64])
HEADER = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=20).map(b"".join))


@given(HEADER, st.one_of(st.binary(max_size=20), st.just(b"20121129T000000Z")))
def test_any_header_is_read_or_refused(header, date):
    """Nothing but what the parser says it raises comes out of it."""
    headers = {b"authorization": header, b"x-amz-date": date, b"host": b"h"}
    with suppress(IncompleteSignatureError):
        found = signature_of(headers)
        assert len(found.value) == 64
        assert found.head.scope.text == header.partition(b"/")[2].partition(b",")[0]
