"""Metrics of gateways that share a port: each keeps its own in files, and any of them reports all.

prometheus_client does so if PROMETHEUS_MULTIPROC_DIR is set, which `inkqueue up --api-workers` does. It
names the files by process id; we name them by slot, so that a gateway goes on counting where one that
died left off. Otherwise every death would leave files that each scrape has to read.
"""

import fcntl
import os
from itertools import count
from pathlib import Path

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"


def joint_registry() -> CollectorRegistry | None:
    """A registry of the metrics of all gateways of a folder; None for a single gateway. Metrics created
    from now on are kept in this process's own slot. Raises ValueError for a folder that is missing or
    whose files cannot be locked."""
    folder = os.environ.get(MULTIPROC_DIR)
    if not folder:
        return None
    try:
        slot = _take_slot(Path(folder))
    except OSError as error:
        raise ValueError(f"{MULTIPROC_DIR}: {error}") from error
    mark_process_dead(slot)  # type: ignore[no-untyped-call]  # what its last owner had open is closed
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _take_slot(folder: Path) -> int:
    """Take the lowest number that no living process has; this process keeps it until it ends."""
    for number in count(1):
        lock = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            break
    return number
