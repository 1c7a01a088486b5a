"""The list of mutants: what is changed, where, and which promise that breaks.

A mutant is data, an entry of one of the TOML files beside this one. Its `old` text must stand in
its file exactly once: a mutant that the code has moved away from is an error, not a success.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Most tests run once on each kind of server; for what does not depend on it one is enough.
ON_VALKEY = "not redis7 and not [cluster"
BROADER = {  # tried where neither a checker nor the tests that a mutant names notice it
    "lua": ("integration/test_script_*.py",),
    "store": ("integration/test_client_*.py", "integration/test_durable_polls.py"),
    "service": ("unit/test_waiters*.py", "integration/test_*poll*.py", "integration/test_due*.py"),
    "timers": ("integration/test_long_poll.py", "integration/test_due_loop.py"),
    "web": ("integration/test_web_protocol.py", "conformance/test_bad_connections.py"),
    "wire": ("conformance/test_bad_requests.py", "conformance/test_api_signed.py"),
    "commands": ("integration/test_serve_starts.py",),
    "metrics": ("unit/test_largest.py", "integration/test_metric_*.py"),
}


class StaleError(Exception):
    """The text that a mutant replaces is not in its file exactly once."""


class Mutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that breaks something.

    `breaks` says what, in a sentence; `promise` is its number in the README, 0 where it is a
    ruling beside those. `tests` are the tests (files or single ones, below `tests/`) that should
    notice it, run with pytest's `-k only`.
    """

    name: str
    file: str
    promise: int
    breaks: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ON_VALKEY

    @property
    def broader(self) -> tuple[str, ...]:
        """The tests of the whole area."""
        parts = Path(self.file).parts
        return BROADER[parts[0] if parts[0] == "lua" else parts[1]]

    def applied(self, text: str) -> str:
        """Return the file's text with the change.

        Raises:
            StaleError: `old` does not stand in it exactly once.
        """
        found = text.count(self.old)
        if found != 1:
            raise StaleError(f"{self.name}: {self.file} has its text {found} times: {self.old!r}")
        return text.replace(self.old, self.new)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    mutant: list[Mutation]


def mutations(names: tuple[str, ...] = ()) -> list[Mutation]:
    """Return the mutants of these names, or all.

    Raises:
        KeyError: there is none of such a name.
        ValueError: two have the same name.
    """
    found: dict[str, Mutation] = {}
    for path in sorted(HERE.glob("*.toml")):
        for mutation in msgspec.toml.decode(path.read_bytes(), type=_File).mutant:
            if mutation.name in found:
                raise ValueError(f"two mutants are called {mutation.name}")
            found[mutation.name] = mutation
    return [found[name] for name in names] if names else list(found.values())
