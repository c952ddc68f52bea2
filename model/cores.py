"""How many processors this process may use: those of its affinity, or fewer by its container's quota."""

import os
from math import ceil
from pathlib import Path

QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
"""The files of a control group's quota and period, in versions 2 and 1, as a container sees its own."""


def usable_cores(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """At least 1; `groups` has the control groups."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for names in QUOTAS:
        try:
            text = " ".join((groups / name).read_text() for name in names)
            quota, period = map(int, text.split())
        except (OSError, ValueError):  # not this version, or `max`
            continue
        if quota > 0:  # in version 1, -1 is none
            cores = min(cores, ceil(quota / period))
    return cores
