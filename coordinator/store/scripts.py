"""Calling scripts by name: arguments bound by keyword, refusals turned into exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coordinator.store import keys, source
from coordinator.store.refusals import refused
from coordinator.store.replies import ScriptError
from coordinator.store.script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.store.routing import Router

Value = bytes | str | int


@dataclass(frozen=True, slots=True)
class Binding:
    """A script, and the names of its arguments after the first, which is always `base`."""

    script: Script
    names: tuple[str, ...]


class Scripts:
    """Every script of `lua/`, ready to be called on a router.

    One call is one round trip, shared with all calls of the same event-loop turn.
    """

    def __init__(self, router: Router, *, durable: bool = False) -> None:
        self.router = router
        self._durable = durable
        self._bindings = {name: _bind(name) for name in source.names()}
        self._start: dict[int, tuple[list[bytes], bytes]] = {}

    async def call(self, name: str, shard: int, /, *rest: Value, **args: Value) -> Any:
        """Run a script that changes something; `args` are its ARGV by name, `rest` the list behind.

        Raises:
            CoordinatorError: what the script refuses with (`REFUSALS`), or Redis is unavailable.
        """
        return await self._run(name, shard, rest, args, durable=self._durable)

    async def read(self, name: str, shard: int, /, *rest: Value, **args: Value) -> Any:
        """Run a script whose effect, if any, need not outlive a failover to be answered."""
        return await self._run(name, shard, rest, args, durable=False)

    async def call_in_order(self, name: str, shard: int, argv: Sequence[Value]) -> Any:
        """Run a script with its ARGV after `base` in order: half the cost, for the hot path."""
        key, base = self._start.get(shard) or self._first(shard)
        try:
            return await self.router.run(
                self._bindings[name].script, key, (base, *argv), durable=self._durable
            )
        except ScriptError as error:
            raise refused(error) from None

    async def _run(
        self, name: str, shard: int, rest: Sequence[Value], args: dict[str, Value], *, durable: bool
    ) -> Any:
        binding = self._bindings[name]
        key, base = self._start.get(shard) or self._first(shard)
        argv: list[Value] = [base, *[args[name] for name in binding.names], *rest]
        try:
            return await self.router.run(binding.script, key, argv, durable=durable)
        except ScriptError as error:
            raise refused(error) from None

    def _first(self, shard: int) -> tuple[list[bytes], bytes]:
        # A Cluster refuses a call that names several keys of a slot that is being moved, on either
        # side, unless it has them all. One that never exists makes every call fail there, whole:
        # without it the new owner serves the keys that are not there yet as if they did not exist.
        start = ([keys.key("meta", shard), keys.key("guard", shard)], keys.base(shard))
        return self._start.setdefault(shard, start)


def _bind(name: str) -> Binding:
    loaded = source.load(name)
    if loaded.argv[0] != "base" or len(loaded.keys) != 1:
        raise ValueError(f"lua/{name}.lua: a script takes one key, and `base` first")
    return Binding(Script(name, loaded.text), loaded.argv[1:])
