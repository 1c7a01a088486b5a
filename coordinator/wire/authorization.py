"""Reading what a request says of its signature: the headers Authorization and X-Amz-Date. Pure.

Clients sign different headers, so the list that the request itself names is what counts. What this
API acts upon must be in it: Host, X-Amz-Date and X-Amz-Target. Signatures in the query string and
session tokens are refused. Whether a signature is right is checked in ``signatures.py``.

Source: "Create a signed AWS API request" of the IAM User Guide.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from coordinator.errors import IncompleteSignatureError, NotSignedError, UnknownKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALGORITHM: Final = b"AWS4-HMAC-SHA256"
HEX_SHA256: Final = re.compile(rb"[0-9a-f]{64}")
MOST_HEADER: Final = 4096
MOST_NAMES: Final = 64
MOST_HEADS: Final = 1024
ALWAYS_SIGNED: Final = (b"host", b"x-amz-date")

_PARTS = ("Credential", "SignedHeaders", "Signature")
_HEAD = re.compile(rb"AWS4-HMAC-SHA256 +Credential=([^\s,=]+), *SignedHeaders=([^\s,=]+), *")
_SCOPE = re.compile(r"(\w{1,128})/(\d{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/(\w{1,64})", re.ASCII)
_NAMES = re.compile(rb"[!#$%&'*+.^`|~0-9a-z_-]+(?:;[!#$%&'*+.^`|~0-9a-z_-]+)*")
_DATE = re.compile(rb"\d{8}T\d{6}Z")


class Scope(NamedTuple):
    """What the `Credential` of a signature says; `text` is its part behind the access key id."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str
    text: bytes


class Head(NamedTuple):
    """What stays the same from request to request; `signed` are the names of headers, as listed."""

    scope: Scope
    signed: tuple[bytes, ...]
    listed: bytes
    with_target: bool


class Signature(NamedTuple):
    """What a request says of its signature."""

    head: Head
    value: bytes
    date: bytes


def merged(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name; values of one that comes repeatedly are joined by commas."""
    found = dict(headers)
    if len(found) == len(headers):
        return found
    found = {}
    for name, value in headers:
        found[name] = found[name] + b"," + value if name in found else value
    return found


def signature_of(headers: Mapping[bytes, bytes]) -> Signature:
    """Read what a request says of its signature; names of headers are in lower case.

    Raises:
        NotSignedError: there is none.
        IncompleteSignatureError: a part of it is missing or malformed.
        UnknownKeyError: it comes with a session token.
    """
    header = headers.get(b"authorization")
    if header is None:
        raise NotSignedError
    start, _, value = header[:MOST_HEADER].rpartition(b"Signature=")
    if not HEX_SHA256.fullmatch(value) or len(header) > MOST_HEADER:
        raise IncompleteSignatureError(_what_is_missing(header))
    head = _head(start)
    if not head.with_target and b"x-amz-target" in headers:
        raise IncompleteSignatureError("SignedHeaders must name x-amz-target.")
    if b"x-amz-security-token" in headers:
        raise UnknownKeyError("Session tokens are not accepted: use an access key of this service.")
    date = headers.get(b"x-amz-date", b"")
    if not _DATE.fullmatch(date):
        raise IncompleteSignatureError("The header X-Amz-Date must look like 20121129T120000Z.")
    return Signature(head, value, date)


@lru_cache(maxsize=MOST_HEADS)
def _head(start: bytes) -> Head:
    """Read an Authorization header up to its signature, which a client repeats for a whole day."""
    found = _HEAD.fullmatch(start)
    if found is None:
        raise IncompleteSignatureError(_what_is_missing(start + b"Signature="))
    names = _names(found[2])
    for name in ALWAYS_SIGNED:
        if name not in names:
            raise IncompleteSignatureError(f"SignedHeaders must name {name.decode()}.")
    return Head(scope_of(found[1]), names, found[2], b"x-amz-target" in names)


def scope_of(credential: bytes) -> Scope:
    """Read the `Credential` of a signature.

    Raises:
        IncompleteSignatureError: it is malformed.
    """
    found = _SCOPE.fullmatch(credential.decode("latin-1"))
    if found is None:
        raise IncompleteSignatureError(
            "Credential must be <access key id>/<YYYYMMDD>/<region>/datapipeline/aws4_request."
        )
    return Scope._make([*found.groups(), credential.partition(b"/")[2]])


def _names(listed: bytes) -> tuple[bytes, ...]:
    names = tuple(listed.split(b";"))
    if not _NAMES.fullmatch(listed) or len(names) > MOST_NAMES or sorted({*names}) != [*names]:
        raise IncompleteSignatureError(
            f"SignedHeaders must be at most {MOST_NAMES} names in lower case, each once, in order."
        )
    return names


def _what_is_missing(header: bytes) -> str:
    text = header[:MOST_HEADER].decode("latin-1")
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM.decode():
        return f"The header Authorization must begin with {ALGORITHM.decode()}."
    if len(header) > MOST_HEADER:
        return f"The header Authorization is longer than {MOST_HEADER} bytes."
    missing = [part for part in _PARTS if f"{part}=" not in rest]
    if missing:
        return f"The header Authorization lacks {' and '.join(missing)}."
    return (
        "The header Authorization must be AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, "
        "Signature=<64 digits in lower-case hex>."
    )
