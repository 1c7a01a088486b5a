"""Which operation a request names, and whether its body is of a kind that we read.

Source of the header: the `json` protocol of the service model. Only JSON content types are let in,
so that a web page cannot send a request here without the browser asking first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import parse_qs

from coordinator.errors import InvalidRequestError

TARGET_HEADER: Final = "X-Amz-Target"
CONTENT_TYPE: Final = "application/x-amz-json-1.1"
CONTENT_TYPES: Final = frozenset({CONTENT_TYPE, "application/x-amz-json-1.0", "application/json"})

_EXACT = frozenset(name.encode() for name in CONTENT_TYPES)
_SHOWN = 100


def operation_of(header: bytes | None, query: bytes = b"") -> str:
    """The operation's name: what follows the last dot of X-Amz-Target.

    Without the header the parameter of that name in `query`, the raw query string, is taken.

    Raises:
        InvalidRequestError: neither is there, or no name follows the dot.
    """
    target = header if header is not None else _in_query(query)
    if target is None:
        raise InvalidRequestError(
            f"The header {TARGET_HEADER} is missing; it must be DataPipeline.<Operation>."
        )
    return _after_last_dot(target)


def check_content_type(header: bytes | None) -> None:
    """Let the three JSON content types pass, with or without parameters such as a charset.

    Raises:
        InvalidRequestError: the header is missing or names another type.
    """
    if header in _EXACT:
        return
    if header is None:
        raise InvalidRequestError(f"The header Content-Type is missing; it must be {CONTENT_TYPE}.")
    shown = header.decode("latin-1")
    if shown.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise InvalidRequestError(
            f"The header Content-Type must be {CONTENT_TYPE}, not {shown[:_SHOWN]!r}."
        )


@lru_cache(maxsize=256)
def _after_last_dot(target: bytes) -> str:
    name = target.rpartition(b".")[2].strip().decode("ascii", "replace")
    if not name:
        raise InvalidRequestError(f"The header {TARGET_HEADER} names no operation.")
    return name


def _in_query(query: bytes) -> bytes | None:
    if not query:
        return None
    try:
        values = parse_qs(query.decode("latin-1"), max_num_fields=_SHOWN).get(TARGET_HEADER)
    except ValueError:  # more parameters than anybody needs
        return None
    return values[0].encode(errors="replace") if values else None
