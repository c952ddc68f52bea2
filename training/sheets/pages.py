"""Pages of writing, drawn from single characters: lines of words, some characters touching."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.files.images import Grey

from .drawing import Drawn, Floats, Placed, Taking, bounds, enlarged, put, seen, take


@dataclass(frozen=True)
class Writing:
    """A page of `width` x `height` pixels with `lines` lines of `characters` characters, `tall` pixels
    high; the share `touching` of them touches the one before. By default A4 at 300 dpi."""

    lines: int = 20
    characters: int = 30
    width: int = 2480
    height: int = 3508
    tall: float = 52.0
    touching: float = 0.005
    rules: bool = False


@dataclass(frozen=True)
class _Spot:
    index: int
    word: int
    ink: Floats
    left: int
    right: int


def draw_page(glyphs: Grey, writing: Writing, taking: Taking, rng: np.random.Generator) -> Drawn:
    """A page with `glyphs` (n, 28, 28), in order, n = lines x characters."""
    canvas = np.zeros((writing.height, writing.width), np.float32)
    margin = 0.08 * writing.width
    tall = writing.tall * rng.uniform(0.92, 1.08)
    pitch = (writing.height - 2 * margin) / writing.lines
    found: list[tuple[int, _Spot, npt.NDArray[np.float64]]] = []
    for line in range(writing.lines):
        middle = margin + pitch * (line + 0.5)
        if writing.rules:
            canvas[round(middle + tall * 0.6) :][:2] = 0.45
        first = line * writing.characters
        left = int(margin * rng.uniform(0.9, 1.3))
        for spot in _spots(glyphs, range(first, first + writing.characters), tall, left, rng, writing):
            top = round(middle - spot.ink.shape[0] / 2 + tall * rng.normal(0, 0.05))
            put(canvas, spot.ink, spot.left, top)
            rows, columns = np.nonzero(spot.ink > 0.5)
            found.append((line, spot, np.stack([columns + spot.left + 0.5, rows + top + 0.5], 1)))
    pixels, there = take(canvas, taking, rng)
    placed = [Placed(seen(points, there), line, spot.word, spot.index) for line, spot, points in found]
    return Drawn(pixels, placed)


def _spots(
    glyphs: Grey, indices: range, tall: float, left: int, rng: np.random.Generator, writing: Writing
) -> Iterator[_Spot]:
    """Yield where each character's image stands in a line that begins at `left`."""
    word, rest, right = 0, int(rng.integers(2, 9)), left
    before: Floats | None = None
    for index in indices:
        ink = enlarged(glyphs[index], tall * rng.uniform(0.92, 1.08))
        begin, _, end, _ = bounds(ink)
        gap = tall * rng.uniform(0.16, 0.34)
        if rest == 0:
            word, rest, gap = word + 1, int(rng.integers(2, 9)), tall * rng.uniform(0.75, 1.2)
        elif before is not None and rng.random() < writing.touching:
            gap = -_room(before, ink)
        place = max(0, round(right + gap) - begin)
        yield _Spot(index, word, ink, place, place + end)
        rest, right, before = rest - 1, place + end, ink


def _room(before: Floats, ink: Floats) -> float:
    """By how much two characters' boxes overlap when their ink just touches, rows centred alike."""
    rows = min(before.shape[0], ink.shape[0])
    one, other = (each[(each.shape[0] - rows) // 2 :][:rows] > 0.5 for each in (before, ink))
    both = one.any(axis=1) & other.any(axis=1)
    if not both.any():
        return 1.0
    last = one.shape[1] - one[:, ::-1].argmax(axis=1)
    first = other.argmax(axis=1)
    ends, begins = bounds(before)[2] - last[both], first[both] - bounds(ink)[0]
    return float((ends + begins).min()) + 2
