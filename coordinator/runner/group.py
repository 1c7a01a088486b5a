"""Process groups: everything that a task started and that did not leave the group on purpose."""

from __future__ import annotations

import os
import signal
import time

KILL_AFTER = 10.0
LOOK_EVERY = 0.02
DEATH_SECONDS = 5.0  # after KILL; longer only for a process that the kernel holds


def end_group(group: int, kill_after: float = KILL_AFTER) -> None:
    """Send TERM to a process group, and KILL to what is left of it after `kill_after` seconds.

    Returns when the group is empty. CONT goes along with TERM: a stopped process would not see it.
    """
    _send(group, signal.SIGTERM)
    _send(group, signal.SIGCONT)
    if not _empty_within(group, kill_after):
        _send(group, signal.SIGKILL)
        _empty_within(group, DEATH_SECONDS)


def _empty_within(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _send(group, 0):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY)
        _collect(group)
    return True


def _send(group: int, number: int) -> bool:
    """Return whether there was anybody to send it to."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody, who runs as another user (macOS: also a zombie)
        return True
    return True


def _collect(group: int) -> None:
    """Collect orphans of the group; they are our children where we are process 1 of a container.

    The group's leader is left alone: who started it waits for its exit code.
    """
    info = None
    try:
        info = os.waitid(os.P_PGID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    if info is not None and info.si_pid not in (0, group):
        os.waitpid(info.si_pid, os.WNOHANG)
