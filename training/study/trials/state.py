"""All state of a trial in training, saved and resumed as a whole: weights, optimizer, randomness."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from model.networks import channels_last

from ...sets.data import SPLIT_SEED, Array
from .learner import newborn
from .trial import Point, Trial

BLOCK = 1024
"""About how many images are drawn at once. Since a block's classes are drawn before the images within
them, another number would draw other images, and change every result."""


class State:
    """The network of `trial` at `step` of `steps` batches; `curve` are its points so far."""

    def __init__(self, trial: Trial, labels: Array, runs: Path) -> None:
        self.network = channels_last(newborn(trial, runs))
        self.draws = Draws(labels, trial)
        self.steps = trial.steps
        self.step, self.seconds = 0, 0.0
        self.curve: list[Point] = []
        parameters, rate, decay = self.network.parameters(), trial.learning_rate, trial.weight_decay
        self.optimizer = torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=True)
        schedulers = torch.optim.lr_scheduler
        self.schedule = schedulers.OneCycleLR(self.optimizer, rate, total_steps=self.steps)

    def learn(self, loss: torch.Tensor) -> None:
        """Take an optimizer step on the `loss` of a batch."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        """Everything, for `torch.save`."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "draws": self.draws.generator.get_state(),
            "torch_rng": torch.get_rng_state(),  # dropout draws from this one
            "curve": [asdict(point) for point in self.curve],
            "progress": (self.step, self.seconds),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        self.draws.generator.set_state(saved["draws"])
        torch.set_rng_state(saved["torch_rng"])
        self.curve = [Point(**point) for point in saved["curve"]]
        self.step, self.seconds = saved["progress"]


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


def pooled(labels: Array, pool: int) -> Iterator[npt.NDArray[np.intp]]:
    """The first `pool` rows (0: all) of each class, in an order that is the same for every trial."""
    rng = np.random.default_rng(SPLIT_SEED)
    for each in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == each))
        yield rows[: pool or len(rows)]
