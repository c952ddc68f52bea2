"""What validation data decide about a trained network: its temperature, and where `uncertain` begins."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from model.predictor import Floats, softmax

from .answers import Answers, Labels
from .metrics import negative_log_likelihood
from .significance import ONE_SIDED_99, wilson

RELIABLE = 0.98
"""What is not flagged uncertain should be right this often."""

OUT_OF_REACH = 2.0
"""Above every confidence; 1.0 is not, since in float32 some answers are that sure."""

COLDEST, HOTTEST = 0.3, 3.0
GOLDEN = (sqrt(5) - 1) / 2
SEARCHES = 24
"""Golden sections of ln T: from a factor of 10 down to one of 1.00002."""


@dataclass(frozen=True)
class Calibration:
    """What divides the logits, and the confidence below which an answer is flagged."""

    temperature: float
    uncertain_below: float


def calibrate(logits: Floats, truth: Labels) -> Calibration:
    """Temperature and threshold by validation data: `logits` (n, classes) and the right classes (n,)."""
    temperature = best_temperature(logits, truth)
    return Calibration(temperature, uncertain_below(softmax(logits, temperature), truth))


def best_temperature(logits: Floats, truth: Labels) -> float:
    """The likeliest temperature in 0.3..3 (Guo et al. 2017); the likelihood has one peak in 1/T."""

    def loss(at: float) -> float:
        return negative_log_likelihood(Answers(softmax(logits, exp(at)), truth, ""))

    low, high = log(COLDEST), log(HOTTEST)
    for _ in range(SEARCHES):
        step = GOLDEN * (high - low)
        if loss(high - step) < loss(low + step):
            high = low + step
        else:
            low = high - step
    return exp((low + high) / 2)


def uncertain_below(probabilities: Floats, truth: Labels) -> float:
    """The least confidence above which, with 99 % certainty, RELIABLE of the answers are right.

    OUT_OF_REACH if no threshold qualifies, e.g. with fewer than 266 answers.

    Certainty is the one-sided lower bound of Wilson: a threshold whose mere share of right answers
    reaches RELIABLE on validation data misses it on other data every second time, and validation images
    have proved easier than others.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], (probabilities.argmax(axis=1) == truth)[order]
    low, _ = wilson(np.cumsum(right), np.arange(1, len(right) + 1), ONE_SIDED_99)
    whole = np.append(confidence[1:] < confidence[:-1], True)  # equal confidences go together
    reliable = np.flatnonzero((low >= RELIABLE) & whole)
    return float(confidence[reliable[-1]]) if len(reliable) else OUT_OF_REACH


def rounded(threshold: float) -> float:
    """Four digits, unless these would say 1, which only saturated answers reach."""
    return threshold if round(threshold, 4) == 1 else round(threshold, 4)
