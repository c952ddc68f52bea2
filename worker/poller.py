"""What a worker or sender does when no doorbell is heard: it looks for work itself, now and then.

After Redis was away for a while, Celery at times stays deaf for good: connected, but hearing nothing.
Thanks to this thread, that costs some delay but loses no work.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from .connections.outage import Outage

log = logging.getLogger(__name__)

LAST_S = 10.0


class Poller(threading.Thread):
    """Does `works` in turn when no doorbell was heard for `patience_s`; each returns how much it did.
    The work that a doorbell rings for is done through `perform`: only one is done at a time."""

    def __init__(self, works: Sequence[Callable[[], int]], patience_s: float = 1.0) -> None:
        super().__init__(name="poller", daemon=True)
        self._works, self._patience_s = works, patience_s
        self._turn, self._heard = threading.Lock(), time.monotonic()
        self._stopping = threading.Event()
        self._outage = Outage(log, "cannot look for what is due", "can look for what is due again")

    def perform(self, work: Callable[[], int]) -> int:
        """Do `work`, for which a doorbell rang; returns how much was done."""
        with self._turn:
            try:
                return work()
            finally:
                self._heard = time.monotonic()

    def run(self) -> None:
        found = False
        while not self._stopping.wait(0.0 if found else self._patience_s / 2):
            deaf = time.monotonic() - self._heard >= self._patience_s
            found = deaf and sum(self._look(work) for work in self._works) > 0

    def stop(self) -> None:
        """Look no more; what is under way may end, if it takes no longer than LAST_S."""
        self._stopping.set()
        if self.is_alive():
            self.join(LAST_S)

    def _look(self, work: Callable[[], int]) -> bool:
        """Whether there was something to do; not if other work is under way."""
        if self._stopping.is_set() or not self._turn.acquire(blocking=False):
            return False
        done = 0
        try:
            with self._outage:
                done = work()
        finally:
            self._turn.release()
        if done:
            log.info("%d were due, but no doorbell was heard", done)
        return bool(done)
