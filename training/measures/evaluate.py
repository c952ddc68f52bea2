"""One pass of a network over a test set, through the predictor that serves: answers, cost, figures."""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from model.card import Card
from model.checkpoint import load_checkpoint
from model.engines.opening import open_predictor
from model.engines.predictor import Floats, Predictor, softmax
from model.engines.torch_predictor import TorchPredictor
from model.networks import Cascade, count_parameters

from ..registry import find
from ..sets.data import Set
from ..sets.sources import DRAWN
from .answers import Answers, Bools
from .cost import Cost, MacCounter
from .metrics import merged_accuracy, negative_log_likelihood, top_accuracy
from .reliability import coverage_at, expected_calibration_error
from .significance import wilson

BATCH = 1024


@dataclass(frozen=True)
class Evaluation:
    """How `card`'s network read the images of `measured_on`."""

    card: Card
    answers: Answers
    cost: Cost
    measured_on: str

    @property
    def accuracy(self) -> dict[str, float]:
        """The figures of a model card, four digits each; `accuracy_of_sure` is 0 if none is sure."""
        answers = self.answers
        sure = coverage_at(answers, self.card.uncertain_below)
        figures = {f"top{k}": top_accuracy(answers, k) for k in (1, 2, 3)} | {
            "merged": merged_accuracy(answers),
            "nll": negative_log_likelihood(answers),
            "ece": expected_calibration_error(answers),
            "coverage": sure.share,
            "accuracy_of_sure": sure.accuracy if sure.share else 0.0,
        }
        return {name: round(value, 4) for name, value in figures.items()}

    @property
    def sure(self) -> Bools:
        """(k,) of the answers that are not uncertain, whether each is right."""
        return self.answers.right[self.answers.confidence >= self.card.uncertain_below]

    @property
    def caveats(self) -> list[str]:
        """A warning if the images are others than its card names, unless either are drawn; else none."""
        if self.card.measured_on in ("", self.measured_on, DRAWN) or self.measured_on == DRAWN:
            return []
        return [
            f"{self.card.name} was trained with another test set held out ({self.card.measured_on}): "
            "these images may be among those it learned from."
        ]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence bounds of top-1 (Wilson)."""
        low, high = wilson(self.answers.right.sum(), len(self.answers))
        return float(low), float(high)


def open_network(name: str, runs: Path, threads: int = 0) -> tuple[Predictor, Path]:
    """The network meant by `name` (see registry.find), as it is served; its weights. Raises BadCard."""
    stem, folder = find(name, runs)
    load_checkpoint(stem, folder)  # raises if card and weights do not match, whatever engine serves it
    return open_predictor(stem, folder, threads=threads), folder / f"{stem}.safetensors"


def evaluate(predictor: Predictor, weights: Path, data: Set, measured_on: str) -> Evaluation:
    """Measure everything in one pass over `data`."""
    logits, speed = timed_logits(predictor, data)
    reference = TorchPredictor.load(weights.stem, weights.parent)
    varies = any(isinstance(each, Cascade) for each in reference.module.modules())
    counted = data.images if varies else data.images[:1]
    with MacCounter() as counter:  # what a cascade costs depends on the images
        reference.logits(counted)
    cost = Cost(
        parameters=count_parameters(reference.module),
        bytes=weights.stat().st_size,
        macs=counter.macs / len(counted),
        images_per_second=speed,
        machine=predictor.engine,
    )
    return Evaluation(predictor.card, answer(predictor.card, logits, data), cost, measured_on)


def answer(card: Card, logits: Floats, data: Set) -> Answers:
    """`logits` of `data`, calibrated as `card` says."""
    return Answers(softmax(logits, card.temperature), data.labels, card.labels)


def timed_logits(predictor: Predictor, data: Set) -> tuple[Floats, float]:
    """Logits, and images a second once `predictor` is at full speed: the median over batches, which a
    passing load does not move."""
    predictor.warm_up()
    predictor.logits(data.images[: 2 * BATCH])
    predictor.settle()
    parts, speeds = [np.zeros((0, len(predictor.card.labels)), np.float32)], [0.0]
    for start in range(0, len(data), BATCH):
        images = data.images[start : start + BATCH]
        began = time.perf_counter()
        parts.append(predictor.logits(images))
        speeds.append(len(images) / (time.perf_counter() - began))
    return np.concatenate(parts), median(speeds[1:] or speeds)
