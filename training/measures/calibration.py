"""A trained network's temperature and threshold of `uncertain`, both found on validation data."""

from math import exp, log, sqrt

import numpy as np

from model.engines.predictor import Floats, softmax

from .answers import Answers, Labels
from .metrics import negative_log_likelihood
from .significance import ONE_SIDED_99, wilson

RELIABLE = 0.98
"""The share of answers not flagged uncertain that should be right."""

OUT_OF_REACH = 2.0
"""Above every confidence; 1.0 is not, since in float32 some answers are that sure."""

COLDEST, HOTTEST = 0.3, 3.0
GOLDEN = (sqrt(5) - 1) / 2
SEARCHES = 24
"""Steps of the golden-section search on ln T, which narrow a factor of 10 down to one of 1.00002."""


def best_temperature(logits: Floats, truth: Labels) -> float:
    """The likeliest temperature in 0.3..3 (Guo et al. 2017) for `logits` (n, classes) of the right
    classes `truth` (n,); the likelihood has one peak in 1/T."""

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
    """The lowest confidence at or above which, with 99 % certainty, RELIABLE of the answers are right.

    OUT_OF_REACH if no threshold qualifies, e.g. with fewer than 266 answers.

    The certainty is Wilson's one-sided lower bound, of each threshold by itself. If it were enough that
    the share observed on validation data reaches RELIABLE, every second threshold would miss it on other
    data, and validation images have proved easier than others.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    confidence, right = confidence[order], (probabilities.argmax(axis=1) == truth)[order]
    low, _ = wilson(np.cumsum(right), np.arange(1, len(right) + 1), ONE_SIDED_99)
    whole = np.append(confidence[1:] < confidence[:-1], True)  # equal confidences go together
    reliable = np.flatnonzero((low >= RELIABLE) & whole)
    return float(confidence[reliable[-1]]) if len(reliable) else OUT_OF_REACH


def rounded(threshold: float) -> float:
    """`threshold` to four digits, unless these would say 1, which only saturated answers reach."""
    return threshold if round(threshold, 4) == 1 else round(threshold, 4)
