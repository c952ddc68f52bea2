"""Characters that touch: rival ways to cut a part that is too wide for one, for the network to judge."""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ..files.images import Grey
from .parts import connected

WIDE = 1.2
"""In heights of the writing: what is wider may be two characters."""
WIDER = 1.7
"""In heights of the writing: what is wider may be three."""
SLANTS = (-0.4, -0.2, 0.0, 0.2, 0.4)
"""Pixels that a cut goes to the right for each pixel that it goes down."""
SLANTING, OFF, STROKE = 0.1, 0.2, 0.2
"""What a cut costs, beside the share of the height that is ink: per unit of slant, at either end of the
mask (falling to 0 at its middle), and for each stroke after the first."""
MOST_CUTS = 3
APART = 0.15
"""In heights of the writing: the least distance between two cuts."""
NARROW = 0.22
"""In heights of the writing: no character that touches another is narrower."""
CROSSED = 0.6
"""Share of the height: a cut through more ink does not part two characters."""
BIT = 0.1
"""Share of a piece's largest part: a smaller one, left there by the cut, is dropped."""

Doubles = npt.NDArray[np.float64]
Cut = tuple[float, float]
"""The column where a cut crosses the middle row, and its slant."""


def readings(mask: Grey, tall: float) -> list[list[Grey]]:
    """Ways to read the ink in a box (h, w), each as masks from left to right; the first is undivided."""
    if mask.shape[1] <= WIDE * tall:
        return [[mask]]
    cuts = best_cuts(mask, tall)
    rivals: list[list[Cut]] = [[cut] for cut in cuts]
    if mask.shape[1] > WIDER * tall:
        rivals += [sorted(pair) for pair in combinations(cuts, 2)]
    pieces = [pieces_of(mask, each) for each in rivals]
    return [[mask], *(each for each in pieces if all(piece.any() for piece in each))]


def best_cuts(mask: Grey, tall: float) -> list[Cut]:
    """The straight cuts that part most easily, the best first, none near another or near an end."""
    width = mask.shape[1]
    found: list[tuple[float, Cut]] = []
    for slant in SLANTS:
        crossed, strokes = crossings(mask, slant)
        off = np.abs(2 * np.arange(width) / width - 1)
        cost = crossed + STROKE * np.maximum(0, strokes - 1) + SLANTING * abs(slant) + OFF * off**2
        inside = (off <= 1 - 2 * NARROW * tall / width) & (crossed <= CROSSED)
        found += [(float(cost[at]), (float(at), slant)) for at in np.flatnonzero(inside).tolist()]
    cuts: list[Cut] = []
    for _, cut in sorted(found):
        if len(cuts) < MOST_CUTS and all(abs(cut[0] - other[0]) >= APART * tall for other in cuts):
            cuts.append(cut)
    return cuts


def crossings(mask: Grey, slant: float) -> tuple[Doubles, Doubles]:
    """What a cut at each column would cross: ink, as a share of the height, and a number of strokes."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    along = np.round(columns - slant * (rows - height / 2)).astype(np.intp)
    inside = (along >= 0) & (along < width)
    sheared = np.zeros((height + 1, width), np.int8)
    sheared[rows[inside] + 1, along[inside]] = 1
    return sheared.sum(axis=0) / height, (np.diff(sheared, axis=0) > 0).sum(axis=0).astype(float)


def pieces_of(mask: Grey, cuts: list[Cut]) -> list[Grey]:
    """`mask` in pieces, from left to right."""
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    side = np.zeros(mask.shape, np.intp)
    for at, slant in cuts:
        side += columns - slant * (rows - mask.shape[0] / 2) >= at
    return [without_bits(np.where(side == number, mask, np.uint8(0))) for number in range(len(cuts) + 1)]


def without_bits(piece: Grey) -> Grey:
    """`piece` without what a cut has left of its neighbour."""
    parts = connected(piece)
    if len(parts) < 2:
        return piece
    return parts.select(parts.areas >= BIT * parts.areas.max()).mask()
