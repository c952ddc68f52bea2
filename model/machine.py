"""The machine: its processor, and the cores and memory that this process (or its container) may use."""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
"""The control groups, as a container sees its own."""

QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
"""The files of a control group's quota and period, in versions 2 and 1."""

LIMITS = (("memory.max",), ("memory/memory.limit_in_bytes",))
"""The files of its limit of memory in bytes, in versions 2 and 1."""


def usable_cores(groups: Path = GROUPS) -> int:
    """The processors in this process's affinity, or fewer by a quota; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    for quota, period in _figures(groups, QUOTAS, 2):
        if quota > 0:  # in version 1, -1 is none
            cores = min(cores, ceil(quota / period))
    return cores


def processor() -> str:
    """The model of the processor, if the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_bytes(groups: Path = GROUPS) -> int:
    """Bytes of memory, or of what a control group allows, if that is less."""
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([most, *(limit for (limit,) in _figures(groups, LIMITS, 1))])


def _figures(groups: Path, versions: Iterable[Sequence[str]], count: int) -> Iterator[list[int]]:
    """The `count` figures in the files of each version, if it sets a limit."""
    for names in versions:
        try:
            text = " ".join((groups / name).read_text() for name in names)
            figures = [int(each) for each in text.split()]
        except (OSError, ValueError):  # not this version, or `max`
            continue
        if len(figures) == count:  # a file may be empty
            yield figures
