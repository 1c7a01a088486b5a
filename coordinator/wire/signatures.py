"""AWS Signature Version 4: whether a request was signed with an access key's secret. Pure.

The canonical request is made over the list of headers that the request itself names, from the
values as they were sent; bodies that are not signed are refused. The API has one path, so paths are
not made canonical: it is always ``/``.

Source: "Create a signed AWS API request" of the IAM User Guide, and its test suite.
"""

from __future__ import annotations

from calendar import timegm
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, digest
from time import strptime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from coordinator.errors import BadSignatureError, IncompleteSignatureError, RequestExpiredError
from coordinator.wire.authorization import ALGORITHM, HEX_SHA256, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coordinator.wire.authorization import Signature

SERVICE: Final = "datapipeline"
TERMINATOR: Final = "aws4_request"
WINDOW: Final = 300  # seconds that a request's clock may differ from this replica's
MOST_KEYS: Final = 1024

_EMPTY = sha256()
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_UNRESERVED = "-_.~"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided: check the "
    "secret access key, and that nothing between you and the service changes the request."
)


class SigningKey:
    """HMAC-SHA256 with one key, from two hashes that have taken it in (RFC 2104).

    Copies of a hash cost less than half of what OpenSSL takes to set up a new one.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def sign(self, text: bytes) -> bytes:
        """Return the signature of a text, in hex."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.hexdigest().encode()


class SigningKeys:
    """The signing keys of access keys that have signed lately, each for a day and a region.

    A key costs four HMACs. It is kept once a signature made with it was right, so that nobody
    without a secret can push others out.
    """

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._keys: dict[tuple[str, bytes], SigningKey] = {}
        self._most = most

    def of(self, secret: str, scope: Scope) -> SigningKey:
        """Return the key with which `secret` signs in `scope`."""
        return self._keys.get((secret, scope.text)) or signing_key(secret, scope)

    def keep(self, secret: str, scope: Scope, key: SigningKey) -> None:
        """Keep a key that has signed; beyond the bound the oldest goes."""
        if self._keys.setdefault((secret, scope.text), key) is key:
            while len(self._keys) > self._most:
                del self._keys[next(iter(self._keys))]

    def __len__(self) -> int:
        return len(self._keys)


def hashed(data: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex (from a copy, as in `SigningKey`)."""
    found = _EMPTY.copy()
    found.update(data)
    return found.hexdigest()


def check_scope(signature: Signature, region: str, now: float, service: str = SERVICE) -> None:
    """Check for whom a signature was made and when; an empty `region` stands for any.

    Raises:
        BadSignatureError: it is for another day, region or service.
        RequestExpiredError: it was made more than five minutes ago, or will be.
    """
    scope, day = signature.head.scope, signature.date[:8].decode()
    right = (day, region or scope.region, service, TERMINATOR)
    if scope[1:5] != right:
        raise BadSignatureError(_scope_sentence(scope, right))
    off = now - _seconds(signature.date)
    if abs(off) > WINDOW:
        side = "behind" if off > 0 else "ahead of"
        raise RequestExpiredError(
            f"X-Amz-Date is {abs(off):.0f} s {side} this service's clock; "
            f"{WINDOW} s are allowed: set the clock of the client."
        )


def check_signature(
    signature: Signature,
    key: SigningKey,
    headers: Mapping[bytes, bytes],
    payload: str,
    *,
    method: bytes = b"POST",
    query: bytes = b"",
) -> None:
    """Check a signature against the request; `payload` is the SHA-256 of the body, in hex.

    Raises:
        BadSignatureError: another key has made it, or something that it covers was changed.
    """
    given = payload.encode()
    said = headers.get(b"x-amz-content-sha256")
    if said is not None and not compare_digest(said, given):
        raise BadSignatureError(_payload_sentence(said))
    request = canonical_request(signature, headers, given, method, query)
    text = b"%b\n%b\n%b\n%b" % (
        ALGORITHM,
        signature.date,
        signature.head.scope.text,
        hashed(request).encode(),
    )
    if not compare_digest(key.sign(text), signature.value):
        raise BadSignatureError(_MISMATCH)


def canonical_request(
    signature: Signature,
    headers: Mapping[bytes, bytes],
    payload: bytes,
    method: bytes = b"POST",
    query: bytes = b"",
) -> bytes:
    """Write a request of path ``/`` in the form that is signed.

    Raises:
        BadSignatureError: a header that is said to be signed is not there.
    """
    head = signature.head
    try:
        lines = b"\n".join([b"%b:%b" % (name, headers[name]) for name in head.signed])
    except KeyError as error:
        name = error.args[0].decode()[:64]
        raise BadSignatureError(f"SignedHeaders names {name}, which is missing.") from None
    if b" " in lines or b"\t" in lines:  # runs of blanks count as one, those around as none
        lines = b"\n".join(
            [b"%b:%b" % (name, b" ".join(headers[name].split())) for name in head.signed]
        )
    form = canonical_query(query) if query else b""
    return b"%b\n/\n%b\n%b\n\n%b\n%b" % (method, form, lines, head.listed, payload)


def canonical_query(query: bytes) -> bytes:
    """Write a query string in order, each name and value percent-encoded in the one way."""
    pairs = [part.partition(b"=")[::2] for part in query.split(b"&") if part]
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def signing_key(secret: str, scope: Scope) -> SigningKey:
    """Make the key with which a secret signs on a day, in a region, for a service."""
    key = f"AWS4{secret}".encode()
    for part in scope[1:5]:
        key = digest(key, str(part).encode(), "sha256")
    return SigningKey(key)


@lru_cache(maxsize=MOST_KEYS)
def _seconds(date: bytes) -> int:
    try:
        return timegm(strptime(date.decode("ascii"), "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise IncompleteSignatureError("The header X-Amz-Date names no time.") from None


def _encoded(text: bytes) -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe=_UNRESERVED)


def _scope_sentence(scope: Scope, right: tuple[str, ...]) -> str:
    name, given, wanted = next(
        row for row in zip(Scope._fields[1:5], scope[1:5], right, strict=True) if row[1] != row[2]
    )
    return f"The {name} in the scope of the Credential must be {wanted!r}, not {given!r}."


def _payload_sentence(said: bytes) -> str:
    if HEX_SHA256.fullmatch(said):
        return "The header x-amz-content-sha256 is not the SHA-256 of the body."
    return "The header x-amz-content-sha256 must be the SHA-256 of the body; it has to be signed."
