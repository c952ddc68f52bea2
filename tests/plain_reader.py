"""A reader and what is around it, without a ledger and other processes."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from model.engines.predictor import Floats, Images, Predictor
from model.reading import Bits, Screen
from worker.engine.passes import IsolatedPass
from worker.engine.poison_guard import PoisonGuard
from worker.engine.preparation import Decode
from worker.engine.reading import Reader, Ready
from worker.ledger.claims import Claim, Commit
from worker.ledger.measures import ForwardPass
from worker.ledger.results import Failure


def unflagged(glyphs: Images, outputs: Floats) -> Bits:
    """A screen that flags nothing."""
    return np.zeros(len(glyphs), np.uint8)


class PlainReader(Reader):
    """A reader that flags nothing, gives up what is suspected, and whose passes interest nobody, unless
    a test wants it otherwise."""

    def __init__(
        self,
        predictor: Predictor,
        decode: Decode,
        run_isolated: IsolatedPass = lambda glyphs: None,
        screen: Screen = unflagged,
        touch: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(predictor, decode, run_isolated, screen, touch)

    def read(
        self,
        claims: Sequence[Claim],
        ready: Ready | None = None,
        passes: list[ForwardPass] | None = None,
    ) -> list[Commit]:
        """See Reader."""
        return super().read(claims, ready, [] if passes is None else passes)

    def read_guarded(
        self, claim: Claim, guard: PoisonGuard, passes: list[ForwardPass] | None = None
    ) -> Commit:
        """See Reader."""
        return super().read_guarded(claim, guard, [] if passes is None else passes)


class Suspicions:
    """A guard that has every image read alone, and suspects those in `failures`."""

    size = 1

    def __init__(self, failures: Mapping[int, Failure]) -> None:
        self._failures = failures
        self.checked: list[int] = []

    def enter(self, block: range) -> bool:
        """See PoisonGuard."""
        return True

    def check(self, index: int) -> Failure | None:
        """See PoisonGuard."""
        self.checked.append(index)
        return self._failures.get(index)
