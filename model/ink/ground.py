"""The paper under the ink: whether it is the lighter of the two, and how light it is at each place.

Ink is measured by the share of its paper's light that it takes: in a shadow, grey levels differ less.
"""

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from ..scaling import odd, shrink
from .mask import border, square

SIDE = 32
"""Long side of the copy on which all of this is measured."""

WIDEST = 0.25
"""Share of the picture's long side: strokes that are wider are taken for paper."""

UNSKEWED = 0.3
"""Skewness that is too little to tell bright from dark; real scans have more than 0.6."""

FINE_SIDE, SKEWED = 128, 0.8
"""Long side of a copy in which a character that fills a tenth of the picture has strokes, and skewness
of that copy that bold strokes do not have."""

DARKEST = 64
"""The darkest that paper is taken to be: dividing by less light would amplify noise."""


def bright_ink(grey: Grey) -> Grey:
    """Ink bright on black, whatever its polarity was: 255 where all the light of the paper is gone."""
    small = shrink(grey, SIDE)
    return dark_ink(~grey, ~small) if has_bright_strokes(small, grey) else dark_ink(grey, small)


def dark_ink(grey: Grey, small: Grey) -> Grey:
    """`bright_ink` for ink known to be dark; `small` is `grey`, shrunk to SIDE."""
    light = ground(small, grey.shape)
    least = light if cv2.minMaxLoc(light)[0] >= DARKEST else np.maximum(light, DARKEST)
    return as_grey(cv2.divide(cv2.subtract(light, grey), least, scale=255))


def has_bright_strokes(small: Grey, grey: Grey | None = None) -> bool:
    """Whether what stands out from its surroundings is brighter than they are.

    Strokes cover less area than their paper and differ from the local mean by more, so the differences
    from it are skewed towards the strokes, whatever shadow or frame there is. There is hardly any skew
    where strokes are small beside the edge of a shadow, which `grey` tells, of which `small` is a copy,
    and where bold strokes fill the picture: then its border is taken for paper.
    """
    skew = skewness(small)
    if abs(skew) > UNSKEWED:
        return skew > 0
    if grey is not None and max(grey.shape) > FINE_SIDE:
        skew = skewness(shrink(grey, FINE_SIDE))
        if abs(skew) > SKEWED:
            return skew > 0
    return has_dark_border(small)


def skewness(small: Grey) -> float:
    """Skewness of the differences from the local mean: above 0 if what stands out is bright."""
    side = odd(max(small.shape) // 3)
    differences = np.asarray(cv2.subtract(small, cv2.blur(small, (side, side)), dtype=cv2.CV_32F))
    away = (differences - cv2.mean(differences)[0]).ravel()
    spread = float(np.dot(away, away)) / away.size
    third = float(np.dot(away * away, away)) / away.size
    return third / float(max(spread, 1e-6) ** 1.5)


def has_dark_border(small: Grey) -> bool:
    """Whether most of the border belongs to the darker of two kinds of pixels (Otsu 1979)."""
    level, _ = cv2.threshold(small, 0, 255, cv2.THRESH_OTSU)
    edge = border(small)
    return 2 * int(np.count_nonzero(edge <= level)) > len(edge)


def ground(small: Grey, shape: tuple[int, ...]) -> Grey:
    """The light of the paper under dark ink, (h, w) = `shape`: closing removes strokes, shadows stay."""
    side = odd(round(WIDEST * max(small.shape)))
    closed = cv2.morphologyEx(cv2.blur(small, (3, 3)), cv2.MORPH_CLOSE, square(side))
    light = cv2.resize(closed, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return as_grey(light)
