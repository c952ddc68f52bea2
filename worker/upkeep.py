"""A thread of every process: it rings for chunks that wait and buries expired jobs.

Stateless; any number of them may run, and one is enough.
"""

import logging
import threading
from collections.abc import Sequence

from .ledger import Ledger
from .outage import Outage

log = logging.getLogger(__name__)


class Upkeep(threading.Thread):
    """Calls `ledger.upkeep` every `interval` seconds until stopped."""

    def __init__(self, ledger: Ledger, models: Sequence[str], interval: float = 0.5) -> None:
        super().__init__(name="upkeep", daemon=True)
        self._ledger, self._models, self._interval = ledger, models, interval
        self._stopping = threading.Event()
        self._outage = Outage(log, "upkeep cannot be done", "upkeep goes on")

    def run(self) -> None:
        while not self._stopping.wait(self._interval):
            with self._outage:
                while self._ledger.upkeep(self._models) and not self._stopping.is_set():
                    pass  # jobs may expire as fast as they came

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
