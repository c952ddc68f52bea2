"""How good a network is, measured through the predictor that serves it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.predictor import Floats, Predictor, softmax

from .data import Set

RELIABLE = 0.98
"""What is not flagged uncertain should be right this often."""

BATCH = 1000


@dataclass(frozen=True)
class Calibration:
    """What validation data decide: the softmax temperature and where uncertainty begins."""

    temperature: float
    uncertain_below: float


def all_logits(predictor: Predictor, data: Set) -> Floats:
    """(n, classes) for the whole set."""
    parts = [
        predictor.logits(data.images[start : start + BATCH]) for start in range(0, len(data), BATCH)
    ]
    return np.concatenate(parts)


def top_accuracy(logits: Floats, labels: npt.NDArray[np.uint8], k: int) -> float:
    """The share of images whose label is among the `k` likeliest."""
    best = np.argsort(-logits, axis=1)[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())


def calibrate(logits: Floats, labels: npt.NDArray[np.uint8]) -> Calibration:
    """Temperature by likelihood (Guo et al. 2017), then the least threshold with RELIABLE answers."""
    rows = np.arange(len(labels))
    candidates = np.geomspace(0.3, 3.0, 200)

    def loss(temperature: float) -> float:
        right = softmax(logits, temperature)[rows, labels]
        return -float(np.log(np.maximum(right, 1e-12)).mean())

    temperature = float(min(candidates, key=loss))
    return Calibration(temperature, _threshold(softmax(logits, temperature), labels))


def _threshold(probabilities: Floats, labels: npt.NDArray[np.uint8]) -> float:
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence)
    right = (probabilities.argmax(axis=1) == labels)[order]
    accuracy = np.cumsum(right) / np.arange(1, len(labels) + 1)
    reliable = np.flatnonzero(accuracy >= RELIABLE)
    return float(confidence[order[reliable[-1]]]) if len(reliable) else 1.0


def measure(predictor: Predictor, data: Set) -> dict[str, float]:
    """top-1, top-2, top-3, the share not flagged uncertain and its accuracy."""
    logits, card = all_logits(predictor, data), predictor.card
    probabilities = softmax(logits, card.temperature)
    sure = probabilities.max(axis=1) >= card.uncertain_below
    right = probabilities.argmax(axis=1) == data.labels
    return {
        **{f"top{k}": round(top_accuracy(logits, data.labels, k), 4) for k in (1, 2, 3)},
        "coverage": round(float(sure.mean()), 4),
        "accuracy_of_sure": round(float(right[sure].mean()), 4),
    }
