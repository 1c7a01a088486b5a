"""Calling scripts by name: arguments bound by keyword, refusals turned into exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from coordinator.store import keys, source
from coordinator.store.refusals import refused
from coordinator.store.replies import ScriptError
from coordinator.store.script import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.store.routing import Router

Value = bytes | str | int


@dataclass(slots=True)
class Binding:
    """A script, the names of its arguments after the first, which is always `base`, and its use.

    `seconds` are those from asking to the answer, added up: what others wait for is in them.
    """

    script: Script
    names: tuple[str, ...]
    calls: int = 0
    seconds: float = 0.0


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
        return await self.call_in_order(name, shard, self._argv(name, rest, args))

    async def read(self, name: str, shard: int, /, *rest: Value, **args: Value) -> Any:
        """Run a script whose effect, if any, need not outlive a failover to be answered."""
        argv = self._argv(name, rest, args)
        return await self.call_in_order(name, shard, argv, durable=False)

    async def call_in_order(
        self, name: str, shard: int, argv: Sequence[Value], *, durable: bool | None = None
    ) -> Any:
        """Run a script with its ARGV after `base` in order: half the cost, for the hot path.

        `durable` is the setting's unless it is given. Raises as `call`.
        """
        key, base = self._start.get(shard) or self._first(shard)
        lasting = self._durable if durable is None else durable
        binding = self._bindings[name]
        began = perf_counter()
        try:
            return await self.router.run(binding.script, key, (base, *argv), durable=lasting)
        except ScriptError as error:
            raise refused(error) from None
        finally:
            binding.calls += 1
            binding.seconds += perf_counter() - began

    def use(self) -> dict[str, tuple[int, float]]:
        """How often each script was called, and the seconds until the answers, added up."""
        return {name: (item.calls, item.seconds) for name, item in self._bindings.items()}

    def _argv(self, name: str, rest: Sequence[Value], args: dict[str, Value]) -> list[Value]:
        return [*[args[key] for key in self._bindings[name].names], *rest]

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
