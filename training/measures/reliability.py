"""Whether a network knows how sure to be: calibration error, and accuracy of the surest answers."""

from dataclasses import dataclass

import numpy as np

from .answers import Answers

BINS = 15
"""Bins of equal width over confidences 0..1, as in Guo et al. 2017."""

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7)


@dataclass(frozen=True)
class Bin:
    """The answers of a range of confidence: how many, how sure and how often right on average."""

    answers: int
    confidence: float
    accuracy: float


def bins(answers: Answers) -> list[Bin]:
    """The bins that hold any answer, from unsure to sure."""
    numbers = np.minimum((answers.confidence * BINS).astype(int), BINS - 1)
    rows = [np.flatnonzero(numbers == each) for each in range(BINS)]
    return [
        Bin(len(each), float(answers.confidence[each].mean()), float(answers.right[each].mean()))
        for each in rows
        if len(each)
    ]


def expected_calibration_error(answers: Answers) -> float:
    """Mean distance of confidence from accuracy over the bins, weighted by answers (Naeini et al.
    2015)."""
    gaps = [abs(each.confidence - each.accuracy) * each.answers for each in bins(answers)]
    return sum(gaps) / len(answers)


@dataclass(frozen=True)
class Coverage:
    """The share of answers at or above a confidence, and how many of these are right (nan for none)."""

    share: float
    threshold: float
    accuracy: float


def coverage_at(answers: Answers, threshold: float) -> Coverage:
    """The answers at or above `threshold`: their share and accuracy."""
    kept = answers.confidence >= threshold
    accuracy = float(answers.right[kept].mean()) if kept.any() else float("nan")
    return Coverage(float(kept.mean()), threshold, accuracy)


def coverage_table(answers: Answers) -> list[Coverage]:
    """The surest answers: all, 95 %, 90 %, 80 %, 70 % of them; more, and fewer rows, where confidences
    tie."""
    ordered = np.sort(answers.confidence)[::-1]
    last = [max(1, round(share * len(answers))) - 1 for share in COVERAGES]
    return [coverage_at(answers, each) for each in dict.fromkeys(ordered[last].tolist())]
