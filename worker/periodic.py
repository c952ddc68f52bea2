"""A thread that does one small job at intervals: renew leases, beat, keep up the ledger, check Redis."""

import threading
from collections.abc import Callable

from .connections.outage import Outage


class Periodic(threading.Thread):
    """Does `work` at once and then every `every_s` seconds until stopped, whatever goes wrong meanwhile
    (see Outage). If `work` returns something true, there is more to do, and no pause is made."""

    def __init__(self, name: str, every_s: float, work: Callable[[], object], outage: Outage) -> None:
        super().__init__(name=name, daemon=True)
        self._every_s, self._work, self._outage = every_s, work, outage
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            more: object = None
            with self._outage:
                more = self._work()
            if not more:
                self._stopping.wait(self._every_s)

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
