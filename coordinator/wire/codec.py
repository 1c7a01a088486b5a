"""JSON to requests and answers to JSON: every malformed body becomes one sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from coordinator.errors import InvalidRequestError
from coordinator.wire.characters import (
    forbidden_member,
    may_hold_forbidden,
    without_lone_surrogates,
)
from coordinator.wire.sentences import sentence_for

if TYPE_CHECKING:
    from coordinator.wire.operations import Operation

_ENCODER = msgspec.json.Encoder()
# What msgspec says of half a surrogate pair; the second where the body ends soon after.
_HALF_PAIR = re.compile("surrogate|truncated")


def decode(operation: Operation, body: bytes) -> msgspec.Struct:
    """The request in `body`, of type `operation.input`; an empty body counts as ``{}``.

    Raises:
        InvalidRequestError: the body breaks the model's rules; the message names the member.
    """
    try:
        request = operation.decoder.decode(body or b"{}")
    except (ValueError, RecursionError) as error:
        return _second_try(operation, body, error)
    if may_hold_forbidden(body):
        _check_characters(request)
    return request


def encode(answer: object) -> bytes:
    """`answer` as JSON in UTF-8."""
    return _ENCODER.encode(answer)


def _second_try(operation: Operation, body: bytes, error: Exception) -> msgspec.Struct:
    """Decode a body that failed once more, without what a tolerant operation lets pass."""
    if isinstance(error, msgspec.DecodeError) and _HALF_PAIR.search(str(error)):
        repaired = without_lone_surrogates(body)
        if operation.tolerant and repaired != body:
            return decode(operation, repaired)
        if repaired != body:
            raise InvalidRequestError(
                "The request body has a \\u escape that is half of a surrogate pair."
            ) from error
    raise InvalidRequestError(sentence_for(error)) from error


def _check_characters(request: msgspec.Struct) -> None:
    member = forbidden_member(request)
    if member is not None:
        raise InvalidRequestError(
            f"Member '{member}' holds a control character or another that XML 1.0 does not allow."
        )
