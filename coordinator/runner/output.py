"""Where the output of a command goes, and the end of what it wrote to stderr."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

TAIL_CHARACTERS = 1024
TAIL_BYTES = 4 * TAIL_CHARACTERS  # UTF-8 has at most four bytes for a character
DRAIN_SECONDS = 2.0


class Output:
    """The two streams of a command.

    `out` and `err` are local paths; their directories are made and what was
    there before is replaced, because a further attempt starts afresh. Both may name one file.
    Without a path a stream goes to the runner's own, and the end of stderr is kept on the way.

    Raises:
        OSError: a file cannot be opened.
    """

    def __init__(self, out: str | None, err: str | None) -> None:
        self._files = contextlib.ExitStack()
        self._reader: threading.Thread | None = None
        self._tail = b""
        self._path = Path(err) if err else None
        try:
            self.stdout = self._open(out) if out else None
            self.stderr = self._stderr(out, err)
        except BaseException:
            self._files.close()
            raise

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Take note of what the started process writes to stderr, where that is not a file."""
        self._files.close()  # the process has its own copies by now
        if process.stderr is not None:
            self._reader = threading.Thread(
                target=self._keep_tail, args=(process.stderr,), daemon=True
            )
            self._reader.start()

    def discard(self) -> None:
        """Close the files of a command that was not started."""
        self._files.close()

    def stderr_end(self) -> str:
        """Return the last `TAIL_CHARACTERS` of stderr; call it when the command has ended."""
        if self._reader is not None:
            self._reader.join(DRAIN_SECONDS)  # longer only if something left the group and goes on
        tail = _file_tail(self._path) if self._path else self._tail
        return tail.decode(errors="replace")[-TAIL_CHARACTERS:]

    def _open(self, path: str) -> IO[bytes]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return self._files.enter_context(Path(path).open("wb"))

    def _stderr(self, out: str | None, err: str | None) -> IO[bytes] | int:
        if err and err == out:
            return subprocess.STDOUT
        return self._open(err) if err else subprocess.PIPE

    def _keep_tail(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := stream.read1(65536):  # type: ignore[attr-defined]  # Popen's pipes are BufferedReaders
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                with contextlib.suppress(OSError, ValueError):  # our own stderr may be closed
                    sys.stderr.buffer.write(chunk)
                    sys.stderr.flush()


def _file_tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            return file.read()
    except OSError:  # the command removed it
        return b""
