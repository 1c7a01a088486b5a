"""Every key, spelled once.

A key is ``coord:1:{<shard>}:<name>…``: schema version 1, the shard as the hash tag (all keys of a
shard live in one Cluster slot), then the parts of its template. The scripts get the same table as
Lua functions (`lua_functions`), so that nothing else on either side knows how a key is spelled.
`scope` is ``<account>:<pipeline id>``.
"""

from __future__ import annotations

from typing import Final, NamedTuple

SCHEMA = 1


class Key(NamedTuple):
    """One kind of key: how it is spelled, its Redis type, and what it holds."""

    template: str
    kind: str
    holds: str


KEYS: Final[dict[str, Key]] = {
    "meta": Key("meta", "HASH", "the shard's clock (below); shard 0: shards"),
    "guard": Key(
        "guard", "none", "never exists; named by every script call, which fails while a slot moves"
    ),
    "timers": Key("timers", "ZSET", "everything that happens later: <kind>:<scope>:<id> by due ms"),
    "counts": Key(
        "counts", "HASH", "instances by state, leases that are stale, and alarms to be delivered"
    ),
    "pending": Key(
        "pending",
        "HASH",
        "account to its instances that have not ended, those to be made among them",
    ),
    "pipelines": Key("pipelines:<account>", "ZSET", "ids of live pipelines, in order of the id"),
    "unique": Key("unique:<account>", "HASH", "digest of (name, uniqueId) to pipeline id"),
    "pipeline": Key("pipeline:<scope>", "HASH", "a pipeline; once deleted, its tombstone"),
    "definition": Key(
        "definition:<scope>", "HASH", "the latest and the active definition, as JSON"
    ),
    "components": Key("components:<scope>:<version>", "HASH", "what an activated version runs"),
    "stages": Key("stages:<scope>", "SET", "versions whose components were ever stored"),
    "ids": Key("ids:<scope>", "HASH", "instance id on the wire to instance number"),
    "instances": Key("instances:<scope>", "ZSET", "instance numbers, by number"),
    "members": Key(
        "members:<scope>:<place>", "ZSET", "instance numbers by state, or status if they have ended"
    ),
    "scheduled": Key("scheduled:<scope>", "ZSET", "instance numbers by scheduled ms"),
    "started": Key("started:<scope>", "ZSET", "instance numbers by when they were made"),
    "schedule": Key(
        "schedule:<scope>:<schedule>", "HASH", "a schedule: its intervals, and the next to be run"
    ),
    "schedules": Key(
        "schedules:<scope>", "ZSET", "schedules by when their next run is due (inf: there is none)"
    ),
    "live": Key(
        "live:<scope>:<schedule>",
        "HASH",
        "run to how many of its instances have not ended yet; on demand: no schedule",
    ),
    "interrupted": Key(
        "interrupted:<scope>",
        "ZSET",
        "instances, canceled in the middle of an interval, that the next activation runs again",
    ),
    "awaited": Key(
        "awaited:<scope>:<id>", "ZSET", "instances that wait for one that is not made yet"
    ),
    "awaiting": Key(
        "awaiting:<scope>:<schedule>",
        "ZSET",
        "ids of instances of a schedule that are awaited so, by the start of their interval",
    ),
    "health": Key(
        "health:<scope>", "HASH", "component to the status, time and id of what ended last of it"
    ),
    "paused": Key("paused:<scope>", "HASH", "paused component to when it was paused"),
    "aside": Key(
        "aside:<scope>:<component>", "ZSET", "ready instances that wait for a paused component"
    ),
    "held": Key("held:<scope>", "SET", "worker groups whose turns wait for the next activation"),
    "run": Key("run:<scope>:<run>", "HASH", "a run whose instances are still being made"),
    "instance": Key("instance:<scope>:<n>", "HASH", "THE record: state, attempt, holder, deadline"),
    "attempt": Key(
        "attempt:<scope>:<n>:<attempt>", "HASH", "an attempt: its lost hand-outs, and how it ended"
    ),
    "progress": Key(
        "progress:<scope>:<n>:<attempt>", "HASH", "fields an attempt reported, as JSON"
    ),
    "unmet": Key("unmet:<scope>:<n>", "SET", "instances that a blocked one waits for"),
    "dependents": Key("dependents:<scope>:<n>", "ZSET", "instances that wait for this, by number"),
    "lease": Key("lease:<scope>:<n>", "STRING", "claim id; its TTL is the lease made visible"),
    "ready": Key("ready:<scope>:<group>", "ZSET", "a pipeline's ready instances, oldest first"),
    "turns": Key("turns:<account>:<group>", "ZSET", "pipelines with ready tasks, by virtual time"),
    "backlog": Key(
        "backlog:<account>:<group>",
        "ZSET",
        "a group's ready tasks, <pipeline id>:<n>, by when they became ready",
    ),
    "backlogs": Key("backlogs", "ZSET", "groups, <account>:<group>, by how many tasks are ready"),
    "virtual": Key("virtual:<account>", "HASH", "worker group to its virtual time"),
    "call": Key("call:<call>", "STRING", "what a PollForTask call claimed, or which try is barred"),
    "answer": Key(
        "answer:<answer>",
        "STRING",
        "a call that was carried out, for its repeats: how many ids it looked at",
    ),
    "alarm": Key("alarm:<scope>:<seq>", "HASH", "an alarm that is still to be delivered"),
    "outbox": Key("outbox:<scope>", "ZSET", "numbers of a pipeline's alarms to be delivered"),
    "runner": Key("runner:<account>:<runner>", "HASH", "the last heartbeat of a task runner"),
    "polled": Key("polled:<account>", "ZSET", "worker groups by when they were last polled"),
    "polled_groups": Key(
        "polled_groups", "ZSET", "groups of all accounts by when they were last polled"
    ),
    "pollers": Key(
        "pollers:<account>:<group>", "ZSET", "hostnames that poll a group, by when they last did"
    ),
    "wake": Key("wake", "CHANNEL", "<account> newline <count> newline <group>; empty: work is due"),
}


def base(shard: int) -> bytes:
    """The start of every key of `shard`."""
    return b"coord:%d:{%d}:" % (SCHEMA, shard)


def key(name: str, shard: int, *parts: str | int) -> bytes:
    """The key called `name` in `shard`; `parts` fill its template in order."""
    stem = KEYS[name].template.split("<", 1)[0].rstrip(":")
    return base(shard) + ":".join([stem, *map(str, parts)]).encode()


def shard_of(spelled: bytes) -> int:
    """The shard in a key's hash tag."""
    return int(spelled[spelled.index(b"{") + 1 : spelled.index(b"}")])


def lua_function(name: str) -> str:
    """The Lua function that spells this key: ``instance_key(base, scope, n)``."""
    stem, *parts = (part.strip("<>") for part in KEYS[name].template.split(":"))
    body = " .. ':' .. ".join([f"base .. '{stem}'", *parts])
    return f"local function {name}_key({', '.join(['base', *parts])}) return {body} end"
