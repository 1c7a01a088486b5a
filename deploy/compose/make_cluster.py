"""Make a Redis Cluster of the nodes that are named, or let the nodes of one find each other again.

Arguments: the file with the password of the user `admin`, and host:port of each node. Containers
may have other addresses after a restart, so each node is told of the others at every start.
"""

from __future__ import annotations

import socket
import sys
import time
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLOTS = 16384
WAIT_SECONDS = 120
STEP_SECONDS = 0.5


def main(password: str, names: Sequence[str]) -> None:
    """Make the cluster; ends when each node says that all slots are served.

    Raises:
        TimeoutError: they do not within two minutes.
    """
    nodes = {name: _client(name, password) for name in names}
    _wait(lambda: all(map(_answers, nodes.values())))
    step = SLOTS // len(names) + 1
    for index, node in enumerate(nodes.values()):
        _give(node, range(step * index, min(step * (index + 1), SLOTS)), index + 1)
    for name, other in permutations(names, 2):
        host, port = other.split(":")
        nodes[name].cluster("MEET", socket.gethostbyname(host), port)
    _wait(lambda: all(map(_serves, nodes.values())))
    print("the cluster serves all slots")


def _client(name: str, password: str) -> redis.Redis:
    host, port = name.split(":")
    return redis.Redis(host, int(port), username="admin", password=password)


def _give(node: redis.Redis, slots: range, epoch: int) -> None:
    """Give a node its slots, unless it knows who has some; epochs of nodes must differ."""
    if _info(node)["cluster_slots_assigned"] == "0":
        node.cluster("ADDSLOTSRANGE", slots[0], slots[-1])
        node.cluster("SET-CONFIG-EPOCH", epoch)


def _info(node: redis.Redis) -> Any:
    return node.cluster("INFO")


def _serves(node: redis.Redis) -> bool:
    return bool(_info(node)["cluster_state"] == "ok")


def _answers(node: redis.Redis) -> bool:
    try:
        return bool(node.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {WAIT_SECONDS} s")
        time.sleep(STEP_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(), sys.argv[2:])
