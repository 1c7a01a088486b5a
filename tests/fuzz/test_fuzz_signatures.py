"""The Authorization header and its companions, altered in every way that a parser may trip over."""

from __future__ import annotations

import time
from hashlib import sha256

from fuzzed import fuzzed
from hypothesis import strategies as st
from replicas import Pair
from signing import lowered, signed
from wire_values import edited

from coordinator.errors import (
    BadSignatureError,
    IncompleteSignatureError,
    NotSignedError,
    RequestExpiredError,
    UnknownKeyError,
)
from coordinator.wire.authorization import merged, signature_of
from coordinator.wire.signatures import check_scope, check_signature, signing_key

PAIR = Pair("AKFUZZ", "secret/of+the/fuzzer")
BODY = b'{"taskId": "t-1"}'
HEADERS = lowered(signed(PAIR, "ReportTaskProgress", BODY, more={"X-Two": "a  b"}))
# Headers are signed once, at the import: this is when.
SIGNED_AT = time.time()
ERRORS = (
    BadSignatureError,
    IncompleteSignatureError,
    NotSignedError,
    RequestExpiredError,
    UnknownKeyError,
)
WORDS = "AWS4-HMAC-SHA256|Credential=|SignedHeaders=|Signature=|aws4_request|host|x-two|, |,|;|/|=|"
WORDS += " |\t|\x00|é"
PIECES = st.sampled_from([word.encode("latin-1") for word in WORDS.split("|")]) | st.binary(
    max_size=3
)
NAMES = st.sampled_from([*HEADERS, b"x-amz-security-token", b"x-amz-content-sha256", b"x-new"])


def accepted(headers, body=BODY, query=b""):
    """The signature of a request that is accepted; None if one of the errors for it comes out."""
    try:
        signature = signature_of(headers)
        check_scope(signature, "", SIGNED_AT)
        key = signing_key(PAIR.secret, signature.head.scope)
        check_signature(signature, key, headers, sha256(body).hexdigest(), query=query)
    except ERRORS as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600
        assert PAIR.secret not in str(error)
        return None
    return signature


def examine_header(data):
    """Check a request with these bytes for its Authorization (for the long run)."""
    assert accepted(HEADERS | {b"authorization": data}) in {None, ORIGINAL}


ORIGINAL = accepted(HEADERS)


def test_the_request_itself_is_accepted():
    """Otherwise the tests below would prove nothing."""
    assert ORIGINAL is not None


@fuzzed(edited(st.just(HEADERS[b"authorization"]), PIECES) | st.lists(PIECES).map(b"".join))
def test_an_altered_authorization_says_the_same_or_is_refused(header):
    """Whoever is let in has named the same key, scope, headers and signature."""
    examine_header(header)


@fuzzed(st.dictionaries(NAMES, PIECES | st.binary(max_size=60), min_size=1, max_size=3))
def test_headers_that_were_replaced(changed):
    """Only those that nobody signed, and runs of blanks, may differ."""
    headers = HEADERS | changed
    if accepted(headers) is not None:
        signed_names = set(ORIGINAL.head.signed)
        assert all(headers[n].split() == HEADERS[n].split() for n in changed.keys() & signed_names)


@fuzzed(st.lists(st.tuples(NAMES, st.binary(max_size=20)), min_size=1, max_size=3))
def test_headers_that_come_again(more):
    """A second value of a header counts: nothing signed can be doubled."""
    if accepted(merged([*HEADERS.items(), *more])) is not None:
        assert not {name for name, _ in more} & {*ORIGINAL.head.signed, b"authorization"}


@fuzzed(st.binary(max_size=60), st.binary(max_size=40))
def test_another_body_or_query(body, query):
    """Neither was signed."""
    same = body == BODY and not query.strip(b"&")
    assert (accepted(HEADERS, body, query) is not None) == same
