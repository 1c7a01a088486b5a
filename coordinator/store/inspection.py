"""What a Redis server is set up for: version, eviction, notifications, durability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from redis.asyncio import Redis

OLDEST = (7, 0)
EXPIRED_FLAGS = "Ex"
Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `level` error means that the coordinator must not start."""

    level: Level
    about: str
    sentence: str


async def inspect(client: Redis, durability: str, *, mend: bool) -> list[Finding]:
    """Look at one server; with `mend` let it send `expired` events if it does not yet.

    Raises:
        RedisError: it cannot be asked.
    """
    info = await client.info()
    return [
        _version(str(info.get("redis_version", "0"))),
        await _eviction(client),
        await _notifications(client, mend=mend),
        *await _durability(client, durability),
        *_replication(int(info.get("connected_slaves", 0)), durability),
    ]


def _version(text: str) -> Finding:
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST:
        return Finding("error", "version", f"Redis {text} is too old: 7.0 or newer is needed.")
    return Finding("ok", "version", f"It speaks as Redis {text}.")


async def _setting(client: Redis, name: str) -> str | None:
    """Read a setting; None where CONFIG is forbidden, as managed services do."""
    try:
        found = await client.config_get(name)
    except ResponseError:
        return None
    values = [_text(value) for key, value in found.items() if _text(key) == name]
    return values[0] if values else None


def _text(value: str | bytes | None) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


async def _eviction(client: Redis) -> Finding:
    policy = await _setting(client, "maxmemory-policy")
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


async def _notifications(client: Redis, *, mend: bool) -> Finding:
    flags = await _setting(client, "notify-keyspace-events")
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
    return await _notify(client, flags + "".join(sorted(wanted - set(flags))))


async def _notify(client: Redis, flags: str) -> Finding:
    try:
        await client.config_set("notify-keyspace-events", flags)
    except ResponseError:
        return Finding(
            "warning",
            "notifications",
            "notify-keyspace-events lacks Ex and cannot be set; lost leases are found 0.2 s later.",
        )
    return Finding("ok", "notifications", "notify-keyspace-events was given Ex.")


async def _durability(client: Redis, durability: str) -> list[Finding]:
    append_only = await _setting(client, "appendonly")
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
        fsync = await _setting(client, "appendfsync")
        if append_only != "yes" or fsync != "always":
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
