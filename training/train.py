"""The loop: class-balanced draws, augmentation, forward, backward, averaged weights, validation.

Every epoch is written to the run's folder; an interrupted run resumes from there as if nothing had
happened.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, one_hot

from .augment import augment
from .progress import Progress, resumable
from .recipe import Recipe
from .run import BadRun, Epoch, Run
from .sets.data import Set, Split, join
from .sets.tasks import TASKS
from .state import State

CHUNK = 1024


@dataclass
class Tally:
    """Loss and hits summed over images."""

    loss: float = 0.0
    hits: int = 0
    images: int = 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Count a batch whose mean loss is `loss`."""
        self.loss += float(loss) * len(labels)
        self.hits += int((logits.argmax(1) == labels).sum())
        self.images += len(labels)


class Trainer:
    """One run of one recipe on one split; `targets` (n, classes) are its teachers' probabilities.

    Scans, if there are any, are trained on their labels alone.
    """

    def __init__(self, recipe: Recipe, split: Split, targets: torch.Tensor | None = None) -> None:
        self.recipe, self.split, self.targets = recipe, split, targets
        self.task = TASKS[recipe.task]
        known = join([split.train, split.scans]) if split.scans else split.train
        self.images = torch.from_numpy(known.images)
        self.labels = torch.from_numpy(known.labels).long()
        classes = self.labels[: len(split.train)]
        weights = 1 / torch.bincount(classes).double()[classes]  # those of a class add up to 1
        self.cumulative = weights.cumsum(0)

    def train(self, run: Run) -> torch.nn.Module:
        """Return the trained network, in evaluation mode; `run` records every epoch.

        Raises BadRun if the loss diverges.
        """
        state = State(self.recipe, run.folder.parent)
        run.resume(state)
        progress = Progress(self.recipe, state.epoch)
        with resumable("the last whole epoch"), progress.bar:
            while state.epoch < self.recipe.epochs and not state.is_stale():
                start, rate = time.monotonic(), state.rate
                trained = self._epoch(state, progress)
                if not math.isfinite(trained.loss):
                    raise BadRun(
                        f"{run.folder}: in epoch {state.epoch + 1} the loss is no number any more: "
                        "remove the folder, lower the recipe's learning_rate, and begin anew"
                    )
                seconds = time.monotonic() - start
                validated = self._validate(state.averaged(), self.split.validation)
                state.end_epoch(validated.loss / validated.images)
                run.record(summarize(state.epoch, trained, validated, rate, seconds), state)
                progress.tell(run.epochs[-1])
        return state.result()

    def _epoch(self, state: State, progress: Progress) -> Tally:
        tally = Tally()
        for rows in self._draws(state.rng):
            labels = self.labels[rows]
            logits = self._forward(state, self.images[rows])
            loss = cross_entropy(logits, self._targets(rows), label_smoothing=self._smoothing)
            state.step(loss)
            tally.add(loss.detach(), logits, labels)
            progress.advance(len(rows), tally.loss / tally.images)
        return tally

    def _forward(self, state: State, images: torch.Tensor) -> torch.Tensor:
        images = images.unsqueeze(1).float() / 255
        if self.recipe.augmentation:
            images = augment(images, self.recipe.augmentation, state.rng)
        with torch.autocast("cpu", torch.bfloat16):
            logits: torch.Tensor = state.network(self._scale(images))
        return logits.float()

    def _draws(self, rng: torch.Generator) -> Iterator[torch.Tensor]:
        """Yield the rows of each batch of an epoch: scans in the recipe's share, the rest balanced."""
        scans = len(self.labels) - len(self.cumulative)
        scanned = round(self.recipe.scanned * self.recipe.batch) if scans else 0
        for _ in range(self.recipe.steps):
            points = torch.rand(self.recipe.batch - scanned, generator=rng, dtype=torch.float64)
            rows = torch.searchsorted(self.cumulative, points * self.cumulative[-1])
            rows = rows.clamp(max=len(self.cumulative) - 1)
            drawn = torch.randint(scans, (scanned,), generator=rng) if scanned else rows[:0]
            yield torch.cat([rows, len(self.cumulative) + drawn])

    def _targets(self, rows: torch.Tensor) -> torch.Tensor:
        labels = self.labels[rows]
        if self.targets is None:
            return labels
        truth = one_hot(labels, self.targets.shape[1]).float()
        taught = (rows < len(self.targets)).nonzero()[:, 0]
        seen = self.targets[rows[taught]].float()
        return truth.index_copy(0, taught, truth[taught].lerp(seen, self.recipe.distillation))

    @property
    def _smoothing(self) -> float:
        return self.recipe.label_smoothing if self.targets is None else 0.0

    @torch.inference_mode()
    def _validate(self, network: torch.nn.Module, data: Set) -> Tally:
        tally, training = Tally(), network.training
        network.eval()
        for start in range(0, len(data), CHUNK):
            images = torch.from_numpy(data.images[start : start + CHUNK]).unsqueeze(1).float() / 255
            labels = torch.from_numpy(data.labels[start : start + CHUNK]).long()
            logits = network(self._scale(images))
            tally.add(cross_entropy(logits, labels), logits, labels)
        network.train(training)
        return tally

    def _scale(self, images: torch.Tensor) -> torch.Tensor:
        return (images - self.task.mean) / self.task.std


def summarize(epoch: int, trained: Tally, validated: Tally, rate: float, seconds: float) -> Epoch:
    """The figures of an epoch that began at learning rate `rate`."""
    return Epoch(
        epoch=epoch,
        loss=trained.loss / trained.images,
        accuracy=trained.hits / trained.images,
        validation_loss=validated.loss / validated.images,
        validation_accuracy=validated.hits / validated.images,
        learning_rate=rate,
        seconds=seconds,
        images_per_second=trained.images / seconds,
    )
