"""The real scripts on a real server: put a data set there, run one, read what it made.

The calls go through the store layer (`coordinator.store`), so the arguments are those of the
product. A coroutine of it stops where it would wait for Redis; `Pending` has the command then, and
is given the reply. So many calls, each on the same data set, travel in one write.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from dumps import Dump, Entry
from hiredis import Reader, ReplyError

from coordinator.config import Settings
from coordinator.errors import CoordinatorError
from coordinator.store.batch import pack
from coordinator.store.pipelines import Pipelines
from coordinator.store.replies import failure
from coordinator.store.script import Script
from coordinator.store.scripts import Binding, Scripts
from coordinator.store.tasks import Tasks
from coordinator.store.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from faketime import SteppedServer

SAVE = """
local saved = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'hash' then
    value = redis.call('HGETALL', key)
  elseif kind == 'zset' then
    value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then
    value = redis.call('SMEMBERS', key)
  else
    value = redis.call('GET', key)
  end
  saved[#saved + 1] = { key, kind .. ' ' .. cmsgpack.pack(value), redis.call('PEXPIRETIME', key) }
end
return saved
"""
LOAD = """
redis.call('FLUSHDB')
for i = 1, #ARGV, 3 do
  local kind, packed = string.match(ARGV[i + 1], '^(%a+) (.*)$')
  local key, value = ARGV[i], cmsgpack.unpack(packed)
  if kind == 'hash' then
    redis.call('HSET', key, unpack(value))
  elseif kind == 'zset' then
    for j = 1, #value, 2 do
      redis.call('ZADD', key, value[j + 1], value[j])
    end
  elseif kind == 'set' then
    redis.call('SADD', key, unpack(value))
  else
    redis.call('SET', key, value)
  end
  if ARGV[i + 2] ~= '-1' then
    redis.call('PEXPIREAT', key, ARGV[i + 2])
  end
end
"""
BATCH_SIZES = re.compile(
    r"^(local (?:MOST_(?!PASSED)\w+|FAN_OUT)(?:, MOST_\w+)* = )[\d, ]+", re.MULTILINE
)


class Key(NamedTuple):
    """A key of a data set: its value as the server packed it, and when it goes (ms; -1: never)."""

    name: str
    packed: bytes
    expires_ms: int


Data = tuple[Key, ...]


class Answer(NamedTuple):
    """What a call returned or raised (the other is None), and the data set behind it."""

    value: Any
    error: CoordinatorError | None
    data: Data


class Pending:
    """A call of the store layer that waits for the one reply it needs."""

    def __init__(self, call: Coroutine[Any, Any, Any]) -> None:
        self._call = call
        self.command: bytes = call.send(None)

    def take(self, reply: Any) -> tuple[Any, CoordinatorError | None]:
        """Return what the store layer makes of the reply."""
        try:
            self._call.send(reply)
        except StopIteration as end:
            return end.value, None
        except CoordinatorError as error:
            return None, error
        raise AssertionError("the call needs more than one script")


class Store:
    """The objects of the store layer on a stepped server.

    Args:
        server: a running one.
        small: with batch sizes of one in the scripts, so that two instances need a cursor.
        settings: as `coordinator.config.Settings`.
    """

    def __init__(self, server: SteppedServer, *, small: bool = False, **settings: Any) -> None:
        self.server = server
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(server.socket))
        self._reader = Reader()
        scripts = Scripts(self)
        if small:
            scripts._bindings = {name: _small(old) for name, old in scripts._bindings.items()}
        self._load_all([*(binding.script for binding in scripts._bindings.values()), _SAVE, _LOAD])
        self.tasks, self.pipelines = Tasks(scripts), Pipelines(scripts)
        self.timers = Timers(scripts, Settings(**settings))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    async def run(
        self, script: Script, keys: Sequence[bytes], args: Sequence[Any], *, durable: bool = False
    ) -> Any:
        """Be the router of `Scripts`: hand the command out, and wait for its reply."""
        assert durable in (True, False)
        reply = await _Waiting(pack(("EVALSHA", script.sha1, len(keys), *keys, *args)))
        if isinstance(reply, ReplyError):
            raise failure(reply, "the stepped server")
        return reply

    def ask(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Make one call on the data set that is there; returns or raises as it does."""
        pending = Pending(call)
        value, error = pending.take(self._send([pending.command])[0])
        if error is not None:
            raise error
        return value

    def make(self, call: Coroutine[Any, Any, Any]) -> Answer:
        """Make one call on the data set that is there."""
        pending = Pending(call)
        reply, saved = self._send([pending.command, _SAVE_CALL])
        return Answer(*pending.take(reply), _data(saved))

    def try_each(self, data: Data, calls: Iterable[Coroutine[Any, Any, Any]]) -> list[Answer]:
        """Make each call on `data`, all at one time; the data set is undefined afterwards."""
        load, waiting = _load(data), [Pending(call) for call in calls]
        words = [word for call in waiting for word in (load, call.command, _SAVE_CALL)]
        replies = self._send(words)
        return [
            Answer(*call.take(replies[i * 3 + 1]), _data(replies[i * 3 + 2]))
            for i, call in enumerate(waiting)
        ]

    def load(self, data: Data) -> None:
        """Replace the data set."""
        self._send([_load(data)])

    def save(self) -> Data:
        """Read the data set."""
        return _data(self._send([_SAVE_CALL])[0])

    def _load_all(self, scripts: Sequence[Script]) -> None:
        for reply in self._send([pack(("SCRIPT", "LOAD", one.source)) for one in scripts]):
            assert not isinstance(reply, ReplyError), reply

    def _send(self, commands: Sequence[bytes]) -> list[Any]:
        self._socket.sendall(b"".join(commands))
        replies: list[Any] = []
        while len(replies) < len(commands):
            reply = self._reader.gets()
            if reply is False:
                received = self._socket.recv(1 << 20)
                assert received, "the server has gone"
                self._reader.feed(received)
            else:
                replies.append(reply)
        return replies


class _Waiting:
    def __init__(self, command: bytes) -> None:
        self._command = command

    def __await__(self) -> Any:
        return (yield self._command)


def plain(key: Key) -> Any:
    """Return the value of a key as the tests' dumps show it. Do not change it: it is shared."""
    return _plain(key.packed)


def meaning(data: Data) -> dict[str, tuple[Any, int]]:
    """Return a data set by key, whatever the order in which the server packed its fields."""
    return {key.name: (plain(key), key.expires_ms) for key in data}


def dump_of(data: Data) -> Dump:
    """Return a data set as `dumps.dump` would."""
    return {key.name: _entry(key.packed, key.expires_ms >= 0) for key in data}


def later(data: Data, now_ms: int) -> Data:
    """Return what is left of a data set at a later time.

    At its very last millisecond a key counts as gone: it cannot be loaded any more.
    """
    return tuple(key for key in data if key.expires_ms < 0 or key.expires_ms > now_ms)


@lru_cache(maxsize=1 << 18)
def _plain(packed: bytes) -> Any:
    kind, _, raw = packed.partition(b" ")
    value = msgspec.msgpack.decode(raw)
    if kind == b"hash":
        return dict(zip(value[::2], value[1::2], strict=True))
    if kind == b"zset":
        pairs = zip(value[::2], value[1::2], strict=True)
        return {m: inf if score in {"inf", b"inf"} else int(score) for m, score in pairs}
    return set(value) if kind == b"set" else value


@lru_cache(maxsize=1 << 18)
def _entry(packed: bytes, expires: bool) -> Entry:
    return Entry(packed.partition(b" ")[0].decode(), _plain(packed), expires)


def _small(old: Binding) -> Binding:
    text = BATCH_SIZES.sub(
        lambda match: match[1] + "1" + ", 1" * match[0].count(", "), old.script.source
    )
    return Binding(Script(old.script.name, text), old.names)


def _data(reply: Any) -> Data:
    assert not isinstance(reply, ReplyError), reply
    return tuple(sorted(Key(name.decode(), _one(packed), at) for name, packed, at in reply))


@lru_cache(maxsize=1 << 18)
def _one(packed: bytes) -> bytes:
    """Return the one object that stands for these bytes: most keys of most states are alike."""
    return packed


def _load(data: Data) -> bytes:
    words = [word for key in data for word in key]
    return pack(("EVALSHA", _LOAD.sha1, 0, *words))


_SAVE, _LOAD = Script("save", SAVE), Script("load", LOAD)
_SAVE_CALL = pack(("EVALSHA", _SAVE.sha1, 0))
