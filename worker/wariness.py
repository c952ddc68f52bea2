"""How a chunk is read that somebody died over: image by image, each noted before it is touched.

The image that was in hand at the second of two deaths is known, whatever the chunk's size.
"""

from .ledger import Claim, Ledger
from .results import WORKER_LOST, Failure

NONE = -1


class Wariness:
    """Says of each image of a claim, in order, whether it may be touched."""

    def __init__(self, ledger: Ledger, claim: Claim, max_deaths: int) -> None:
        """An image is given up once `max_deaths` workers, the first of them unnoticed, died of it."""
        self._ledger, self._claim, self._max_deaths = ledger, claim, max_deaths
        self._harmless = NONE

    def check(self, index: int) -> Failure | None:
        """None if image `index` may be touched; it is the next one, or the first."""
        deaths = self._ledger.suspect(self._claim, index, self._harmless)
        if deaths + 1 < self._max_deaths:
            self._harmless = index
            return None
        # Its deaths stay noted, so that nobody dies of it again when another image of the chunk kills.
        self._harmless = NONE
        return Failure(WORKER_LOST, f"{self._max_deaths} workers were lost while they read this image")
