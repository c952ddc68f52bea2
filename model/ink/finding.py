"""Finds the ink of a character in a picture; a large picture is looked at again around its ink."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from ..scaling import odd, shrink
from .frames import without_lines
from .ground import SIDE, bright_ink, dark_ink
from .mask import FRAME, WORK_SIDE, ink_mask, square, stroke_mask
from .parts import LEAST_WHOLE, clean, running_out
from .quality import PartStats, contrast
from .tabletop import eroded, may_be_table, sheets

FIRST_SIDE, CLOSE_SIDE = 256, 128
"""Long sides to which a picture is shrunk for the first look, and, if most of it is paper, the
surroundings of its ink for a closer one."""

MARGIN = 0.4
"""Around the ink, as a share of its long side."""

RIM = 2
"""Pixels around the ink in which its edges fade."""

RIM_OF_SHEET = 0.02
"""Share of the picture's long side: this near to its edges, what seems to be the sheet may be table."""


SHADE, FLAT, FAINTER = 0.1, 0.6, 0.67
"""Uneven light is wider than the share SHADE of the picture's long side, so that what is narrower makes
less than the share FLAT of it; and it is fainter than the share FAINTER of strokes."""


class Found(NamedTuple):
    """`ink` (h, w) bright on black; `mask`, 255 where the character is; its connected `parts`."""

    ink: Grey
    mask: Grey
    parts: PartStats


def find_all(greys: Sequence[Grey]) -> list[Found]:
    """The ink of each of `greys`, (h, w) uint8 of any polarity and size."""
    first = look_all([shrink(grey, FIRST_SIDE) for grey in greys])
    return [closer(grey, found) for grey, found in zip(greys, first, strict=True)]


def closer(grey: Grey, found: Found) -> Found:
    """What a closer look at `grey` finds if it is large and mostly paper, else `found`."""
    scale = max(grey.shape) / FIRST_SIDE
    if scale <= 1 or not len(found.parts):
        return found
    left, top, width, height = (round(scale * side) for side in cv2.boundingRect(found.mask))
    margin = round(MARGIN * max(width, height))
    part = grey[around(top, height, margin), around(left, width, margin)]
    if 2 * max(part.shape) > max(grey.shape):
        return found
    (again,) = look_all([shrink(part, CLOSE_SIDE)])
    return again if len(again.parts) else found


def look_all(greys: Sequence[Grey]) -> list[Found]:
    """The ink of each of `greys`, (h, w) uint8, which have been shrunk already."""
    inks = [bright_ink(grey) for grey in greys]
    masks = [ink_mask(ink) for ink in inks]
    cleaned = [clean(without_lines(mask)) for mask in masks]
    found = [Found(ink, *each) for ink, each in zip(inks, cleaned, strict=True)]
    return [
        without_surroundings(grey, each) if may_be_table(each.parts, grey.shape) else each
        for grey, each in zip(greys, found, strict=True)
    ]


def without_surroundings(grey: Grey, found: Found) -> Found:
    """The ink on a sheet, or beside a shade, if `found` is the table or the shade."""
    sheet = on_sheet(grey, found)
    return sheet if sheet is not found else beside_shade(found)


def beside_shade(found: Found) -> Found:
    """The strokes within a picture if what runs out of it is uneven light; else `found`.

    The light of the paper is known but roughly: where it falls off towards a corner, or a shadow begins,
    there seems to be ink that is wider and fainter than strokes. A picture of few pixels is cut tight to
    its character, and shows no more of that than strokes do.
    """
    ink, mask, _ = found
    if max(ink.shape) < CLOSE_SIDE:
        return found
    outer = running_out(mask)
    side = odd(round(SHADE * max(ink.shape)))
    strokes = as_grey(cv2.morphologyEx(ink, cv2.MORPH_TOPHAT, square(side)))
    shade = cv2.mean(ink, outer)[0]
    if cv2.mean(strokes, outer)[0] >= FLAT * shade:
        return found
    whole = stroke_mask(strokes)
    within = clean(as_grey(cv2.subtract(whole, running_out(whole))))
    return Found(ink, *within) if shade < FAINTER * cv2.mean(ink, within[0])[0] else found


def on_sheet(grey: Grey, found: Found) -> Found:
    """The ink on a sheet that lies on a table in `grey`; `found` if there is no such sheet, or no whole
    character on it."""
    for sheet, pixels in sheets(grey):
        inner = eroded(sheet, RIM_OF_SHEET)
        ink = np.where(inner, dark_ink(pixels, shrink(pixels, SIDE)), np.uint8(0))
        mask, parts = clean(ink_mask(ink))
        large = len(parts) and parts[:, 2:4].max() >= LEAST_WHOLE * max(grey.shape)
        if large and not cv2.hasNonZero(cv2.subtract(mask, eroded(inner))):
            return Found(ink, mask, parts)
    return found


def cut_out(found: Found) -> Grey:
    """The character alone, as a mask in a frame, `WORK_SIDE` long, outlined to fractions of a pixel.

    Ink begins where it is half as strong as on average, so that the grey edges of a small picture tell
    where between two pixels its strokes end.
    """
    left, top, width, height = cv2.boundingRect(found.mask)
    rows, columns = around(top, height, RIM), around(left, width, RIM)
    ink, mask = found.ink[rows, columns], found.mask[rows, columns]
    level = contrast(ink, mask) / 2
    own = cv2.bitwise_and(ink, cv2.dilate(mask, square(3)))
    scale = WORK_SIDE / max(width, height)
    size = [max(1, round(scale * side)) for side in reversed(own.shape)]
    if scale < 1:  # a hairline would vanish among all the paper beside it
        own = cv2.dilate(own, square(round(1 / scale)))
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    sized = cv2.resize(own, size, interpolation=how)
    framed = np.zeros([side + 2 * FRAME for side in sized.shape], np.uint8)
    cv2.threshold(sized, level, 255, cv2.THRESH_BINARY, dst=framed[FRAME:-FRAME, FRAME:-FRAME])
    return framed


def around(start: int, length: int, margin: int) -> slice:
    """The slice of `length` from `start` on, with `margin` on both sides; it does not begin below 0."""
    return slice(max(0, start - margin), start + length + margin)
