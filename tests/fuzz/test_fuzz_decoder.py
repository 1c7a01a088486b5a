"""Bodies: requests that the model allows, and those with something wrong in them."""

from __future__ import annotations

import json
import re

from fuzzed import fuzzed
from hypothesis import strategies as st
from wire_values import JUNK, as_json, damaged, edited, requests

from coordinator.errors import InvalidRequestError
from coordinator.wire.codec import decode, encode
from coordinator.wire.operations import OPERATIONS

OPERATION = st.sampled_from(list(OPERATIONS.values()))
WITH_REQUEST = OPERATION.flatmap(lambda op: st.tuples(st.just(op), requests(op)))
ESCAPES = ["\\ud800", "\\udc00", "\\u0000", "\\uFFFE", "\\b", "\\\\", "\\", "\\u", '"', "\ufffe"]
PIECES = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([*ESCAPES, "null", "{", "[", "]", "}", ",", ":", "1e999", "-0", "\x00"]).map(
        str.encode
    ),
)
# What a caller reads: one line, with an end, of bounded length whatever was sent.
SENTENCE = re.compile(r"[A-Z][^\n\r]{4,398}\.")


def refusal(operation, body):
    """The sentence with which a body is refused; None if it is a request that keeps its form."""
    try:
        request = decode(operation, body)
    except InvalidRequestError as error:
        assert SENTENCE.fullmatch(str(error)), str(error)[:500]
        return str(error)
    assert isinstance(request, operation.input)
    assert decode(operation, encode(request)) == request
    return None


def examine_body(data):
    """Decode a body behind one byte that chooses the operation (for the long run)."""
    if data:
        operation = list(OPERATIONS.values())[data[0] % len(OPERATIONS)]
        refusal(operation, data[1:])


@fuzzed(WITH_REQUEST)
def test_what_the_model_allows_is_read(given_one):
    """Every member that was sent is there, and a request written again is the same request."""
    operation, request = given_one
    assert refusal(operation, as_json(request)) is None
    read = json.loads(encode(decode(operation, as_json(request))))
    kept = {name: value for name, value in read.items() if value is not None}
    assert kept.keys() == {name for name, value in request.items() if value is not None}


@fuzzed(OPERATION.flatmap(lambda op: st.tuples(st.just(op), damaged(requests(op)) | JUNK)))
def test_a_damaged_request_is_read_or_refused_in_a_sentence(given_one):
    """Whichever member was replaced, taken away or added."""
    operation, request = given_one
    refusal(operation, as_json(request))


@fuzzed(
    OPERATION.flatmap(
        lambda op: st.tuples(st.just(op), edited(requests(op).map(as_json), PIECES) | st.binary())
    )
)
def test_damaged_bytes_are_read_or_refused_in_a_sentence(given_one):
    """Wherever a text was cut, or filled with bytes of another kind."""
    refusal(*given_one)


@fuzzed(WITH_REQUEST, st.data())
def test_a_required_member_that_is_missing_is_named(given_one, data):
    """By the path that the caller knows."""
    operation, request = given_one
    needed = [f for f in operation.input.__struct_encode_fields__ if f in request]
    if not needed:
        return
    name = data.draw(st.sampled_from(needed))
    rest = {key: value for key, value in request.items() if key != name}
    sentence = refusal(operation, as_json(rest))
    assert sentence in {None, f"Member '{name}' is missing."}


@fuzzed(st.sampled_from(list(OPERATIONS)), st.binary(max_size=40))
def test_a_bom_or_trailing_bytes_do_not_hide(name, more):
    """What stands behind a whole request makes it no request at all."""
    operation = OPERATIONS[name]
    for body in (b"{}" + b"x" + more, b"\xef\xbb\xbf{}" + more):
        assert refusal(operation, body) is not None
