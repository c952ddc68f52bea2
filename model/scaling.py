"""Sizes of grey images: shrunk by area, enlarged bicubically."""

import cv2

from .files.images import Grey, as_grey


def resize(grey: Grey, height: int, width: int) -> Grey:
    """`grey` made `height` x `width`: downwards by area averaging, upwards bicubically."""
    smaller = height * width < grey.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return as_grey(cv2.resize(grey, (width, height), interpolation=how))


def shrink(grey: Grey, most: int) -> Grey:
    """`grey` with a long side of at most `most`, so that what follows costs the same for any scan."""
    if max(grey.shape) <= most:
        return grey
    height, width = (max(1, round(side * most / max(grey.shape))) for side in grey.shape)
    return resize(grey, height, width)


def odd(number: int) -> int:
    """The least odd number that is not below `number`, nor below 3."""
    return max(3, number | 1)
