"""A person's own files in place of a task's known sets: to learn from (`train`, `study`), or only to
measure on (`evaluate`, `report`)."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from model.card import BadCard, weights_folder
from model.engines.opening import open_predictor
from model.terminal import notes

from .data import BadData, Set, Split, digests, hold_out_images, hold_out_share
from .readers import Part, read
from .tasks import Task, read_split

WHERE = (
    "A label is the first or last field of a line in a CSV; for an image file it is the folder's name, "
    "or the beginning of the file's; for IDX and NumPy it stands in the file or array of labels"
)

SAMPLE = 256
"""How many images are looked at to tell whether they lie on their sides."""


@dataclass(frozen=True)
class OwnTest:
    """A person's own images that are only measured on; the rest is as in `readers.Meaning`."""

    path: Path
    transposed: bool = False
    first: int = 0

    def read(self, task: Task) -> tuple[Set, str]:
        """The images, and what they are called (see Split.measured_on). Raises BadData."""
        found = _read(self.path, task, self.transposed, self.first, "test")
        return found, _called(self.path, found)


def read_test(task: Task, folder: Path, drawn: bool, own: OwnTest | None) -> tuple[Set, str]:
    """The images to measure on, a person's `own` if there are any, and what they are called. Raises
    BadData."""
    if own:
        return own.read(task)
    split = read_split(task.name, folder, drawn)
    return split.test, split.measured_on


def read_own(
    train: Path,
    test: Path | None,
    task: Task,
    *,
    transposed: bool = False,
    first: int = 0,
    seed: int = 0,
) -> Split:
    """Read files of any form that `readers.read` knows; a tenth of `train` is held out to choose on.

    Without `test`, another tenth is held out to measure on. Every class gives its share. Of equal
    images in `train` only the first is used, and those of `test` that are also in `train` are left out,
    so that none is measured that was trained on. Raises BadData.
    """
    known = partial(_read, task=task, transposed=transposed, first=first)
    whole = _distinct(known(train), train)
    if len(np.unique(whole.labels)) < 2:
        raise BadData(
            f"{train}: every image is a {task.labels[whole.labels[0]]!r}; at least two different "
            f"characters are wanted. {WHERE}"
        )
    if test:
        rest, measured = whole, _unseen(known(test, part="test"), whole, test)
        measured_on = _called(test, measured)
    else:
        rest, measured = hold_out_share(whole, 1 / 10, seed)
        measured_on = f"a tenth held out of {train.name}, {len(measured):,} images"
    learned, chosen = hold_out_share(rest, 1 / 10 if test else 1 / 9, seed + 1)
    if not len(chosen):  # which is so, too, if there is nothing to measure on
        raise BadData(
            f"{train}: {len(whole)} images are too few to hold some out; three of a class would do"
        )
    return Split(learned, chosen, measured, measured_on)


def _read(path: Path, task: Task, transposed: bool, first: int, part: Part = "train") -> Set:
    """What `readers.read` gives; a note says if the images seem to lie on their sides."""
    found = read(
        path,
        task.labels,
        transposed=transposed,
        first=first,
        normalization=task.normalization,
        part=part,
    )
    upright, lying = _readable(found, task)
    if lying > max(0.5, 2 * upright):
        notes.print(
            f"{path}: the images seem to lie on their sides: of some, {task.name} reads {upright:.0%} "
            f"right as they are, and {lying:.0%} with their axes swapped. "
            f"{'Leave out' if transposed else 'Give'} --transposed?",
            markup=False,
        )
    return found


def _readable(found: Set, task: Task) -> tuple[float, ...]:
    """Which shares of some images the served network of `task` reads right: as they are, and with their
    axes swapped; zeros if there is none."""
    try:
        predictor = open_predictor(task.name, weights_folder(), "cpu")
    except BadCard:
        return 0.0, 0.0
    some = found.take(np.linspace(0, len(found) - 1, min(SAMPLE, len(found))).astype(np.intp))
    ways = some.images, np.ascontiguousarray(some.images.transpose(0, 2, 1))
    return tuple(float((predictor.logits(way).argmax(axis=1) == some.labels).mean()) for way in ways)


def _called(test: Path, measured: Set) -> str:
    return f"{test.name}, {len(measured):,} images"


def _distinct(given: Set, train: Path) -> Set:
    """The images `given` by `train`, each once: the first of equal ones, whatever label others have."""
    places = dict[bytes, int]()
    firsts = [places.setdefault(digest, at) for at, digest in enumerate(digests(given.images))]
    if len(places) < len(given):
        spare = f"{len(given) - len(places):,} of {len(given):,} images are there already"
        if others := np.count_nonzero(given.labels != given.labels[firsts]):
            spare += f", {others:,} of them with another label"
        notes.print(f"{train}: {spare}; they are not used again", markup=False)
    return given.take(np.array(list(places.values())))


def _unseen(given: Set, whole: Set, test: Path) -> Set:
    """The images `given` by `test` that are not among those of `whole`. Raises BadData if all are."""
    unseen, seen = hold_out_images(given, whole.images)
    if not len(unseen):
        raise BadData(f"{test}: all of its {len(seen):,} images are among those to train on")
    if len(seen):
        left = f"{len(seen):,} of {len(given):,} images are among those to train on"
        notes.print(f"{test}: {left}; they are not measured", markup=False)
    return unseen
