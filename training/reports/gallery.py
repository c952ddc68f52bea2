"""Pictures of mistakes: those a network was surest of, and those of the pairs it confuses most."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.files.images import png

from ..figure import blank
from ..measures.answers import Answers, Ints
from ..measures.metrics import Pair
from ..sets.data import Array

ACROSS = 8
MOST = 48
OF_A_PAIR = 4


@dataclass(frozen=True)
class Mistake:
    """An image (28, 28), its class, what it was read as, and how sure the network was."""

    image: Array
    truth: str
    read: str
    confidence: float

    @property
    def address(self) -> str:
        """The image as a data: address, dark ink on white."""
        return data_address(png(255 - self.image))


def data_address(content: bytes) -> str:
    """PNG bytes as an address that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def surest_mistakes(answers: Answers, images: Array) -> list[Mistake]:
    """At most MOST wrong answers, the surest first."""
    return _pick(answers, images, np.flatnonzero(~answers.right), MOST)


def mistakes_of(pair: Pair, answers: Answers, images: Array) -> list[Mistake]:
    """The surest mistakes of a pair: up to OF_A_PAIR in each direction."""
    first, second = answers.labels.index(pair.first), answers.labels.index(pair.second)
    found: list[Mistake] = []
    for truth, read in ((first, second), (second, first)):
        rows = np.flatnonzero((answers.truth == truth) & (answers.read == read))
        found += _pick(answers, images, rows, OF_A_PAIR)
    return found


def _pick(answers: Answers, images: Array, rows: Ints, most: int) -> list[Mistake]:
    surest = rows[np.argsort(-answers.confidence[rows], kind="stable")][:most]
    return [
        Mistake(
            images[row],
            answers.labels[answers.truth[row]],
            answers.labels[answers.read[row]],
            float(answers.confidence[row]),
        )
        for row in surest
    ]


def draw_gallery(mistakes: Sequence[Mistake], path: Path) -> None:
    """A PNG of all of them in rows of eight: the picture, truth -> read, confidence in percent."""
    rows = max(1, -(-len(mistakes) // ACROSS))
    figure = blank(ACROSS * 1.15, rows * 1.5)
    for axes in figure.subplots(rows, ACROSS, squeeze=False).flat:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        axes.imshow(mistake.image, cmap="gray_r", vmin=0, vmax=255)
        text = f"{mistake.truth} \N{RIGHTWARDS ARROW} {mistake.read}  {100 * mistake.confidence:.1f}"
        axes.set_title(text, fontsize=10, family="DejaVu Sans Mono")
    figure.savefig(path, dpi=110)
