"""The tasks: which labels are told apart, which images they are learned from, how pixels are scaled."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from model.card import BadCard, Card, Normalization
from model.drawn import STROKES, glyph

from .catalogue import BALANCED, DIGITS, LETTERS
from .data import SPLIT_SEED, BadData, Set, Split
from .sources import DRAWN, MNIST, OFFICIAL_26, OFFICIAL_47, OWN_26, OWN_47, Source


@dataclass(frozen=True)
class Task:
    """`labels[i]` is class i; `mean` and `std` are of pixels in 0..1.

    The first of `sources` that is there is read; `official` is the name of the last in `data fetch`.
    """

    name: str
    labels: str
    normalization: Normalization
    mean: float
    std: float
    sources: tuple[Source, ...]
    official: str

    def find(self, folder: Path) -> Source:
        """The first source that is whole in `folder`. Raises BadData, which says what to do."""
        lacking = [source.missing(folder) for source in self.sources]
        for source, missing in zip(self.sources, lacking, strict=True):
            if not missing:
                return source
        files = "; or ".join(", ".join(f"{name}.gz" for name in missing) for missing in lacking)
        raise BadData(
            f"no data for {self.name} in {folder}: missing {files}. "
            f"`inkqueue data fetch {self.official}` gets the official files; "
            "--data names another folder"
        )

    def read(self, folder: Path) -> Split:
        """The images in `folder` to train, choose and measure on. Raises BadData."""
        return self.find(folder).read(folder)


def draw(labels: str, seed: int) -> Split:
    """A split that the project draws itself, to try everything without any data set."""
    rng = np.random.default_rng(seed)

    def drawn(a_class: int) -> Set:
        classes = np.tile(np.arange(len(labels), dtype=np.uint8), a_class)
        return Set(np.stack([glyph(labels[each], rng) for each in classes]), classes)

    missing = set(labels) - set(STROKES)
    if missing:
        raise BadData(f"no strokes for {''.join(sorted(missing))}")
    return Split(drawn(60), drawn(10), drawn(10), DRAWN)


TASKS = {
    task.name: task
    for task in (
        Task("balanced", BALANCED, "emnist", 0.1737, 0.3317, (OWN_47, OFFICIAL_47), "emnist"),
        Task("letters", LETTERS, "emnist", 0.1737, 0.3317, (OWN_26, OFFICIAL_26), "emnist"),
        Task("digits", DIGITS, "mnist", 0.1307, 0.3081, (MNIST,), "mnist"),
    )
}


def task_of(card: Card) -> Task:
    """The task with the labels of `card`. Raises BadCard."""
    for task in TASKS.values():
        if task.labels == card.labels:
            return task
    raise BadCard(f"{card.name}: no task has the labels {card.labels}")


@cache
def read_split(task: str, folder: Path, drawn: bool = False) -> Split:
    """The data of `task` in `folder`, cached for the next network; `drawn`: a small set drawn here."""
    return draw(TASKS[task].labels, SPLIT_SEED) if drawn else TASKS[task].read(folder)
