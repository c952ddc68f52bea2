"""Characters that touch: rival ways to cut a part that is too wide for one, for the network to judge."""

from itertools import combinations

import numpy as np

from ..images import Grey
from .parts import connected

WIDE = 1.2
"""Of the height of the writing: what is wider may be two,"""
WIDER = 1.7
"""and what is wider than this, three."""
SLANTS = (-0.4, -0.2, 0.0, 0.2, 0.4)
"""Pixels that a cut goes to the right for each that it goes down."""
SLANTING, OFF = 0.1, 0.2
"""What a slanted cut, and one at an end, must save in ink, as a share of the height."""
MOST_CUTS = 3
APART = 0.15
"""Of the height of the writing: what lies between two cuts, at least."""
NARROW = 0.22
"""Of the height of the writing: no character is narrower that touches another."""
CROSSED = 0.5
"""Of the height: a cut through more ink does not part two characters."""
BIT = 0.1
"""Of a piece: a smaller bit that a cut has left with it is dropped."""

Cut = tuple[float, float]
"""Where it crosses the middle row, and its slant."""


def readings(mask: Grey, tall: float) -> list[list[Grey]]:
    """Ways to read the ink of one character's box (h, w), the whole first: masks from left to right."""
    if mask.shape[1] <= WIDE * tall:
        return [[mask]]
    cuts = best_cuts(mask, tall)
    ways: list[list[Cut]] = [[cut] for cut in cuts]
    if mask.shape[1] > WIDER * tall:
        ways += [sorted(pair) for pair in combinations(cuts, 2)]
    pieces = [pieces_of(mask, way) for way in ways]
    return [[mask], *(each for each in pieces if all(piece.any() for piece in each))]


def best_cuts(mask: Grey, tall: float) -> list[Cut]:
    """The straight cuts that cross least ink, the best first, none near another or near an end."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    found: list[tuple[float, Cut]] = []
    for slant in SLANTS:
        along = np.round(columns - slant * (rows - height / 2)).astype(np.intp)
        crossed = np.bincount(np.clip(along, 0, width), minlength=width + 1) / height
        for at in np.flatnonzero(crossed <= CROSSED).tolist():
            if NARROW * tall <= at <= width - NARROW * tall:
                off = abs(2 * at / width - 1)
                found.append(
                    (float(crossed[at]) + SLANTING * abs(slant) + OFF * off**2, (float(at), slant))
                )
    cuts: list[Cut] = []
    for _, cut in sorted(found):
        if len(cuts) < MOST_CUTS and all(abs(cut[0] - other[0]) >= APART * tall for other in cuts):
            cuts.append(cut)
    return cuts


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
