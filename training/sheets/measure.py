"""How well sheets are cut and read: drawn sheets through `cut`, the network and `choose`.

The network also reads the same characters alone, each as a scan of its own, as after a perfect cut.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.engines.predictor import Predictor
from model.ink.normalization import to_glyph
from model.layout import Character, Layout
from model.sheets.choosing import choose
from model.sheets.cutting import cut

from ..measures.answers import Ints
from ..sets.data import Set
from .alignment import distance, in_order, matches
from .drawing import Drawn, Placed, Taking, enlarged, take

ALONE_SIDE, ALONE_TALL = 96, 52.0


@dataclass(frozen=True)
class Figures:
    """Counts of one sheet: its `places`, those `found` in order, boxes found `beside` them;
    `letters` that stand on it, `errors` of their text (to insert, delete, replace), errors `alone`;
    pairs of neighbours that are `near` each other, those rightly parted into `words` or joined in one;
    `seconds` to cut."""

    places: int
    found: int
    beside: int
    letters: int
    errors: int
    alone: int
    near: int
    words: int
    seconds: float


def measure(sheet: Drawn, data: Set, taking: Taking, predictor: Predictor, layout: Layout) -> Figures:
    """The figures of `sheet`, which was drawn with the characters of `data` and taken by `taking`."""
    began = time.process_time()
    characters = cut(sheet.pixels, predictor.card.normalization, layout)
    seconds = time.process_time() - began
    standing, text = read(characters, predictor)
    matched = matches([each.box for each in sheet.placed], [each.box for each in standing])
    written = data.take(np.array([each.index for each in sheet.placed if each.index >= 0], np.intp))
    labels = predictor.card.labels
    pairs = joins(sheet.placed, standing, matched)
    return Figures(
        places=len(matched),
        found=in_order(matched),
        beside=len(standing) - sum(index >= 0 for index in matched),
        letters=len(written),
        errors=distance("".join(labels[each] for each in written.labels), text),
        alone=int((read_alone(written, taking, predictor) != written.labels).sum()),
        near=len(pairs),
        words=sum(pairs),
        seconds=seconds,
    )


def read(characters: Sequence[Character], predictor: Predictor) -> tuple[list[Character], str]:
    """The characters that `choose` keeps by the network's confidence, and the text of those with ink."""
    pixels = np.array([each.glyph.pixels for each in characters], np.uint8).reshape(-1, 28, 28)
    probabilities = predictor.probabilities(pixels)
    kept = choose(characters, probabilities.max(axis=1).tolist())
    best = probabilities.argmax(axis=1)
    inked = [at for at in kept if pixels[at].any()]
    return [characters[at] for at in kept], "".join(predictor.card.labels[best[at]] for at in inked)


def read_alone(data: Set, taking: Taking, predictor: Predictor) -> Ints:
    """(n,) the class of each character, scanned by itself on the paper of the sheet."""
    rng = np.random.default_rng(0)
    straight = replace(taking, degrees=0.0, tilt=0.0, shadow=0.0)
    glyphs = []
    for image in data.images:
        canvas = np.zeros((ALONE_SIDE, ALONE_SIDE), np.float32)
        ink = enlarged(image, ALONE_TALL)
        rest = (ALONE_SIDE - len(ink)) // 2
        canvas[rest : rest + len(ink), rest : rest + len(ink)] = ink
        glyphs.append(to_glyph(take(canvas, straight, rng)[0], predictor.card.normalization))
    read: Ints = predictor.logits(np.stack(glyphs)).argmax(axis=1)
    return read


def joins(placed: Sequence[Placed], found: Sequence[Character], matched: Sequence[int]) -> list[bool]:
    """For each two neighbours of a line that were found, whether they are rightly in one word or two."""
    pairs = zip(placed, placed[1:], matched, matched[1:], strict=False)
    return [
        (one.word == other.word)
        == ((found[at].line, found[at].word) == (found[to].line, found[to].word))
        for one, other, at, to in pairs
        if one.line == other.line and at >= 0 and to >= 0
    ]
