"""What the guard's process runs; it stands alone, because it starts without site-packages."""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow ``+group`` and ``-group`` lines; at their end kill the groups that are left."""
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
