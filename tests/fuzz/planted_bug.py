"""A decoder that is broken on purpose: a fuzzer that follows coverage soon finds how."""

from __future__ import annotations

import atheris

from coordinator.errors import InvalidRequestError
from coordinator.wire.codec import decode
from coordinator.wire.operations import OPERATIONS

LIST = OPERATIONS["ListPipelines"]


@atheris.instrument_func
def broken_decoder(body: bytes) -> None:
    """Break down at a body that begins with ``{}!!``, and behave at any other."""
    for place, byte in enumerate(b"{}!!"):
        if place >= len(body) or body[place] != byte:
            break
    else:
        raise IndexError(body)
    try:
        decode(LIST, body)
    except InvalidRequestError:
        return
