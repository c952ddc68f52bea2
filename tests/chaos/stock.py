"""What the clients of a campaign have to send: which images, and how many are left."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.files.images import Grey

from .evidence import Reading


@dataclass(frozen=True)
class Pool:
    """The images that all jobs are made of, and the readings of each in a quiet run."""

    images: Grey
    readings: Sequence[Reading]

    def draw(self, rng: random.Random, count: int) -> "Pool":
        """A pool of `count` images, drawn with replacement."""
        picked = rng.choices(range(len(self.images)), k=count)
        return Pool(self.images[picked], [self.readings[each] for each in picked])


class Quota:
    """How many images are still to be sent. Callers may be at most `ahead` images ahead of `share`, the
    part of the run that is done."""

    def __init__(self, images: int, ahead: int, share: Callable[[], float]) -> None:
        self.images, self.taken = images, 0
        self._ahead, self._share = ahead, share
        self._lock = threading.Lock()
        self.off = threading.Event()
        self.holds_up = False

    def take(self, count: int) -> int:
        """Wait until images may be sent; return how many, up to `count`, or 0 if there are no more."""
        while not self.off.is_set():
            with self._lock:
                left = self.images - self.taken
                if left <= 0:
                    return 0
                self.holds_up = self.taken > self.images * self._share() + self._ahead
                if not self.holds_up:
                    self.taken += min(count, left)
                    return min(count, left)
            time.sleep(0.05)
        return 0
