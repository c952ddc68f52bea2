"""The memory of a process: it is given back once used, unless a decoder needs it again at once, and
seldom searched for garbage."""

import contextlib
import ctypes
import gc
from collections.abc import Mapping

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
"""The numbers by which glibc's mallopt knows these settings."""

FRESH = 20_000
"""New objects between two garbage collections: a request makes a hundred, hardly any of which is garbage
that reference counting does not find."""

LARGE = 1 << 20
ARENAS = 2
KEPT = 16 << 20


def give_memory_back() -> None:
    """Have glibc return large blocks once they are free, and use few arenas for many threads.

    By default it learns to keep them: 45 MB in a worker.
    """
    _tune({MMAP_THRESHOLD: LARGE, ARENA_MAX: ARENAS})


def keep_memory() -> None:
    """Have glibc keep what one image took for the next: to be given it page by page anew takes a
    third of the time of a large one."""
    _tune({TRIM_THRESHOLD: KEPT, MMAP_THRESHOLD: KEPT})


def tune_garbage_collection() -> None:
    """Call this once all is loaded: the objects that exist now are never searched for garbage again,
    which cost half the time of a thousand results, and new ones only seldom."""
    gc.set_threshold(FRESH)
    gc.freeze()


def _tune(settings: Mapping[int, int]) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another libc
        libc = ctypes.CDLL(None)
        for number, value in settings.items():
            libc.mallopt(number, value)
