"""A Lua script as the client knows it."""

from __future__ import annotations

import hashlib


class Script:
    """A Lua script: its name, its source, and the hash under which servers cache it."""

    __slots__ = ("name", "sha1", "source")

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        # Redis names scripts by SHA-1; nothing secret depends on it.
        self.sha1 = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    def __repr__(self) -> str:
        return f"Script({self.name!r})"
