"""What was found on a sheet compared with what stands there: boxes in order, and text."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.layout import Box

SAME = 0.5
"""Two boxes with at least this intersection over union are one place (as in PASCAL VOC)."""

Doubles = npt.NDArray[np.float64]


def overlap(one: Sequence[Box], other: Sequence[Box]) -> Doubles:
    """(n, m) intersection over union of every pair."""
    first, second = (_corners(boxes) for boxes in (one, other))
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(0, high - low), axis=2)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (first, second)]
    joint: Doubles = areas[0][:, None] + areas[1][None] - common
    return np.asarray(common / np.maximum(joint, 1))


def _corners(boxes: Sequence[Box]) -> Doubles:
    sides = np.array(boxes, float).reshape(-1, 4)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)


def matches(truth: Sequence[Box], found: Sequence[Box]) -> list[int]:
    """For each true box, the index of the one found in its place, or -1; none is matched twice."""
    if not (truth and found):
        return [-1] * len(truth)
    shares = overlap(truth, found)
    best = shares.argmax(axis=1)
    own = shares[:, best].argmax(axis=0) == np.arange(len(truth))
    there = own & (shares[np.arange(len(truth)), best] >= SAME)
    return [int(index) for index in np.where(there, best, -1)]


def in_order(matched: Sequence[int]) -> int:
    """How many of the matches are in order: the length of their longest increasing subsequence."""
    ends: list[int] = []
    for index in matched:
        if index >= 0:
            at = bisect_left(ends, index)
            ends[at : at + 1] = [index]
    return len(ends)


def distance(truth: str, read: str) -> int:
    """The fewest characters to insert, delete or replace (Levenshtein 1966)."""
    steps = np.arange(len(read) + 1)
    letters = np.array(list(read))
    row = steps.copy()
    for character in truth:
        after = row + 1
        after[1:] = np.minimum(after[1:], row[:-1] + (letters != character))
        row = np.minimum.accumulate(after - steps) + steps
    return int(row[-1])
