"""A Valkey whose clock the test steps, with libfaketime: TIME and the TTLs of keys follow it.

Debian's redis 7.0 does not start under libfaketime, so this is always the Valkey of the wheel. Its
time stands still between calls of `set_time` and `advance`, to the millisecond (the microseconds of
TIME still run from 000 to 999), or runs with an offset after `set_offset`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

SHOWN_SECONDS = 20
SHARED = Path("/dev/shm")  # noqa: S108 - where libfaketime has its memory
FROM_MS = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC


def library() -> str:
    """Return libfaketime; a test fails without it where CI is set, and is skipped elsewhere."""
    found = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    if not found:
        reason = "libfaketime is not installed (Debian package libfaketime)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return found[0]


class SteppedServer(Server):
    """A Valkey with a clock of its own, which stands at `FROM_MS` when it starts.

    Args:
        argv: further options.
        aof: keep an append-only file.
        port: TCP port on 127.0.0.1; 0 for a unix socket.
        offset: seconds that its clock is ahead, and runs; None: it stands still.
    """

    def __init__(
        self,
        *,
        argv: Sequence[str] = (),
        aof: bool = False,
        port: int = 0,
        offset: float | None = None,
    ) -> None:
        super().__init__("valkey", aof=aof, argv=argv, port=port)
        self._library = library()
        self._admin: redis.Redis | None = None
        self.now_ms = FROM_MS
        self._write(_stamp(FROM_MS) if offset is None else f"{offset:+.3f}")

    def command_line(self) -> list[str]:
        """Return the command that `start` runs: libfaketime is for the server alone."""
        faked = {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        return ["env", *(f"{k}={v}" for k, v in faked.items()), *super().command_line()]

    def set_time(self, now_ms: int) -> None:
        """Let the clock stand at `now_ms`, before or after now; returns when the server sees it."""
        self._write(_stamp(now_ms))
        self._see(now_ms, now_ms)
        self.now_ms = now_ms

    def advance(self, ms: int) -> int:
        """Let `ms` pass on a clock that stands, and return the time."""
        self.set_time(self.now_ms + ms)
        return self.now_ms

    def set_offset(self, seconds: float) -> None:
        """Let the clock run, so many seconds ahead of the real one (or behind, if negative)."""
        self._write(f"{seconds:+.3f}")
        real_ms = int((datetime.now(UTC).timestamp() + seconds) * 1000)
        self._see(real_ms - 5, real_ms + SHOWN_SECONDS * 1000)

    def stop(self) -> None:
        """End the process with SIGTERM, or SIGKILL if that takes too long."""
        self._leave(super().stop)

    def kill(self) -> None:
        """End the process with SIGKILL."""
        self._leave(super().kill)

    @property
    def _file(self) -> Path:
        return self.directory / "clock"

    def _write(self, text: str) -> None:
        """Replace the file in one step: the server may read it at any instant."""
        new = self._file.with_suffix(".new")
        new.write_text(text + "\n")
        new.replace(self._file)

    def _see(self, first_ms: int, last_ms: int) -> None:
        """Ask for the time until it is the new one: Valkey reads the clock once a millisecond."""
        self._admin = self._admin or self.client()
        deadline = monotonic() + SHOWN_SECONDS
        while True:
            seconds, micros = self._admin.time()
            if first_ms <= seconds * 1000 + micros // 1000 <= last_ms:
                return
            assert monotonic() < deadline, f"the clock stays at {seconds}.{micros:06}"

    def _leave(self, end: Callable[[], None]) -> None:
        """End the process, and remove what would keep a later one of the same id from starting."""
        pid = self.process.pid if self.process else 0
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        end()
        for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
            with suppress(FileNotFoundError):
                (SHARED / name).unlink()


def _stamp(now_ms: int) -> str:
    """Return a time as libfaketime reads it: 100 ns more, because it rounds the fraction down."""
    seconds, ms = divmod(now_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ms:03}0001"
