"""Runs a program that dies when its parent does, even if the parent is killed.

    python tether.py PARENT_PID PROGRAM [ARGUMENT...]

Knows one Linux call (prctl, PR_SET_PDEATHSIG). Must not import anything of hbalert: `child.py` runs this
file by its path, before anything is set up. Elsewhere than on Linux it only runs the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Asks the kernel to kill us with our parent, then becomes the program."""
    parent, program, *rest = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it died before we could ask
            sys.exit(1)
    os.execvp(program, [program, *rest])  # noqa: S606 - the caller's own program, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
