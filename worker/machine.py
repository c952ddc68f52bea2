"""How much memory there is for the processes of this machine, or of this container."""

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
