"""A cohort: trials of one shape, trained together, each as it would be trained alone.

Its state is saved at each point, so that a killed cohort resumes from the last one.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from ..run import DAMAGED, BadRun, write_tensors
from ..sets.data import Split
from .cohorts import mixed
from .members import Members
from .networks import macs
from .newborn import learning, scaled
from .outcomes import CHUNK, read_outcomes, write_outcome
from .trial import Outcome, Point, Trial

Tell = Callable[[int], None]
"""Called with how many more images were shown, to all trials together."""


def train(trials: Sequence[Trial], split: Split, folder: Path, tell: Tell) -> list[Outcome]:
    """The outcomes of `trials`, all of one shape; they are kept in `folder`, and read there next time.

    Raises BadRun if what is kept is damaged, BadCard if there is no network of the name `start`.
    """
    if done := read_outcomes(trials, folder):
        return done
    folder.mkdir(parents=True, exist_ok=True)
    cohort = Cohort(trials, split, folder)
    cohort.resume()
    tell(cohort.members.step * cohort.shown)
    return cohort.train(tell)


class Cohort:
    """Trials in training on `split`; a step shows them `shown` images together."""

    def __init__(self, trials: Sequence[Trial], split: Split, folder: Path) -> None:
        self.trials, self.folder, self.validation = trials, folder, split.validation
        self.batch, self.shown = trials[0].batch, trials[0].batch * len(trials)
        self.members = Members(trials, split.train.labels, folder.parent.parent)
        self.images = torch.from_numpy(split.train.images)
        self.labels = torch.from_numpy(split.train.labels).long()
        keys = " ".join(trial.key for trial in trials)
        name = hashlib.sha256(keys.encode()).hexdigest()[:16]
        self.checkpoint = folder / f"{name}.checkpoint"

    def train(self, tell: Tell) -> list[Outcome]:
        """Train from the current step to the end."""
        points, steps = self.trials[0].points, self.members.steps
        stops = sorted({round(steps * at / points) for at in range(points + 1)})
        for start, stop in pairwise(stops):
            if start >= self.members.step:
                began = time.process_time()
                losses, hits = self._learn(stop, tell)
                self._record(losses / (stop - start), hits / (stop - start) / self.batch)
                self.members.seconds += time.process_time() - began
                self._keep()
        return self._end()

    def _learn(self, stop: int, tell: Tell) -> tuple[torch.Tensor, torch.Tensor]:
        """Train up to step `stop`; return the sum of each trial's batch losses, and its hits."""
        losses, hits = torch.zeros(2, len(self.trials))
        learning(self.members.networks.module, self.trials[0])
        while self.members.step < stop:
            steps = min(max(1, CHUNK // self.batch), stop - self.members.step)
            drawn = [draws.draw(steps * self.batch).view(steps, -1) for draws in self.members.draws]
            for rows in torch.stack(drawn, dim=1):
                loss, hit = self._step(rows)
                losses += loss
                hits += hit
            self.members.step += steps
            tell(steps * self.shown)
        return losses, hits

    def _step(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Train each trial on a batch, `rows` (trials, batch); return its loss and its hits."""
        labels = self.labels[rows]
        images = self.images.index_select(0, rows.flatten()).view(*rows.shape, *self.images.shape[1:])
        logits = self._logits(images)
        loss = _losses(logits, labels)
        self.members.learn(loss.sum())
        return loss.detach(), (logits.detach().argmax(2) == labels).sum(1)

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        """float32 logits (trials, n, classes) of uint8 images (trials, n, 28, 28)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed(self.trials[0])):
            return self.members.networks.logits(scaled(images, self.trials[0])).float()

    def _record(self, losses: torch.Tensor, accuracies: torch.Tensor) -> None:
        figures = [each.tolist() for each in (losses, accuracies, *self._validate())]
        for curve, of_trial in zip(self.members.curves, zip(*figures, strict=True), strict=True):
            curve.append(Point(self.members.step * self.batch, *of_trial))

    @torch.no_grad()
    def _validate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss and accuracy of each trial on the validation images."""
        self.members.networks.module.eval()
        count, data = len(self.trials), self.validation
        losses, hits = torch.zeros(2, count)
        chunk = max(1, CHUNK // count)
        for start in range(0, len(data), chunk):
            images = torch.from_numpy(data.images[start : start + chunk]).expand(count, -1, -1, -1)
            labels = torch.from_numpy(data.labels[start : start + chunk]).long().expand(count, -1)
            logits = self._logits(images)
            losses += _losses(logits, labels) * labels.shape[1]
            hits += (logits.argmax(2) == labels).sum(1)
        return losses / len(data), hits / len(data)

    def _keep(self) -> None:
        """Save the state, atomically."""
        write_tensors(self.checkpoint, self.members.state_dict())

    def resume(self) -> None:
        """Resume from the last point that was saved, if any. Raises BadRun if it is damaged."""
        path = self.checkpoint
        if not path.exists():
            return
        try:
            self.members.load_state_dict(torch.load(path, weights_only=True))
        except DAMAGED as error:
            raise BadRun(f"{path} is damaged ({error}): remove it to begin these trials anew") from error

    def _end(self) -> list[Outcome]:
        members, cost = self.members, macs(self.trials[0].network)
        share = members.seconds / len(self.trials)
        outcomes = [
            Outcome(trial, curve, members.parameters, cost, share)
            for trial, curve in zip(self.trials, members.curves, strict=True)
        ]
        for outcome, tensors in zip(outcomes, members.networks.tensors(), strict=True):
            write_outcome(outcome, tensors, self.folder)
        self.checkpoint.unlink(missing_ok=True)
        return outcomes


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(trials,) the mean loss of each: logits (trials, n, classes) against labels (trials, n)."""
    each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)
