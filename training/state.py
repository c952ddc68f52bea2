"""All state of a network in training, saved and resumed as a whole: weights, optimizer, randomness."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model.networks import build, channels_last

from .recipe import Recipe
from .registry import start_from

Weights = dict[str, torch.Tensor]


class State:
    """A network under training by `recipe`, at the end of `epoch` epochs."""

    def __init__(self, recipe: Recipe, runs: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.rng = torch.Generator().manual_seed(recipe.seed)
        self.network = channels_last(build(recipe.network)).train()
        if recipe.start:
            start_from(self.network, recipe.start, runs)
        self.start = copy.deepcopy(self.network)
        self.average = copy.deepcopy(self.network).eval() if recipe.average else None
        self.optimizer = make_optimizer(self.network, recipe)
        self.schedule = make_schedule(self.optimizer, recipe)
        self.steps, self.epoch, self.best_epoch, self.best_loss = 0, 0, 0, float("inf")
        self.best: Weights = {}

    def step(self, loss: torch.Tensor) -> None:
        """Take an optimizer step on the `loss` of a batch."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if isinstance(self.schedule, torch.optim.lr_scheduler.OneCycleLR):
            self.schedule.step()
        if self.average:
            self.steps += 1
            young = (1 + self.steps) / (10 + self.steps)  # or the untrained weights would linger
            blend(self.average, self.network, min(self.recipe.average, young))

    def end_epoch(self, validation_loss: float) -> None:
        """Count an epoch; if the recipe has a patience, keep its weights if it is the best so far."""
        self.epoch += 1
        if isinstance(self.schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.schedule.step(validation_loss)
        if self.recipe.patience and validation_loss < self.best_loss:
            self.best_epoch, self.best_loss = self.epoch, validation_loss
            self.best = copy.deepcopy(self.averaged().state_dict())

    def is_stale(self) -> bool:
        """Whether patience has run out."""
        return bool(self.recipe.patience) and self.epoch - self.best_epoch >= self.recipe.patience

    def averaged(self) -> nn.Module:
        """The network with averaged weights, or as it is if the recipe averages none."""
        return self.average or self.network

    def result(self) -> nn.Module:
        """The network to publish: the best epoch on validation, or the last; part of the way from the
        start."""
        network = self.averaged()
        if self.best:
            network.load_state_dict(self.best)
        if self.recipe.way < 1:
            blend(network, self.start, self.recipe.way)
        return network.eval()

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Everything, for `torch.save`."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": self.rng.get_state(),
            "torch_rng": torch.get_rng_state(),  # dropout draws from this one
            "best": self.best,
            "progress": (self.steps, self.epoch, self.best_epoch, self.best_loss),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.network.load_state_dict(saved["network"])
        if self.average:
            self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        self.rng.set_state(saved["rng"])
        torch.set_rng_state(saved["torch_rng"])
        self.best = saved["best"]
        self.steps, self.epoch, self.best_epoch, self.best_loss = saved["progress"]


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer that `recipe` names."""
    parameters, rate, decay = network.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, weight_decay=decay)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, rate, weight_decay=decay, fused=True)
    return torch.optim.AdamW(parameters, rate, weight_decay=decay, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe
) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over the run: one cycle (Smith 2018), cut at plateaus, or constant."""
    schedulers = torch.optim.lr_scheduler
    if recipe.schedule == "one-cycle":
        total = recipe.epochs * recipe.steps
        return schedulers.OneCycleLR(optimizer, recipe.learning_rate, total_steps=total, pct_start=0.25)
    if recipe.schedule == "plateau":
        return schedulers.ReduceLROnPlateau(optimizer, patience=5, factor=0.5)
    return schedulers.ConstantLR(optimizer, factor=1.0)


@torch.no_grad()
def blend(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the weights and statistics of `average` towards the network's, keeping the share `keep`
    (Polyak)."""
    values = network.state_dict()
    for name, mean in average.state_dict().items():
        if mean.is_floating_point():
            mean.lerp_(values[name], 1 - keep)
        else:  # a counter of batches
            mean.copy_(values[name])
