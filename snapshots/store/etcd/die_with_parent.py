"""Becomes another program that the kernel kills when its parent dies: PARENT_PID PROGRAM [ARGUMENT…].

Run as a script, in a fresh interpreter: code that runs between fork and exec in a process with threads may deadlock.
The kernel watches the *thread* that started the child, so it must be started from one that lives as long as the parent.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, program: list[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it died before we asked
        sys.exit("the parent has died")
    os.execv(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
