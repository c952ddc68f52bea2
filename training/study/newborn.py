"""A trial's network before its first batch: drawn by its seed, its start loaded, frozen if wanted."""

from pathlib import Path

import torch
from torch import nn

from model.networks import head_of

from ..registry import start_from
from ..sets.tasks import TASKS
from .networks import build
from .resnet import ResNet18, load_imagenet
from .trial import Trial

BY_CLASSES = {len(task.labels): task for task in TASKS.values()}


def newborn(trial: Trial, runs: Path) -> nn.Module:
    """The network of `trial`; its `start` is looked for in `runs` too. Raises BadCard."""
    torch.manual_seed(trial.seed)
    module = build(trial.network)
    if trial.start and isinstance(module, ResNet18):
        load_imagenet(module, Path(trial.start))
    elif trial.start:
        start_from(module, trial.start, runs)
    if trial.frozen:
        module.requires_grad_(False)
        head_of(module).requires_grad_(True)
    return module


def learning(module: nn.Module, trial: Trial) -> None:
    """Put `module` in training mode, except its frozen part, whose statistics must not change either."""
    module.train(not trial.frozen)
    head_of(module).train()


def scaled(images: torch.Tensor, trial: Trial) -> torch.Tensor:
    """uint8 (..., 28, 28) as float32 (..., 1, 28, 28), scaled as in the task with the same number of
    classes."""
    task = BY_CLASSES.get(trial.network["classes"], TASKS["letters"])
    return images.unsqueeze(-3).float().sub_(255 * task.mean).div_(255 * task.std)
