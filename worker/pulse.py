"""The heartbeat by which a process tells the ledger that it is alive, and the name it goes by."""

import logging
import os
import socket
import uuid
from collections.abc import Callable

from .connections.outage import Outage
from .periodic import Periodic

log = logging.getLogger(__name__)

BEAT_S = 2.0


def own_name() -> str:
    """A name that no other process has: host, process id, random digits (alive.py goes by the host)."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def host_of(name: str) -> str:
    """The host of a process that has such a name."""
    return name.rsplit("-", 2)[0]


class Pulse(Periodic):
    """Calls `beat` every two seconds until stopped."""

    def __init__(self, beat: Callable[[], None]) -> None:
        outage = Outage(log, "no heartbeat can be sent", "heartbeats go on")
        super().__init__("heartbeat", BEAT_S, beat, outage)

    def stop(self) -> None:
        """Stop, and wait for a beat that is under way (BEAT_S at most)."""
        super().stop()
        if self.is_alive():
            self.join(BEAT_S)
