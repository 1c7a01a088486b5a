"""What the user of Redis may do, compared with what the coordinator does.

A script that is refused in its middle leaves half of its writes, so this is asked before anything
is done. The question is a script too: ``redis.acl_check_cmd`` (Redis 7.0) says whether its caller
may run a command, runs nothing, needs no right but EVAL, and leaves no line in ACL LOG.

https://redis.io/docs/latest/develop/programmability/lua-api/#redisacl_check_cmd
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import NoPermissionError

from coordinator.store import keys

if TYPE_CHECKING:
    from redis.asyncio import Redis

QUESTION = """#!lua flags=no-writes,allow-stale,allow-oom
local forbidden = {}
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then forbidden[#forbidden + 1] = line end
end
return forbidden"""
EXPIRED: Final = "__keyevent@*__:expired"
_KEY: Final = keys.key("meta", 0).decode()
_WAKE: Final = keys.key("wake", 0).decode()

# By what they are for; the table of docs/redis.md and deploy/redis/coordinator.acl have the same.
READS: Final = (
    *("EXISTS", "GET", "HEXISTS", "HGET", "HGETALL", "HKEYS", "HLEN", "HMGET", "PTTL", "SCARD"),
    *("SRANDMEMBER", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK"),
    "ZSCORE",
)
WRITES: Final = (
    *("DEL", "EXPIRE", "HDEL", "HINCRBY", "HSET", "HSETNX", "PERSIST", "PEXPIRE", "SADD", "SET"),
    *("SPOP", "SREM", "UNLINK", "ZADD", "ZINCRBY", "ZREM", "ZREMRANGEBYRANK"),
    "ZREMRANGEBYSCORE",
)
ALWAYS: Final = (
    *(f"{name} {_KEY}" for name in (*READS, *WRITES)),
    f"ZUNIONSTORE {_KEY} 1 {_KEY}",
    f"EVAL x 1 {_KEY}",
    f"EVALSHA x 1 {_KEY}",
    f"SPUBLISH {_WAKE} x",
    "TIME",
    "PING",
    "INFO",
)
HINTS: Final = (f"PSUBSCRIBE {EXPIRED}", f"SSUBSCRIBE {_WAKE}")
DURABLE: Final = ("WAIT 1 1", "COMMAND INFO WAIT", "WAITAOF 1 1 1")
OF_KIND: Final[dict[str, tuple[str, ...]]] = {
    "single": (),
    "sentinel": ("ROLE",),
    "cluster": ("CLUSTER SLOTS", "ASKING"),
}
CONFIG: Final = ("CONFIG GET x", "CONFIG SET x x")


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the user lacks: commands as people write them, such as ``CLUSTER SLOTS``."""

    needed: tuple[str, ...]
    """Without these there is no coordinator."""
    hints: tuple[str, ...]
    """Without these it works, later."""
    read_config: bool
    write_config: bool


async def permissions(client: Redis, kind: str, durability: str) -> Permissions:
    """Ask a server what its user lacks. One call; it changes nothing.

    Args:
        client: of the server, logged in as the coordinator.
        kind: of the way to Redis (`Location.kind`).
        durability: ``replicas:N`` needs commands of its own.

    Raises:
        RedisError: it cannot be asked.
    """
    durable = DURABLE if durability.startswith("replicas:") else ()
    needed = (*ALWAYS, *OF_KIND[kind], *durable)
    try:
        answer = await client.eval(QUESTION, 0, *needed, *HINTS, *CONFIG)
    except NoPermissionError:
        return Permissions(("EVAL",), (), read_config=False, write_config=False)
    forbidden = {line.decode() if isinstance(line, bytes) else line for line in answer}
    return Permissions(
        tuple(_name(line) for line in needed if line in forbidden),
        tuple(_name(line) for line in HINTS if line in forbidden),
        read_config=CONFIG[0] not in forbidden,
        write_config=CONFIG[1] not in forbidden,
    )


def _name(line: str) -> str:
    """``CLUSTER SLOTS`` of its own line; of others the first word, without the arguments."""
    words = line.split()
    return " ".join(words[: 2 if words[0] in ("CLUSTER", "COMMAND") else 1])
