"""Figures of gateways that share a port: each keeps its own in files, and any of them reports all.

prometheus_client does so where PROMETHEUS_MULTIPROC_DIR is set, as `inkqueue up --api-workers` does.
"""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def joint_registry() -> CollectorRegistry | None:
    """The figures of all gateways of a folder, less what lost ones held; None for one alone."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    for figures in Path(folder).glob("gauge_live*_*.db"):
        pid = int(figures.stem.rpartition("_")[2])
        if not _lives(pid):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # the latter: the number is another's now
        return False
    return True
