"""What a Redis server is set up for: version, eviction, notifications, durability."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from redis.exceptions import NoPermissionError, ResponseError

from coordinator.store import keys
from coordinator.store.permissions import Permissions, permissions

if TYPE_CHECKING:
    from redis.asyncio import Redis

OLDEST = (7, 0)
EXPIRED_FLAGS = "Ex"
KEYS_OF_OURS = f"coord:{keys.SCHEMA}:*"
Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `level` error means that the coordinator must not start."""

    level: Level
    about: str
    sentence: str


async def inspect(
    client: Redis, durability: str, *, kind: str = "single", mend: bool
) -> list[Finding]:
    """Look at one server; with `mend` let it send `expired` events if it does not yet.

    Nothing is tried that the user may not do; `kind` is that of the way to Redis.

    Raises:
        RedisError: it cannot be asked.
    """
    info = await _info(client)
    version = _version(str(info.get("redis_version", "7.0")))
    if version.level == "error":
        return [version]
    rights = await permissions(client, kind, durability)
    if not info or "EVAL" in rights.needed:
        return _rights(rights)
    server = _Server(client, info, rights)
    return [
        version,
        *_rights(rights),
        _eviction(await server.setting("maxmemory-policy")),
        await _notifications(server, mend=mend),
        *await _durability(server, durability),
        *_replication(int(info.get("connected_slaves", 0)), durability),
    ]


async def _info(client: Redis) -> dict[str, Any]:
    """Return INFO; nothing where it is forbidden."""
    try:
        return await client.info()
    except NoPermissionError:
        return {}


class _Server:
    """What can be known of a server's settings: managed services forbid CONFIG."""

    def __init__(self, client: Redis, info: dict[str, Any], rights: Permissions) -> None:
        self.client, self._info, self.rights = client, info, rights

    async def setting(self, name: str) -> str | None:
        """Read a setting, by CONFIG or else from INFO; None where neither tells."""
        if self.rights.read_config:
            with suppress(ResponseError):  # a service may refuse it whatever the user's rights
                found = await self.client.config_get(name)
                return next((_text(v) for key, v in found.items() if _text(key) == name), None)
        return self._told(name)

    def _told(self, name: str) -> str | None:
        if name == "appendonly" and "aof_enabled" in self._info:
            return "yes" if self._info["aof_enabled"] else "no"
        told = self._info.get("maxmemory_policy") if name == "maxmemory-policy" else None
        return None if told is None else str(told)


def _rights(rights: Permissions) -> list[Finding]:
    """Say what the user may not do, if anything."""
    found = []
    if rights.needed:
        names = ", ".join(rights.needed)
        found.append(
            Finding(
                "error",
                "permissions",
                f"its ACL does not allow this user, on keys {KEYS_OF_OURS}: {names}. "
                "deploy/redis/coordinator.acl has what is needed.",
            )
        )
    if rights.hints:
        names = " and ".join(rights.hints)
        found.append(
            Finding(
                "warning",
                "permissions",
                f"its ACL does not allow this user {names}: work is noticed later.",
            )
        )
    return found or [Finding("ok", "permissions", "The user may do all that is needed.")]


def _version(text: str) -> Finding:
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        return Finding("error", "version", f"Redis {text} is too old: 7.0 or newer is needed.")
    return Finding("ok", "version", f"It speaks as Redis {text}.")


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _eviction(policy: str | None) -> Finding:
    if policy is None:
        return Finding(
            "warning", "eviction", "maxmemory-policy cannot be read; it must be noeviction."
        )
    if policy != "noeviction":
        return Finding(
            "error",
            "eviction",
            f"maxmemory-policy is {policy}: leases would be evicted. Set it to noeviction.",
        )
    return Finding("ok", "eviction", "maxmemory-policy is noeviction.")


async def _notifications(server: _Server, *, mend: bool) -> Finding:
    flags = await server.setting("notify-keyspace-events")
    if flags is None:
        return Finding(
            "warning",
            "notifications",
            "notify-keyspace-events cannot be read; without Ex, lost leases are found 0.2 s later.",
        )
    wanted = set(EXPIRED_FLAGS if "A" not in flags else "E")
    if wanted <= set(flags):
        return Finding("ok", "notifications", f"notify-keyspace-events is {flags}.")
    if not mend:
        return Finding(
            "warning",
            "notifications",
            "notify-keyspace-events lacks Ex: a replica adds it when it starts.",
        )
    return await _notify(server, flags + "".join(sorted(wanted - set(flags))))


async def _notify(server: _Server, flags: str) -> Finding:
    try:
        if server.rights.write_config:
            await server.client.config_set("notify-keyspace-events", flags)
            return Finding("ok", "notifications", "notify-keyspace-events was given Ex.")
    except ResponseError:
        pass
    return Finding(
        "warning",
        "notifications",
        "notify-keyspace-events lacks Ex and cannot be set; lost leases are found 0.2 s later.",
    )


async def _durability(server: _Server, durability: str) -> list[Finding]:
    append_only = await server.setting("appendonly")
    findings = []
    if append_only == "yes":
        findings.append(Finding("ok", "durability", "appendonly is yes."))
    elif append_only is None:
        findings.append(Finding("warning", "durability", "appendonly cannot be read."))
    else:
        findings.append(
            Finding("warning", "durability", "appendonly is no: a restart of Redis loses all work.")
        )
    if durability == "always":
        fsync = await server.setting("appendfsync")
        if append_only == "yes" and fsync is None:
            sentence = "appendfsync cannot be read; COORDINATOR_DURABILITY wants it to be always."
            findings.append(Finding("warning", "durability", sentence))
        elif append_only != "yes" or fsync != "always":
            findings.append(
                Finding(
                    "error",
                    "durability",
                    "COORDINATOR_DURABILITY is always, and Redis is not set to it: "
                    "appendonly must be yes and appendfsync always.",
                )
            )
    return findings


def _replication(connected: int, durability: str) -> list[Finding]:
    """Compare the replicas there are with ``replicas:N``: with fewer no durable call succeeds."""
    wanted = int(durability.partition(":")[2] or 0)
    if not wanted:
        return []
    there = f"{connected} replica(s) are connected"
    if connected >= wanted:
        return [Finding("ok", "replication", f"{there}, {wanted} must acknowledge.")]
    sentence = f"{there}, and COORDINATOR_DURABILITY is {durability}: calls fail until then."
    return [Finding("warning", "replication", sentence)]
