"""Who calls, and how to tell a repeat of a call from a new one."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import NamedTuple


class Caller(NamedTuple):
    """One API call: its account and access key, and what the SDK says of the call.

    SDKs repeat a call whose answer was lost with the same `amz-sdk-invocation-id`, and say in
    `amz-sdk-request` which attempt it is (protocol: retries). An empty `invocation` is a client
    that says neither. `worker_groups` are globs for those that it may work for; empty: any.
    """

    account: str
    access_key: str = ""
    invocation: str = ""
    attempt: int = 1
    worker_groups: tuple[str, ...] = ()

    def answer_key(self, operation: str, body: bytes) -> str:
        """Name the call for the answers kept ten minutes; empty: it cannot be told from another."""
        if not self.invocation:
            return ""
        return _digest(self.access_key, operation, self.invocation, sha256(body).hexdigest())

    def poll_key(self, group: str, hostname: str) -> str:
        """Name a PollForTask call for its repeats; made up where the client sends no id."""
        invocation = self.invocation or secrets.token_hex(16)
        return _digest(self.account, self.access_key, group, hostname, invocation)


def _digest(*parts: str) -> str:
    text = "\0".join(parts)
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
