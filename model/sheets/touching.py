"""Characters that touch: rival ways to cut a part that is too wide for one, for the network to judge."""

import numpy as np
import numpy.typing as npt

from ..images import Grey

WIDE = 1.2
"""Of the height of the writing: what is wider may be two,"""
WIDER = 1.9
"""and what is wider than this, three."""
AWAY = 0.6
"""The cost of a cut through ink is 1 a pixel; this is what it costs to cut at an end instead of where
even parts would end, a pixel of height."""


def readings(mask: Grey, tall: float) -> list[list[Grey]]:
    """Ways to read the ink of one part (h, w), the whole first: each a list of masks, left to right."""
    width = mask.shape[1]
    counts = [1] + [2] * (width > WIDE * tall) + [3] * (width > WIDER * tall)
    return [[mask] if count == 1 else split(mask, count) for count in counts]


def split(mask: Grey, count: int) -> list[Grey]:
    """`mask` cut from top to bottom in `count` parts, where the least ink is cut."""
    columns = np.arange(mask.shape[1])[None]
    seams = [seam(mask, mask.shape[1] * at / count, count) for at in range(1, count)]
    edges = [np.zeros(len(mask)), *seams, np.full(len(mask), mask.shape[1])]
    return [
        np.where((columns >= left[:, None]) & (columns < right[:, None]), mask, np.uint8(0))
        for left, right in zip(edges, edges[1:], strict=False)
    ]


def seam(mask: Grey, about: float, count: int) -> npt.NDArray[np.float64]:
    """The column of the cut in each row: it moves by at most one a row (dynamic programming)."""
    height, width = mask.shape
    away = np.abs(np.arange(width) - about) * (count / width)
    cost = (mask > 0) + AWAY * away**2
    total = cost.copy()
    for row in range(1, height):
        before = np.pad(total[row - 1], 1, constant_values=np.inf)
        total[row] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    column = int(total[-1].argmin())
    path = np.empty(height)
    for row in range(height - 1, -1, -1):
        if row < height - 1:
            low = max(0, column - 1)
            column = low + int(total[row, low : column + 2].argmin())
        path[row] = column
    return path
