"""Verdicts on pictures that went the whole way: decoded, normalized, screened, read."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from model.card import Card
from model.charset import BadCharset, allowed_classes
from model.engines.predictor import Floats, Predictor, softmax
from model.files.images import decode
from model.ink.normalization import normalize
from model.screen import Screen, open_screen, screen_of

from ..sets.data import Array
from .answers import Answers, Bools, Labels
from .metrics import groups_in

CHARSETS = ("digits", "upper", "lower")


@dataclass(frozen=True)
class Verdicts:
    """What was found of n pictures of one kind, read by `card`'s network: its logits (n, classes).

    `quality` and `screened` (n,) are bits of Flag, by pixels and by the screen; `truth` (n,) are the
    right classes, or NO_LABEL.
    """

    kind: str
    card: Card
    quality: Array
    screened: Array
    logits: Floats
    truth: Labels

    def __len__(self) -> int:
        return len(self.logits)

    @cached_property
    def answers(self) -> Answers:
        """What the network answered, whatever the flags."""
        probabilities = softmax(self.logits, self.card.temperature)
        return Answers(probabilities, self.truth, self.card.labels)

    @cached_property
    def flags(self) -> Array:
        """(n,) all bits of Flag."""
        return self.quality | self.screened

    @property
    def flagged(self) -> Bools:
        """(n,) whether any flag is set."""
        return self.flags > 0

    @property
    def uncertain(self) -> Bools:
        """(n,) uncertain as clients see it: flagged, or less confident than the card asks for."""
        return self._uncertain(self.answers.probabilities)

    @property
    def uncertain_in_charset(self) -> Bools:
        """(n,) what would be uncertain if the job had said which of CHARSETS each picture is of."""
        likely = self.answers.probabilities.copy()
        for charset in CHARSETS:
            allowed = _allowed(charset, self.card.labels)
            rows = np.flatnonzero(np.isin(self.truth, allowed))
            likely[rows] = softmax(self.logits[rows], self.card.temperature, allowed)
        return self._uncertain(likely)

    @property
    def uncertain_merged(self) -> Bools:
        """(n,) what would be uncertain if look-alikes (O and 0) were one answer."""
        likely = self.answers.probabilities.copy()
        for group in groups_in(self.card.labels):
            first, *others = (self.card.labels.index(each) for each in group)
            likely[:, first] += likely[:, others].sum(axis=1)
        return self._uncertain(likely)

    def _uncertain(self, likely: Floats) -> Bools:
        unsure: Bools = self.flagged | (likely.max(axis=1) < self.card.uncertain_below)
        return unsure


@dataclass(frozen=True)
class ScreenedReader:
    """A network and the screen before it."""

    predictor: Predictor
    screen: Screen

    def read_files(self, kind: str, files: Sequence[bytes], truth: Labels) -> Verdicts:
        """Read image files. Raises BadImage."""
        normalization = self.predictor.card.normalization
        glyphs = [normalize(decode(file), normalization) for file in files]
        pixels = np.stack([each.pixels for each in glyphs])
        return self.read(kind, pixels, np.array([each.flags for each in glyphs], np.uint8), truth)

    def read(self, kind: str, glyphs: Array, quality: Array, truth: Labels) -> Verdicts:
        """Read `glyphs` (n, 28, 28) as normalization gave them, with its flags `quality` (n,)."""
        card, outputs = self.predictor.card, self.predictor.outputs(glyphs)
        screened, logits = self.screen.flags(glyphs, outputs), outputs[:, : len(card.labels)]
        return Verdicts(kind, card, quality, screened, logits, truth)


def open_reader(predictor: Predictor, threads: int = 0) -> ScreenedReader:
    """`predictor` and its screen, on the CPU. Raises BadCard."""
    return ScreenedReader(predictor, screen_of(predictor, partial(open_screen, "cpu", threads)))


def _allowed(charset: str, labels: str) -> list[int]:
    try:
        return allowed_classes(charset, labels)
    except BadCharset:
        return []
