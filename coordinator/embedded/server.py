"""`EmbeddedServer`: Valkey in a directory of ours, for as long as the coordinator runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote

from coordinator.embedded import orphan, socket_path
from coordinator.embedded.child import Child
from coordinator.embedded.directory import DataDirectory
from coordinator.embedded.errors import EmbeddedError
from coordinator.embedded.supervisor import Supervisor

if TYPE_CHECKING:
    from pathlib import Path


class EmbeddedServer:
    """A Valkey with its append-only file in `data_dir`, on a private unix socket, kept running.

    A server that dies is started again at once, on the same socket, and logged. Use it as a context
    manager, or call `start` and `stop`.
    """

    def __init__(
        self, data_dir: Path, *, appendfsync: Literal["everysec", "always"] = "everysec"
    ) -> None:
        self._directory = DataDirectory(data_dir)
        self._appendfsync = appendfsync
        self._socket: Path | None = None
        self._supervisor: Supervisor | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, as ``unix:///path``; the same after Valkey was started again.

        Raises:
            EmbeddedError: it is not running.
        """
        if self._socket is None:
            raise EmbeddedError("The embedded Valkey is not running.")
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        """The process id of the running Valkey; None while there is none."""
        return self._supervisor.pid if self._supervisor else None

    def start(self) -> None:
        """Start Valkey and return when it has loaded its data and answers; loading may take long.

        Raises:
            EmbeddedError: another coordinator holds the directory, or Valkey does not start.
        """
        self._directory.acquire()
        try:
            self._socket = socket_path.choose(self._directory.path)
            orphan.shut_down(self._socket)
            self._supervise(self._socket)
        except BaseException:
            self._release()
            raise

    def stop(self) -> None:
        """Shut Valkey down in order (by force after 10 s), then let go of the directory."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
            self._release()

    def _supervise(self, socket: Path) -> None:
        supervisor = Supervisor(
            lambda: Child(self._directory.path, socket, self._appendfsync), socket
        )
        supervisor.start()
        self._supervisor = supervisor

    def _release(self) -> None:
        if self._socket is not None:
            socket_path.forget(self._directory.path, self._socket)
            self._socket = None
        self._directory.release()
