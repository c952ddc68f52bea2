"""The loop: class-balanced draws, affine augmentation, AdamW under one cycle, averaged weights.

The last epoch's averaged weights are the result; no epoch is chosen.
"""

import copy
from collections.abc import Iterator

import torch
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from torch import nn
from torch.nn.functional import cross_entropy

from model.networks import build, channels_last

from .augment import random_affine
from .data import Set
from .recipe import Recipe


def train(recipe: Recipe, data: Set) -> nn.Module:
    """The network of `recipe` trained on `data`, on the CPU in bfloat16 where that pays."""
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)
    network = channels_last(build(recipe.network))
    average = copy.deepcopy(network)
    steps = recipe.epochs * (recipe.draws // recipe.batch)
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.25
    )
    with progress_bar() as progress:
        task = progress.add_task(recipe.name, total=steps, loss=float("nan"))
        for images, labels in batches(data, recipe, steps, rng):
            with torch.autocast("cpu", torch.bfloat16):
                varied = random_affine(images, recipe, rng)
                logits = network((varied - recipe.mean) / recipe.std)
            loss = cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            blend(average, network, recipe.average)
            progress.update(task, advance=1, loss=loss.item())
    average.eval()
    return average


def batches(
    data: Set, recipe: Recipe, steps: int, rng: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """`steps` batches of images (n, 1, 28, 28) in 0..1 and labels, every class equally often."""
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
    weights = 1 / torch.bincount(labels).double()[labels]
    cumulative = weights.cumsum(0)
    for _ in range(steps):
        points = torch.rand(recipe.batch, generator=rng, dtype=torch.float64) * cumulative[-1]
        rows = torch.searchsorted(cumulative, points).clamp(max=len(labels) - 1)
        yield images[rows].unsqueeze(1).float() / 255, labels[rows]


@torch.no_grad()
def blend(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the averaged weights and statistics a little towards the network's (Polyak)."""
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)


def progress_bar() -> Progress:
    """Steps done, time to go, and the loss."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
    )
