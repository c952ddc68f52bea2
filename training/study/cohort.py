"""A cohort: trials of one shape, trained at once, each as it would be alone.

Everything is kept at each point, so that a killed cohort goes on from its last one.
"""

import hashlib
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import cross_entropy

from model.networks import count_parameters
from model.predictor import Floats

from ..measures.cost import metered
from ..run import BadRun
from ..sets.data import Array, Split
from .draws import Draws
from .networks import SIDE, build
from .newborn import newborn, scaled, train_mode
from .outcomes import read_outcomes, weights_of, write_outcome
from .stack import restore, stack
from .trial import Outcome, Point, Trial

CHUNK = 1024
"""Images whose rows are drawn at once, and that are looked at at once where nothing is learned."""

Tell = Callable[[int], None]
"""Is told how many more images were shown, of all trials together."""


def train(trials: Sequence[Trial], split: Split, folder: Path, tell: Tell) -> list[Outcome]:
    """The outcomes of `trials`, all of one shape; kept in `folder`, and found there the next time.

    Raises BadRun: what is kept is damaged. Raises BadCard: there is no network called as their `start`.
    """
    if done := read_outcomes(trials, folder):
        tell(sum(trial.images for trial in trials))
        return done
    folder.mkdir(parents=True, exist_ok=True)
    cohort = Cohort(trials, split, folder)
    cohort.resume()
    tell(cohort.step * cohort.shown)
    return cohort.train(tell)


class Cohort:
    """Trials under training, `step` batches on; `curves` are the points of each so far."""

    def __init__(self, trials: Sequence[Trial], split: Split, folder: Path) -> None:
        self.trials, self.split, self.folder = trials, split, folder
        modules = [newborn(trial, folder.parent.parent) for trial in trials]
        self.parameters, self.macs = count_parameters(modules[0]), _macs(modules[0])
        self.networks = stack(modules)
        self.draws = [Draws(split.train.labels, trial) for trial in trials]
        self.images = torch.from_numpy(split.train.images)
        self.labels = torch.from_numpy(split.train.labels).long()
        self.batch, self.shown = trials[0].batch, trials[0].batch * len(trials)
        self.steps = max(1, trials[0].images // self.batch)
        self.step, self.seconds = 0, 0.0
        self.curves: list[list[Point]] = [[] for _ in trials]
        self._prepare()

    def _prepare(self) -> None:
        groups = [
            {"params": parameters, "weight_decay": trial.weight_decay}
            for parameters, trial in zip(self.networks.parameters, self.trials, strict=True)
        ]
        rates = [trial.learning_rate for trial in self.trials]
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, rates, total_steps=self.steps
        )

    @property
    def stops(self) -> list[int]:
        """The steps after which it is validated, from 0 on."""
        points = self.trials[0].points
        return sorted({round(self.steps * at / points) for at in range(points + 1)})

    def train(self, tell: Tell) -> list[Outcome]:
        """From where it stands to its end."""
        for start, stop in pairwise(self.stops):
            if start < self.step or stop <= self.step:
                continue
            began = time.process_time()
            losses, hits = self._learn(stop, tell)
            self._record(losses / (stop - start), hits / (stop - start) / self.batch)
            self.seconds += time.process_time() - began
            self._keep()
        return self._end()

    def _learn(self, stop: int, tell: Tell) -> tuple[torch.Tensor, torch.Tensor]:
        """Up to step `stop`: of each trial the sum of its batches' losses, and its hits."""
        losses, hits = torch.zeros(len(self.trials)), torch.zeros(len(self.trials))
        train_mode(self.networks.module, self.trials[0])
        while self.step < stop:
            steps = min(max(1, CHUNK // self.batch), stop - self.step)
            for rows in self._rows(steps):
                loss, hit = self._step(rows)
                losses += loss
                hits += hit
            self.step += steps
            tell(steps * self.shown)
        return losses, hits

    def _rows(self, steps: int) -> torch.Tensor:
        """(steps, trials, batch) rows."""
        drawn = [draws.draw(steps * self.batch).view(steps, -1) for draws in self.draws]
        return torch.stack(drawn, dim=1)

    def _step(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One batch of each trial, (trials, batch) rows: its loss and its hits."""
        labels = self.labels[rows]
        images = self.images.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        logits = self.networks.logits(scaled(images, self.trials[0]))
        loss = _losses(logits, labels)
        self.networks.differentiate(loss.sum())
        self.optimizer.step()
        self.schedule.step()
        return loss.detach(), (logits.detach().argmax(2) == labels).sum(1)

    def _record(self, losses: torch.Tensor, accuracies: torch.Tensor) -> None:
        figures = [each.tolist() for each in (losses, accuracies, *self._validate())]
        for curve, of_trial in zip(self.curves, zip(*figures, strict=True), strict=True):
            curve.append(Point(self.step * self.batch, *of_trial))

    @torch.no_grad()
    def _validate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss and accuracy of each trial on the validation images."""
        self.networks.module.eval()
        count, data = len(self.trials), self.split.validation
        losses, hits = torch.zeros(count), torch.zeros(count)
        chunk = max(1, CHUNK // count)
        for start in range(0, len(data), chunk):
            images = torch.from_numpy(data.images[start : start + chunk]).expand(count, -1, -1, -1)
            labels = torch.from_numpy(data.labels[start : start + chunk]).long().expand(count, -1)
            logits = self.networks.logits(scaled(images, self.trials[0]))
            losses += _losses(logits, labels) * labels.shape[1]
            hits += (logits.argmax(2) == labels).sum(1)
        return losses / len(data), hits / len(data)

    def _end(self) -> list[Outcome]:
        share = self.seconds / len(self.trials)
        outcomes = [
            Outcome(trial, curve, self.parameters, self.macs, share)
            for trial, curve in zip(self.trials, self.curves, strict=True)
        ]
        for outcome, tensors in zip(outcomes, self.networks.tensors(), strict=True):
            write_outcome(outcome, tensors, self.folder)
        self._checkpoint.unlink(missing_ok=True)
        return outcomes

    @property
    def _checkpoint(self) -> Path:
        keys = " ".join(trial.key for trial in self.trials)
        return self.folder / f"{hashlib.sha256(keys.encode()).hexdigest()[:16]}.checkpoint"

    def _keep(self) -> None:
        """Everything, whole or not at all."""
        draft = self._checkpoint.with_suffix(".draft-checkpoint")
        torch.save(self._state(), draft)
        draft.replace(self._checkpoint)

    def _state(self) -> dict[str, Any]:
        return {
            "networks": self.networks.tensors(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "draws": [draws.generator.get_state() for draws in self.draws],
            "dropout": torch.get_rng_state(),
            "curves": [[asdict(point) for point in curve] for curve in self.curves],
            "progress": (self.step, self.seconds),
        }

    def resume(self) -> None:
        """Go on from the last point that was kept, if any. Raises BadRun: it is damaged."""
        path = self._checkpoint
        if not path.exists():
            return
        try:
            self._restore(torch.load(path, weights_only=True))
        except (OSError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
            raise BadRun(f"{path} is damaged ({error}): remove it to begin these trials anew") from error

    def _restore(self, saved: dict[str, Any]) -> None:
        restore(self.networks, saved["networks"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        for draws, state in zip(self.draws, saved["draws"], strict=True):
            draws.generator.set_state(state)
        torch.set_rng_state(saved["dropout"])
        self.curves = [[Point(**point) for point in curve] for curve in saved["curves"]]
        self.step, self.seconds = saved["progress"]


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(trials,) mean loss of each over its images: (trials, n, classes) against (trials, n)."""
    each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)


def _macs(module: nn.Module) -> int:
    """Multiply-accumulates of one image."""
    module.eval()
    with metered(module) as meter, torch.no_grad():
        module(torch.zeros(1, 1, SIDE, SIDE))
    return meter.macs


@torch.no_grad()
def logits_of(outcome: Outcome, folder: Path, images: Array) -> Floats:
    """float32 (n, classes): what the network of `outcome`, kept in `folder`, makes of `images`."""
    module = build(outcome.trial.network)
    module.load_state_dict(load_file(weights_of(outcome.trial, folder)))
    module.eval()
    chunks = torch.from_numpy(images).split(CHUNK)
    logits = [module(scaled(chunk, outcome.trial)).numpy() for chunk in chunks]
    return np.concatenate(logits)
