"""A replica whose calls must be signed, with a credential of each kind, and calls to it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from dumps import dump
from refusing import REQUEST_ID
from replicas import CONTENT_TYPE, Answer, Pair, ReplicaProcess
from signing import signed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dumps import Dump
    from servers import Server

# By name: account, roles, worker groups.
KINDS: dict[str, tuple[str, list[str], list[str]]] = {
    "operator": ("data", ["operator"], []),
    "viewer": ("data", ["viewer"], []),
    "runner": ("data", ["runner"], ["etl-*"]),
    "rotated": ("data", ["runner"], ["etl-*"]),
    "others": ("data", ["runner"], ["web-*", "etl"]),
    "anywhere": ("data", ["runner", "viewer"], ["*"]),
    "stranger": ("elsewhere", ["operator"], []),
    "off": ("data", ["operator"], []),
}
PAIRS = {name: Pair(f"KEY_{name}", f"secret/of+the/{name}==") for name in KINDS}


def basic(who: str | Pair) -> dict[str, str]:
    """Return the header of HTTP Basic for a pair, or for the name of one."""
    pair = PAIRS[who] if isinstance(who, str) else who
    return {"Authorization": f"Basic {b64encode(':'.join(pair).encode()).decode()}"}


def entry(name: str, pair: Pair | None = None, **more: Any) -> str:
    """Write the entry of a credential."""
    account, roles, groups = KINDS[name]
    key, secret = pair or PAIRS[name]
    members: dict[str, Any] = {
        "access_key_id": key,
        "secret_access_key": secret,
        "account": account,
        "roles": roles,
        **({"worker_groups": groups} if groups else {}),
        **more,
    }
    lines = [f"{member} = {json.dumps(value)}" for member, value in members.items()]
    return "\n".join(["[[credential]]", *lines, ""])


def everybody() -> str:
    """Write the whole file."""
    return "".join(entry(name, **({"disabled": True} if name == "off" else {})) for name in KINDS)


class Gate:
    """Such a replica, and what was sent through it."""

    def __init__(self, server: Server, folder: Path, **settings: object) -> None:
        self.server, self.file = server, folder / "credentials.toml"
        self.write(everybody())
        self.replica = ReplicaProcess(
            server.url, POLL_WAIT=1, CREDENTIALS_FILE=self.file, **settings
        )
        self.replica.pair = PAIRS["operator"]

    def write(self, text: str) -> None:
        """Replace the file as an administrator should: by a rename."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.file)

    def call(
        self,
        who: str | Pair,
        operation: str,
        members: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        unsigned: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sign a call and send it; `more` headers are signed, `unsigned` ones come after."""
        body = json.dumps(members).encode()
        pair = PAIRS[who] if isinstance(who, str) else who
        headers = signed(pair, operation, body, self.replica.url + "/", more)
        return self.replica.send("POST", "/", body, headers | dict(unsigned or {}))

    def state(self) -> Dump:
        """Everything in Redis but the shard's clock, and who polled when."""
        kept = (":meta", ":timers")
        found = dump(self.server).items()
        return {key: value for key, value in found if not key.endswith(kept) and "poll" not in key}


def error(answer: Answer, status: int = 400) -> tuple[str, str]:
    """Return the name and the sentence of an error, which must have the shape of all errors."""
    assert answer.status == status, answer.body[:300]
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert REQUEST_ID.fullmatch(answer.headers["x-amzn-requestid"])
    body = json.loads(answer.body)
    assert set(body) == {"__type", "message"}
    assert answer.headers["x-amzn-errortype"] == body["__type"]
    assert body["message"].endswith(".")
    return body["__type"], body["message"]
