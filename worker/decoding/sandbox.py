"""What a decoder gives up before it sees its first image. There is no way back from any of it.

It opens, connects and starts nothing (seccomp, and limits where the kernel has no seccomp), writes no
file, leaves no core, has so much memory and no more, gains no privilege, and dies with its fork server.
"""

import contextlib
import os
import resource
from pathlib import Path

from ..prctl import prctl
from .seccomp import confine

PR_SET_NO_NEW_PRIVS = 38
BYTES_A_PIXEL = 32
"""Measured: the dearest files (16 bit RGBA as PNG, floats as TIFF) take 22 at their worst moment."""
BYTES_BESIDE = 256 << 20
"""For the file, its copies, and what is asked for with it."""


def keep_only(file: int) -> None:
    """Close whatever is open but this, stdout and stderr."""
    os.close(0)
    os.closerange(3, file)
    os.closerange(file + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def enter(max_pixels: int) -> bool:
    """Give up everything but the socket in hand, memory for `max_pixels`, and time; whether by seccomp.

    Raises OSError, OverflowError.
    """
    with contextlib.suppress(OSError):  # rather this process than the network's, where that can be said
        Path("/proc/self/oom_score_adj").write_text("1000")
    memory = _size() + max_pixels * BYTES_A_PIXEL + BYTES_BESIDE
    for limit, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        lower = [each for each in (most, *resource.getrlimit(limit)) if each != resource.RLIM_INFINITY]
        resource.setrlimit(limit, (min(lower), min(lower)))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    return confine()


def _size() -> int:
    """Bytes of address space that this process has taken already."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
