"""The Valkey that `coordinator serve` brings along: one process, one directory, one unix socket.

Why it is safe to rely on:

- **One owner.** A file lock on the directory, held for as long as the server runs and never
  inherited by it, refuses a second coordinator. The kernel releases it however its holder ends.
- **One writer.** Two servers on one append-only file would destroy it. On Linux the kernel kills
  the server together with its parent (`launcher`); everywhere a server that is still there at the
  next start is shut down first (`orphan`).
- **Nothing lost by a kill.** Valkey writes each command to its append-only file before it answers,
  so what was answered is in the page cache when the process dies; a half-written tail is cut off
  at the next start. Losing power can cost the last second, unless `appendfsync` is ``always``.
"""

from coordinator.embedded.errors import EmbeddedError
from coordinator.embedded.server import EmbeddedServer

__all__ = ["EmbeddedError", "EmbeddedServer"]
