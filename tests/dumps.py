"""The whole data set of a server or a cluster as plain data."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from clusters import Cluster

if TYPE_CHECKING:
    import redis
    from sentinels import Sentinels
    from servers import Server

PAGE = 1000
READS = {
    b"hash": ("HGETALL",),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    b"set": ("SMEMBERS",),
    b"string": ("GET",),
    b"list": ("LRANGE", 0, -1),
}


class Entry(NamedTuple):
    """One key: its type, its value as plain data, and whether it goes by itself."""

    kind: str
    value: Any
    expires: bool


Dump = dict[str, Entry]


def dump(server: Server | Sentinels | Cluster) -> Dump:
    """Read every key of every primary, also those of a slot that is being moved."""
    found: Dump = {}
    clustered = isinstance(server, Cluster)
    for node in server.primaries():
        with node.client() as client:
            for key, entry in read_node(client, asking=clustered).items():
                assert key not in found, f"{key} is on two nodes"
                found[key] = entry
    return found


def read_node(client: redis.Redis, *, asking: bool = False) -> Dump:
    """Read every key of a node; `asking` of slots that come to it, too."""
    keys = list(client.scan_iter(count=PAGE))
    kinds = _all(client, [("TYPE", key) for key in keys], asking=asking)
    there = [(key, kind) for key, kind in zip(keys, kinds, strict=True) if kind in READS]
    reads = [(READS[kind][0], key, *READS[kind][1:]) for key, kind in there]
    values = _all(client, reads, asking=asking)
    ttls = _all(client, [("PTTL", key) for key, _ in there], asking=asking)
    rows = zip(there, values, ttls, strict=True)
    return {
        key.decode(): Entry(kind.decode(), _plain(value), ttl >= 0)
        for (key, kind), value, ttl in rows
        if ttl != -2 and value  # -2: it went between the two reads
    }


def _all(client: redis.Redis, calls: list[tuple[Any, ...]], *, asking: bool) -> list[Any]:
    """Make calls in pipelines; each behind ASKING where a slot may be moving to the node."""
    replies: list[Any] = []
    for first in range(0, len(calls), PAGE):
        pipe = client.pipeline(transaction=False)
        for call in calls[first : first + PAGE]:
            if asking:
                pipe.execute_command("ASKING")
            pipe.execute_command(*call)
        got = pipe.execute()
        replies += got[1::2] if asking else got
    return replies


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {key.decode(): field.decode() for key, field in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], (tuple, list)):
        return {m.decode(): score if score == inf else int(score) for m, score in value}
    return {item.decode() for item in value}
