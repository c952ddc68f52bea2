"""How many processors this process may use: those of its affinity, or fewer by its container's quota."""

import os
from math import ceil
from pathlib import Path


def usable_cores(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """At least 1. `groups` are the control groups, version 2 or 1, as a container sees its own."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for quota, period in (_version2(groups), _version1(groups)):
        if quota > 0:
            cores = min(cores, ceil(quota / period))
    return cores


def _version2(groups: Path) -> tuple[int, int]:
    """Quota and period in microseconds; 0, 1 without a quota."""
    try:
        quota, period = map(int, (groups / "cpu.max").read_text().split())
    except (OSError, ValueError):  # not this version, or `max`
        return 0, 1
    return quota, period


def _version1(groups: Path) -> tuple[int, int]:
    """The same; without a quota it is -1."""
    try:
        quota, period = (
            int((groups / "cpu" / name).read_text())
            for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        )
    except (OSError, ValueError):
        return 0, 1
    return quota, period
