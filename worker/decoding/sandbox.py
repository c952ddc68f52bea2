"""What a decoder gives up before it sees its first image. There is no way back from any of it.

It can open, connect and start nothing (by seccomp, or by limits if the kernel has no seccomp), writes no
file, leaves no core, has a fixed amount of memory, gains no privilege, and dies with its fork server.
"""

import contextlib
import os
import resource
from pathlib import Path

from ..prctl import prctl
from .seccomp import confine

PR_SET_NO_NEW_PRIVS = 38
BYTES_A_PIXEL = 32
"""Measured: the most expensive files (16 bit RGBA as PNG, floats as TIFF) take 22 at their peak."""
BYTES_BESIDE = 256 << 20
"""For an image's file, copies of it, and what is sent with it."""


def keep_only(file: int) -> None:
    """Close all open files but this one, stdout and stderr."""
    os.close(0)
    os.closerange(3, file)
    os.closerange(file + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def enter(max_pixels: int) -> bool:
    """Give up all but the open socket, memory for `max_pixels`, and time; return whether seccomp is on.

    Raises OSError, OverflowError.
    """
    with contextlib.suppress(OSError):  # if it may: short of memory, the kernel kills this process first
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
