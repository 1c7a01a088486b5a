"""What an error reply of Redis means.

The code is the first word of the reply. Redis sends those of `TROUBLES` before a command or a
script has written anything, so such a call had no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.errors import CoordinatorError, UnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from hiredis import ReplyError

TROUBLES = {
    "LOADING": "is loading its data",
    "READONLY": "is a replica and takes no writes; the primary is looked for",
    "MASTERDOWN": "is a replica that has lost its primary",
    "OOM": "is out of memory (maxmemory) and refuses what adds data",
    "BUSY": "is busy with a script that does not end",
    "CLUSTERDOWN": "is part of a cluster that is down",
    "TRYAGAIN": "is handing a part of the cluster over to another node",
    "NOREPLICAS": "has fewer replicas than min-replicas-to-write asks for",
    "MISCONF": "cannot write to its disk",
    "NOAUTH": "asks for a password",
    "WRONGPASS": "does not accept the user name and password",
    "NOPERM": "does not allow this user the command",
}
# How 7.0, and 7.2 and newer, begin when a script's user lacks a right. What the script did before
# stands; that it comes to this is prevented by looking at the rights first (`permissions`).
FORBIDDEN = ("The user executing the script can't", "ACL failure in script")
# After these the connection is of no use: the server, or what it is, must be found anew.
RECONNECT = frozenset({"LOADING", "READONLY", "MASTERDOWN", "NOAUTH"})


class ScriptError(CoordinatorError):
    """A script, or a command, refused: `code` is the first word of the reply, `detail` the rest."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.detail = detail


class RedirectError(UnavailableError):
    """The key belongs to another node of the cluster: for good, or (`ask`) for this call only."""

    def __init__(self, message: str, host: str, port: int, *, ask: bool) -> None:
        super().__init__(message)
        self.host = host
        self.port = port
        self.ask = ask


def code_of(reply: ReplyError) -> str:
    """Return the first word of an error reply."""
    return str(reply).partition(" ")[0]


def failure(reply: ReplyError, name: str) -> CoordinatorError:
    """Return the exception that says what the error reply of the server `name` means."""
    code, _, detail = str(reply).partition(" ")
    if code in ("MOVED", "ASK"):
        return _redirect(code, detail, name)
    if code in TROUBLES:
        return UnavailableError(f"Redis at {name} {TROUBLES[code]} ({code}); repeat the call.")
    if any(words in detail for words in FORBIDDEN):
        return UnknownOutcomeError(f"Redis at {name} forbids this user a part of it: {detail}.")
    return ScriptError(code, detail)


def _redirect(code: str, detail: str, name: str) -> RedirectError:
    """Parse ``<slot> <host>:<port>``; an empty host means the one that was asked.

    See https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ (redirections).
    """
    slot, _, address = detail.partition(" ")
    host, _, port = address.rpartition(":")
    host = host or name.rpartition(":")[0]
    message = f"Slot {slot} is not at {name} but at {address} (cluster); repeat the call."
    return RedirectError(message, host.strip("[]"), int(port), ask=code == "ASK")
