"""The draws of a trial: which training images it is shown, every class equally often."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch

from ..sets.data import Array
from ..sets.tasks import SPLIT_SEED
from .trial import Trial


class Draws:
    """Class-balanced draws from the first `trial.pool` images of each class, by the trial's own seed."""

    def __init__(self, labels: Array, trial: Trial) -> None:
        members = list(pooled(labels, trial.pool))
        self._rows = torch.from_numpy(np.concatenate(members))
        self._sizes = torch.tensor([len(each) for each in members])
        self._starts = self._sizes.cumsum(0) - self._sizes
        self.generator = torch.Generator().manual_seed(trial.seed)

    def draw(self, count: int) -> torch.Tensor:
        """Draw rows (count,)."""
        classes = torch.randint(len(self._sizes), (count,), generator=self.generator)
        sizes = self._sizes[classes]
        within = (torch.rand(count, generator=self.generator, dtype=torch.float64) * sizes).long()
        return self._rows[self._starts[classes] + within]


def pooled(labels: Array, pool: int) -> Iterable[npt.NDArray[np.intp]]:
    """The first `pool` rows (0: all) of each class, in an order that is the same for every trial."""
    rng = np.random.default_rng(SPLIT_SEED)
    for each in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == each))
        yield rows[: pool or len(rows)]
