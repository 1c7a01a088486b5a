"""Become another program that the kernel kills together with the parent. Linux only; a script.

``python -I -S launcher.py PARENT_PID PROGRAM ARGUMENT…``. It stands alone, because it runs without
site-packages: that, and not a ``preexec_fn``, is what a process with threads can start safely.
prctl(2) says of PR_SET_PDEATHSIG that the setting outlives execve, and that the "parent" is the
*thread* that started this process; so that thread must live for as long as the program is to run.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PARENT_IS_GONE = 75


def main() -> None:
    """Bind this process to its parent, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the line above could help
        sys.exit(PARENT_IS_GONE)
    os.execv(program[0], program)  # noqa: S606 - the program is our own argument


if __name__ == "__main__":
    main()
