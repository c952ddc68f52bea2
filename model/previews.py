"""Pictures for people: an upload beside what a network saw of it, or with boxes at what was found on it.

Drawn in the process that decodes images, since the upload is not to be trusted; never large.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from .files.images import Grey, as_grey
from .layout import Box

LONGEST = 1600
"""Pixels of the long side, at most."""
LEAST = 800
"""An upload smaller than this is enlarged, so that boxes and labels can be told apart."""

SIDE, GAP = 448, 16
"""Pixels of each half of a character's preview, and between them; one that a network sees is 16x16."""

SURE, UNSURE = (160, 90, 20), (0, 100, 230)
"""Blue, green, red."""

FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_HEIGHT = 22.0
"""Pixels of its capitals at scale 1."""


class Mark(NamedTuple):
    """A box on an upload, and what was read in it ('' if nothing was yet)."""

    box: Box
    label: str = ""
    uncertain: bool = False


def marks_of(lines: Sequence[Mapping[str, Any]]) -> Iterator[Mark]:
    """A mark for each character of `lines`, as made by `writing`."""
    for line in lines:
        for word in line["words"]:
            for each in word["characters"]:
                yield Mark(Box(*each["box"]), each["label"], each["uncertain"])


def beside(upload: Grey, glyph: Grey) -> Grey:
    """The upload at the left, fitted; at the right the 28x28 that the network saw: (448, 912)."""
    canvas = np.full((SIDE, 2 * SIDE + GAP), 255, np.uint8)
    small = scaled(upload, SIDE / max(upload.shape))
    top, left = ((SIDE - side) // 2 for side in small.shape)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    canvas[:, SIDE + GAP :] = enlarged(glyph)
    return canvas


def enlarged(glyph: Grey) -> Grey:
    """(28, 28) -> (448, 448), pixel by pixel."""
    return as_grey(cv2.resize(glyph, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST))


def boxed(upload: Grey, marks: Sequence[Mark]) -> Grey:
    """The upload (h, w) with a box and a label for each mark: (h, w, 3), BGR."""
    long_side = max(upload.shape)
    scale = min(max(long_side, LEAST), LONGEST) / long_side
    picture = as_grey(cv2.cvtColor(scaled(upload, scale), cv2.COLOR_GRAY2BGR))
    for mark in marks:
        _frame(picture, mark, scale)
    for mark in marks:
        _name(picture, mark, scale)
    return picture


def scaled(grey: Grey, factor: float) -> Grey:
    """Larger or smaller by `factor`, at least a pixel high and wide."""
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return as_grey(cv2.resize(grey, (width, height), interpolation=how))


def _frame(picture: Grey, mark: Mark, scale: float) -> None:
    left, top, width, height = (round(side * scale) for side in mark.box)
    colour = UNSURE if mark.uncertain else SURE
    cv2.rectangle(picture, (left, top), (left + width, top + height), colour, 1)


def _name(picture: Grey, mark: Mark, scale: float) -> None:
    """Draw the label above the box, on white, so that it can be read over ink."""
    size = min(28, max(10, round(0.5 * mark.box.height * scale))) / FONT_HEIGHT
    (width, height), _ = cv2.getTextSize(mark.label, FONT, size, 1)
    left = max(0, round(mark.box.left * scale))
    bottom = max(height + 2, round(mark.box.top * scale) - 1)
    if mark.label:
        ground = ((left, bottom - height - 2), (left + width, bottom + 1))
        cv2.rectangle(picture, *ground, (255, 255, 255), cv2.FILLED)
        colour = UNSURE if mark.uncertain else SURE
        cv2.putText(picture, mark.label, (left, bottom), FONT, size, colour, 1, cv2.LINE_AA)
