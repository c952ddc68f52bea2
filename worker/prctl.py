"""prctl(2): what a process asks of the kernel for itself. Linux only."""

import ctypes
import os

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int, pointer: object = None) -> None:
    """Set an option of this process; `pointer` as ctypes.byref makes it. Raises OSError."""
    if _libc.prctl(option, ctypes.c_ulong(value), pointer, None, None):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def die_with_parent(number: int, parent: int) -> None:
    """End by signal `number` when the process `parent`, which forked this one, ends; at once if it has
    ended. Imports nothing, so it may run between fork and exec. Raises OSError."""
    prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)
