"""How many event streams a caller holds open on this gateway, and the refusal of more."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from ..problems import Problem


class Places:
    """At most `most` for each caller; `gauge` follows how many are taken in all."""

    def __init__(self, most: int, gauge: Gauge) -> None:
        self._most, self._gauge = most, gauge
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken_by(self, owner: str) -> Iterator[None]:
        """One place, for as long as this is open. Raises the problem `too-many-streams`."""
        if self._taken[owner] >= self._most:
            detail = f"You follow {self._most} jobs here already; close a stream, or poll this job."
            raise Problem("too-many-streams", detail, retry_after=5, limit=self._most)
        self._taken[owner] += 1
        self._gauge.inc()
        try:
            yield
        finally:
            self._gauge.dec()
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
