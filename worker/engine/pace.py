"""How fast a worker has read lately: images per second of work, by model. Its heartbeat reports it.

Nearly empty batches say little about a queue that is full, so once there are full batches, only they
count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

HALF_LIFE_S = 5.0
"""In seconds of work, not of the clock: an idle worker remembers its pace."""


@dataclass
class Pace:
    """Images and seconds of work, in which older work counts exponentially less."""

    images: float = 0.0
    seconds: float = 0.0

    def add(self, images: int, seconds: float) -> None:
        """Add work: so many images took so long."""
        rest = 0.5 ** (seconds / HALF_LIFE_S)
        self.images = self.images * rest + images
        self.seconds = self.seconds * rest + seconds

    @property
    def rate(self) -> float:
        """Images a second; 0 if nothing is known."""
        return self.images / self.seconds if self.seconds else 0.0


class Paces:
    """One worker's paces. A batch of at least `full` images shows what the worker can do."""

    def __init__(self, full: int) -> None:
        self._full = full
        self._fast: dict[str, Pace] = {}
        self._slow: dict[str, Pace] = {}

    def add(self, model: str, images: int, seconds: float) -> None:
        """Add a batch that was claimed, read and committed in `seconds`."""
        kind = self._fast if images >= self._full else self._slow
        kind.setdefault(model, Pace()).add(images, seconds)

    def rates(self) -> Mapping[str, float]:
        """Images a second by model, for the models that were read at all."""
        return {model: round(pace.rate, 1) for model, pace in (self._slow | self._fast).items()}
