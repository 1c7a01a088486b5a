"""Which handler works on which type of activity or precondition."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, TypeVar

from coordinator.runner.context import Context
from coordinator.runner.errors import HandlerError
from coordinator.runner.handlers import BUILT_IN
from coordinator.runner.isolated import Isolated, place_of
from coordinator.runner.task import Task

Function = Callable[[Task, Context], object]
Isolation = Literal["thread", "process"]
F = TypeVar("F", bound=Function)

ENTRY_POINTS = "coordinator.handlers"


@dataclass(frozen=True)
class Handler:
    """A function for a type of task. `call` runs it: here, or in a process of its own."""

    type: str
    function: Function
    call: Function


class Registry:
    """Handlers by type. Those that were registered win over the built-in ones.

    `DEFAULT` is the one that the decorator `handler` and the command line use.
    """

    def __init__(self, built_in: dict[str, Function] | None = None) -> None:
        self._own: dict[str, Handler] = {}
        given = BUILT_IN if built_in is None else built_in
        self._built_in = {kind: Handler(kind, one, one) for kind, one in given.items()}

    def handler(self, kind: str, *, isolation: Isolation = "thread") -> Callable[[F], F]:
        """Register the decorated function for a type of activity or precondition.

        It is called with a Task and a Context. The task is FINISHED when it returns, FAILED when
        it raises; NotYet is the answer of a precondition that is not satisfied. It runs in a
        thread, or with ``isolation="process"`` in a process of its own, which can be ended even if
        it does not look at its context.

        Raises:
            HandlerError: the type has one already, or the function cannot be found by a process.
        """

        def register(function: F) -> F:
            self.add(kind, function, isolation)
            return function

        return register

    def add(self, kind: str, function: Function, isolation: Isolation = "thread") -> None:
        """Register a function, as `handler` does."""
        known = self._own.get(kind)
        if known is not None and not _same(known.function, function):
            raise HandlerError(f"The type {kind!r} has a handler already: {_name(known.function)}.")
        call = Isolated(function) if isolation == "process" else function
        self._own[kind] = Handler(kind, function, call)

    def find(self, kind: str) -> Handler | None:
        """Return the handler for a type, or None."""
        return self._own.get(kind) or self._built_in.get(kind)

    def types(self) -> list[str]:
        """Return the types that have handlers, sorted."""
        return sorted(self._own | self._built_in)

    def load_entry_points(self) -> None:
        """Register what installed packages offer: entry points named like types.

        Raises:
            HandlerError: one cannot be loaded.
        """
        for point in metadata.entry_points(group=ENTRY_POINTS):
            try:
                function = point.load()
            except Exception as error:
                raise HandlerError(f"The handler {point.value!r} cannot be loaded: {error}") from (
                    error
                )
            if not self._has(point.name, function):
                self.add(point.name, function)

    def _has(self, kind: str, function: Function) -> bool:
        """Whether loading it has registered it already, by the decorator."""
        return kind in self._own and _same(self._own[kind].function, function)


DEFAULT = Registry()
handler = DEFAULT.handler


def load_module(name: str) -> None:
    """Import a module with handlers, also from the working directory.

    Raises:
        HandlerError: it cannot be imported.
    """
    if os.getcwd() not in sys.path:  # noqa: PTH109 - compared with texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - likewise
    try:
        importlib.import_module(name)
    except HandlerError:
        raise
    except Exception as error:
        raise HandlerError(f"The handlers in {name!r} cannot be imported: {error}") from error


def _same(one: Function, other: Function) -> bool:
    return one is other or place_of(one) == place_of(other)


def _name(function: Function) -> str:
    return ".".join(place_of(function))
