"""Process groups: everything that a task started and that did not leave the group on purpose."""

from __future__ import annotations

import os
import signal
import time

import psutil

KILL_AFTER = 10.0
LOOK_EVERY = 0.05
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
        _collect(group)
        if not _has_living(group):
            break
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _has_living(group: int) -> bool:
    """Return whether any member still runs; those that nobody collects count as ended."""
    return any(_lives_in(pid, group) for pid in psutil.pids())


def _lives_in(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False  # it ended meanwhile, or is none of ours


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
    try:
        info = os.waitid(os.P_PGID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except (ChildProcessError, AttributeError):  # macOS has no waitid before Python 3.13
        return
    if info is not None and info.si_pid not in (0, group):
        os.waitpid(info.si_pid, os.WNOHANG)
