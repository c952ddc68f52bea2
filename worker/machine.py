"""The memory of this machine or container: how much there is, and that what was used goes back to it."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

LIMITS = ("memory.max", "memory/memory.limit_in_bytes")
"""Of control groups, version 2 and 1, as a container sees its own."""


def memory_bytes(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory; what a control group allows, if that is less."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in LIMITS:
        try:
            most = min(most, int((groups / name).read_text()))
        except (OSError, ValueError):  # not this version, or `max`
            continue
    return most


MMAP_THRESHOLD, ARENA_MAX = -3, -8
"""What glibc's mallopt knows these settings by."""

FRESH = 20_000
"""Objects between two looks for garbage: a request makes a hundred, of which hardly any is garbage that
counting references does not find."""

LARGE = 1 << 20
ARENAS = 2


def give_memory_back() -> None:
    """Have glibc return what was large once it is free, and keep few stores for many threads.

    Left to itself it learns to keep it: 45 MB in a worker.
    """
    with contextlib.suppress(OSError, AttributeError):  # another libc
        libc = ctypes.CDLL(None)
        libc.mallopt(MMAP_THRESHOLD, LARGE)
        libc.mallopt(ARENA_MAX, ARENAS)


def settle() -> None:
    """All is loaded. What stays is looked through for garbage no more, which cost half the time of a
    thousand results, and what is new seldom."""
    gc.set_threshold(FRESH)
    gc.freeze()
