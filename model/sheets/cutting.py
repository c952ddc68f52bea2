"""Grey pixels of a line, a page or a grid become its characters, in reading order."""

import cv2
import numpy as np

from ..card import Recipe
from ..images import BadImage, Grey
from ..ink import bright_ink, ink_mask
from ..layout import Box, Character, Layout
from ..normalization import normalize

MOST_CHARACTERS = 10_000


def cut(grey: Grey, recipe: Recipe | None, layout: Layout) -> list[Character]:
    """The characters on `grey` (h, w) uint8, with rival readings (see choosing). Raises BadImage."""
    boxes = _cells(grey, layout) if layout.kind == "grid" else _parts(grey)
    return [
        Character(
            normalize(grey[box.top : box.top + box.height, box.left : box.left + box.width], recipe),
            box,
            line,
            word,
            group,
        )
        for group, (box, line, word) in enumerate(boxes)
    ]


def _cells(grey: Grey, layout: Layout) -> list[tuple[Box, int, int]]:
    rows, columns = layout.rows, layout.columns
    if not (rows and columns):
        raise BadImage("no ruled cells are found: say how many there are by rows and columns")
    tops = np.linspace(0, grey.shape[0], rows + 1).round().astype(int).tolist()
    lefts = np.linspace(0, grey.shape[1], columns + 1).round().astype(int).tolist()
    return [
        (Box(lefts[c], tops[r], lefts[c + 1] - lefts[c], tops[r + 1] - tops[r]), r, c)
        for r in range(rows)
        for c in range(columns)
    ]


def _parts(grey: Grey) -> list[tuple[Box, int, int]]:
    mask = ink_mask(bright_ink(grey))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = [Box(*each[:4]) for each in stats[1:].tolist() if each[4] > 20]
    if len(boxes) > MOST_CHARACTERS:
        raise BadImage(f"more than {MOST_CHARACTERS} characters: cut the page in parts")
    if not boxes:
        return []
    high = float(np.median([each.height for each in boxes]))
    lines: list[list[Box]] = []
    for box in sorted(boxes, key=lambda each: each.top + each.height / 2):
        if (
            lines
            and box.top + box.height / 2 - (lines[-1][-1].top + lines[-1][-1].height / 2) < high / 2
        ):
            lines[-1].append(box)
        else:
            lines.append([box])
    found = []
    for number, line in enumerate(lines):
        word, right = 0, None
        for box in sorted(line):
            word += right is not None and box.left - right > high * 0.7
            right = box.left + box.width
            found.append((box, number, word))
    return found
