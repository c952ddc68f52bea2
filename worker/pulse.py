"""The heartbeat by which a process tells the ledger that it is alive, and the name it goes by."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable

from .outage import Outage

log = logging.getLogger(__name__)

BEAT_S = 2.0

ALIVE_MS = 10_000
"""A process is taken to be alive for so long after a beat (ALIVE in scripts/common.lua)."""


def own_name() -> str:
    """A name that no other process has: host, process id, random digits (alive.py goes by the host)."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def host_of(name: str) -> str:
    """The host of a process that has such a name."""
    return name.rsplit("-", 2)[0]


class Pulse(threading.Thread):
    """Calls `beat` every two seconds until stopped."""

    def __init__(self, beat: Callable[[], None]) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._beat = beat
        self._stopping = threading.Event()
        self._outage = Outage(log, "no heartbeat can be sent", "heartbeats go on")

    def run(self) -> None:
        while not self._stopping.is_set():
            with self._outage:  # a worker that goes on must not be taken for dead
                self._beat()
            self._stopping.wait(BEAT_S)

    def stop(self) -> None:
        """Stop, and wait for a beat that is under way (BEAT_S at most)."""
        self._stopping.set()
        if self.is_alive():
            self.join(BEAT_S)
