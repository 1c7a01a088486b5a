"""Who may call: everybody, or who signs with a credential that has a role for it.

Two steps, so that a stranger's body is not even read: `known` looks at the headers alone,
`admitted` at the signature over the whole request and at the roles. Which worker groups a runner
may work for is checked where they are known: for polls and heartbeats by `check_group`, for reports
and results in the scripts, by the group of the task.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from coordinator.domain.credentials import LOCAL, OPERATOR, Credential, matches, roles_for
from coordinator.errors import AccessDeniedError, UnknownKeyError
from coordinator.wire.authorization import Signature, merged, signature_of
from coordinator.wire.signatures import (
    SigningKeys,
    check_scope,
    check_signature,
    hashed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coordinator.service.caller import Caller
    from coordinator.service.keyring import Keyring

MOST_AT_ONCE, MOST_SHOWN = 65536, 64
ANYBODY: Final = Credential("", "", LOCAL, frozenset({OPERATOR}))


class Known(NamedTuple):
    """A request that names a credential, and says that it was signed lately with it."""

    credential: Credential
    signature: Signature
    headers: Mapping[bytes, bytes]
    query: bytes


class Access:
    """Who may call a replica; without a keyring everybody may do everything in one account."""

    def __init__(self, keyring: Keyring | None, region: str) -> None:
        self.keyring = keyring
        self.signed = keyring is not None
        self._region = region
        self._signing_keys = SigningKeys()

    def known(self, headers: Sequence[tuple[bytes, bytes]], query: bytes = b"") -> Known | None:
        """Find the credential that a request names; None where nobody needs one.

        Raises:
            NotSignedError, IncompleteSignatureError, UnknownKeyError, BadSignatureError,
            RequestExpiredError
        """
        if self.keyring is None:
            return None
        given = merged(headers)
        signature = signature_of(given)
        credential = self.keyring.find(signature.head.scope.access_key)
        if credential is None:
            raise UnknownKeyError
        check_scope(signature, self._region, time.time())
        return Known(credential, signature, given, query)

    async def admitted(self, known: Known | None, operation: str, body: bytes) -> Credential:
        """Return the credential that signed this call, if it may make it.

        Raises:
            BadSignatureError: it has signed something else.
            AccessDeniedError: it has no role for the operation.
        """
        if known is None:
            return ANYBODY
        credential, signature, headers, query = known
        key = self._signing_keys.of(credential.secret, signature.head.scope)
        long = len(body) > MOST_AT_ONCE  # others would wait
        payload = await asyncio.to_thread(hashed, body) if long else hashed(body)
        check_signature(signature, key, headers, payload, query=query)
        self._signing_keys.keep(credential.secret, signature.head.scope, key)
        if not credential.may(operation):
            raise AccessDeniedError(
                f"{_sorry(credential.access_key, operation)}: it needs the role "
                f"{' or '.join(roles_for(operation))}."
            )
        return credential

    def still(self, credential: Credential) -> bool:
        """Whether a credential that was admitted is in force now, as it was then."""
        return self.keyring is None or self.keyring.has(credential)

    def holder(self, access_key: str, secret: str) -> Credential | None:
        """Find a credential by the pair itself, the secret compared in constant time."""
        credential = self.keyring.find(access_key) if self.keyring else None
        if credential is None:
            return None
        same = hmac.compare_digest(credential.secret.encode(), secret.encode())
        return credential if same else None


def check_group(caller: Caller, operation: str, group: str) -> None:
    """Let a runner work for its worker groups only.

    Raises:
        AccessDeniedError: this is none of them.
    """
    globs = caller.worker_groups
    if globs and not any(matches(glob, group) for glob in globs):
        raise foreign_group(caller, operation, f"worker group {group[:MOST_SHOWN]!r}")


def foreign_group(
    caller: Caller, operation: str, group: str = "this worker group"
) -> AccessDeniedError:
    """Make the error for a call about a worker group that is none of the caller's.

    It is named only where the caller has named it: of a task's it is not told.
    """
    return AccessDeniedError(
        f"{_sorry(caller.access_key, operation)} in {group}: it needs the role runner "
        "for the group, or operator."
    )


def _sorry(access_key: str, operation: str) -> str:
    action = operation[:MOST_SHOWN]
    return f"User: {access_key} is not authorized to perform: datapipeline:{action}"
