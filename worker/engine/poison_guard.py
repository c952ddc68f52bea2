"""How a chunk is read over which a worker died, so that a poison image is found soon and alone.

It is first read in blocks, each noted in the ledger before it is touched: a note costs a synced write,
and most deaths are no image's fault. A block in which a worker died is read image by image, each noted
as well.
"""

from collections.abc import Callable
from math import ceil

from ..ledger.claims import Claim
from ..ledger.ledger import Ledger
from ..ledger.results import WORKER_LOST, Failure

BLOCK, MOST_BLOCKS = 16, 16
"""The fewest images of a block, and the most blocks of a chunk."""


class PoisonGuard:
    """One guarded reading of `claim`. An image with which `deaths` workers died is suspected.

    The first death was in a batch, the second in a block, the others over the image alone. If `deaths`
    is at most two, there are no blocks, lest an image's neighbours be given up with it.
    """

    def __init__(self, ledger: Ledger, claim: Claim, deaths: int, touch: Callable[[], None]) -> None:
        """`touch` is called before anything is noted."""
        self._ledger, self._claim, self._touch = ledger, claim, touch
        self._most = deaths - 1
        self.size = max(BLOCK, ceil(claim.count / MOST_BLOCKS)) if self._most > 1 else 1
        self._noted = ledger.suspects(claim)
        self._in_block = 0
        self._over: list[str] = []

    def absolve(self) -> None:
        """This worker lives: take back what is noted as in its hands. Raises redis.RedisError."""
        if self._over:
            self._ledger.absolve(self._claim, self._over)

    def enter(self, block: range) -> bool:
        """Note that these images are next; return whether each has to be read alone."""
        if self.size == 1:
            return True
        name = f"block {block.start}"
        self._touch()
        self._ledger.suspect(self._claim, name, *self._over)
        self._over = [name]
        self._in_block = min(1, self._noted.get(name, 0))
        return bool(self._in_block) or any(str(index) in self._noted for index in block)

    def check(self, index: int) -> Failure | None:
        """Note that this image is next; return a failure if it is suspected, so no worker should read
        it."""
        self._touch()
        self._ledger.suspect(self._claim, str(index), *(each for each in self._over if each.isdecimal()))
        self._over = [each for each in self._over if not each.isdecimal()]
        deaths = self._noted.get(str(index), 0) + self._in_block
        if deaths < self._most:
            self._over.append(str(index))  # else its deaths stay noted, so that nobody dies of it again
            return None
        return Failure(WORKER_LOST, f"{deaths + 1} workers were lost while they read this image")


class PoisonGuards:
    """One worker's guards. Those that a failure of Redis interrupted are absolved when it is over."""

    def __init__(self, ledger: Ledger, deaths: int, touch: Callable[[], None]) -> None:
        self._ledger, self._deaths, self._touch = ledger, deaths, touch
        self._interrupted: list[PoisonGuard] = []

    def of(self, claim: Claim) -> PoisonGuard | None:
        """The guard for a chunk over which a worker died; None for any other chunk."""
        if claim.deliveries <= 1:
            return None
        return PoisonGuard(self._ledger, claim, self._deaths, self._touch)

    def interrupted(self, guard: PoisonGuard) -> None:
        """Note that Redis failed during this one."""
        self._interrupted.append(guard)

    def absolve(self) -> None:
        """Absolve those that were interrupted. Raises redis.RedisError if Redis is still away."""
        while self._interrupted:
            self._interrupted[-1].absolve()
            self._interrupted.pop()
