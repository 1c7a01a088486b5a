"""Which primary has which slots of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from coordinator.store.address import Endpoint

if TYPE_CHECKING:
    from coordinator.store.client import Client

SLOTS = 16384
UNKNOWN_HOST = b"?"


class SlotRange(NamedTuple):
    """Slots `first` to `last`, both included, and their primary."""

    first: int
    last: int
    primary: Endpoint


async def read_slots(client: Client, asked: Endpoint) -> list[SlotRange]:
    """Ask one node for the table of slots.

    CLUSTER SLOTS is known to every version: https://redis.io/docs/latest/commands/cluster-slots/.
    An empty host in its reply means the one that was asked.

    Raises:
        UnavailableError: the node cannot answer.
        ScriptError: it is not part of a cluster.
    """
    reply = await client.execute("CLUSTER", "SLOTS")
    return [_range(row, asked) for row in reply if row[2][0] != UNKNOWN_HOST]


def _range(row: list[Any], asked: Endpoint) -> SlotRange:
    first, last, (host, port, *_) = row[:3]
    return SlotRange(first, last, Endpoint(host.decode() if host else asked.host, port))
