"""The identity of this process: no two runners share one, not even after a restart."""

import os
import secrets
import socket

LONGEST_NAME = 200  # the wire allows 1024 for the whole


def new_identity(name: str | None) -> str:
    """Return ``<name or host>-<pid>-<random>``: readable, and new for each process."""
    return f"{(name or socket.gethostname())[:LONGEST_NAME]}-{os.getpid()}-{secrets.token_hex(4)}"
