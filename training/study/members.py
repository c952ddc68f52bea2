"""All state of a cohort in training, saved and resumed as a whole: weights, optimizer, randomness."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from model.networks import count_parameters

from ..sets.data import Array
from .draws import Draws
from .newborn import newborn
from .stack import restore, stack
from .trial import Point, Trial


class Members:
    """`trials` of one shape at `step` of `steps` batches; `curves` are the points of each so far.

    The optimizer has a group for each trial, with its own rate and decay.
    """

    def __init__(self, trials: Sequence[Trial], labels: Array, runs: Path) -> None:
        modules = [newborn(trial, runs) for trial in trials]
        self.parameters = count_parameters(modules[0])
        self.networks = stack(modules)
        self.draws = [Draws(labels, trial) for trial in trials]
        self.steps = max(1, trials[0].images // trials[0].batch)
        self.step, self.seconds = 0, 0.0
        self.curves: list[list[Point]] = [[] for _ in trials]
        groups = [
            {"params": parameters, "weight_decay": trial.weight_decay}
            for parameters, trial in zip(self.networks.parameters, trials, strict=True)
        ]
        rates = [trial.learning_rate for trial in trials]
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        schedulers = torch.optim.lr_scheduler
        self.schedule = schedulers.OneCycleLR(self.optimizer, rates, total_steps=self.steps)

    def learn(self, loss: torch.Tensor) -> None:
        """Take an optimizer step on a batch; `loss` is the sum over the trials."""
        self.networks.differentiate(loss)
        self.optimizer.step()
        self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        """Everything, for `torch.save`."""
        return {
            "networks": self.networks.tensors(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "draws": [draws.generator.get_state() for draws in self.draws],
            "torch_rng": torch.get_rng_state(),  # dropout draws from this one
            "curves": [[asdict(point) for point in curve] for curve in self.curves],
            "progress": (self.step, self.seconds),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        restore(self.networks, saved["networks"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        for draws, state in zip(self.draws, saved["draws"], strict=True):
            draws.generator.set_state(state)
        torch.set_rng_state(saved["torch_rng"])
        self.curves = [[Point(**point) for point in curve] for curve in saved["curves"]]
        self.step, self.seconds = saved["progress"]
