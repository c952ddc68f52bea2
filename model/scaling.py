"""Sizes of grey images: shrunk by area, enlarged bicubically."""

import cv2

from .files.images import Grey, as_grey


def resize(grey: Grey, height: int, width: int) -> Grey:
    """`grey` made `height` x `width`: downwards by area averaging, upwards bicubically."""
    smaller = height * width < grey.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return as_grey(cv2.resize(grey, (width, height), interpolation=how))


def fit(ink: Grey, long_side: int) -> Grey:
    """`ink` scaled so that its long side is `long_side`, its aspect kept."""
    height, width = (max(1, round(side * long_side / max(ink.shape))) for side in ink.shape)
    return resize(ink, height, width)


def shrink(grey: Grey, most: int) -> Grey:
    """`grey` with a long side of at most `most`, so that what follows costs the same for any scan."""
    return fit(grey, most) if max(grey.shape) > most else grey


def odd(number: int) -> int:
    """The least odd number that is not below `number`, nor below 3."""
    return max(3, number | 1)
