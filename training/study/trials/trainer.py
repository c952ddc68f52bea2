"""The training of a trial: balanced draws, forward, backward, validation at each point of its curve.

It is saved at each point, so that a killed training resumes from the last one.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from model.networks import count_parameters

from ...run import DAMAGED, BadRun, write_tensors
from ...sets.data import Split
from ...train import CHUNK, Tally
from .cost import macs
from .glyphs import scaled
from .learner import learning, mixed
from .outcomes import read_outcome, write_outcome
from .state import BLOCK, State
from .trial import Outcome, Point, Trial

Tell = Callable[[int], None]
"""Called with how many more images were shown."""


def train(trial: Trial, split: Split, folder: Path, tell: Tell) -> Outcome:
    """The outcome of `trial`, which is kept in `folder`, and read there next time.

    Raises BadRun if what is kept is damaged, BadCard if there is no network of the name `start`.
    """
    if done := read_outcome(trial, folder):
        return done
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(trial, split, folder, tell).train()


class Trainer:
    """A trial in training on `split`."""

    def __init__(self, trial: Trial, split: Split, folder: Path, tell: Tell) -> None:
        self.trial, self.folder, self.validation, self.tell = trial, folder, split.validation, tell
        self.images = torch.from_numpy(split.train.images)
        self.labels = torch.from_numpy(split.train.labels).long()
        self.state = State(trial, split.train.labels, folder.parent.parent)
        self.checkpoint = folder / f"{trial.key}.checkpoint"

    def train(self) -> Outcome:
        """Train from the last point that was saved, if any, to the end."""
        self._resume()
        state, points = self.state, self.trial.points
        stops = sorted({round(state.steps * at / points) for at in range(points + 1)})
        for start, stop in pairwise(stops):
            if start >= state.step:
                began = time.process_time()
                state.curve.append(self._point(self._learn(stop), self._validate()))
                state.seconds += time.process_time() - began
                if stop < state.steps:
                    write_tensors(self.checkpoint, state.state_dict())
        return self._end()

    def _learn(self, stop: int) -> Tally:
        """Train up to step `stop`."""
        state, batch, tally = self.state, self.trial.batch, Tally()
        learning(state.network, self.trial)
        while state.step < stop:
            steps = min(max(1, BLOCK // batch), stop - state.step)
            for rows in state.draws.draw(steps * batch).view(steps, batch):
                labels = self.labels[rows]
                logits = self._logits(self.images[rows])
                loss = cross_entropy(logits, labels)
                state.learn(loss)
                tally.add(loss.detach(), logits, labels)
            state.step += steps
            self.tell(steps * batch)
        return tally

    @torch.no_grad()
    def _validate(self) -> Tally:
        data, tally = self.validation, Tally()
        self.state.network.eval()
        for start in range(0, len(data), CHUNK):
            labels = torch.from_numpy(data.labels[start : start + CHUNK]).long()
            logits = self._logits(torch.from_numpy(data.images[start : start + CHUNK]))
            tally.add(cross_entropy(logits, labels), logits, labels)
        return tally

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        """float32 logits (n, classes) of uint8 images (n, 28, 28)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed(self.trial)):
            logits: torch.Tensor = self.state.network(scaled(images, self.trial.network["classes"]))
        return logits.float()

    def _point(self, trained: Tally, validated: Tally) -> Point:
        return Point(
            self.state.step * self.trial.batch,
            trained.loss / trained.images,
            trained.hits / trained.images,
            validated.loss / validated.images,
            validated.hits / validated.images,
        )

    def _resume(self) -> None:
        """Restore the last point that was saved, if any. Raises BadRun if it is damaged."""
        path = self.checkpoint
        if not path.exists():
            return
        try:
            self.state.load_state_dict(torch.load(path, weights_only=True))
        except DAMAGED as error:
            raise BadRun(f"{path} is damaged ({error}): remove it to begin this trial anew") from error
        self.tell(self.state.step * self.trial.batch)

    def _end(self) -> Outcome:
        state, network = self.state, self.state.network
        cost = macs(self.trial.network)
        outcome = Outcome(self.trial, state.curve, count_parameters(network), cost, state.seconds)
        write_outcome(outcome, network.state_dict(), self.folder)
        self.checkpoint.unlink(missing_ok=True)
        return outcome
