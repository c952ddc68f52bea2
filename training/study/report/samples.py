"""The data of a study, for the eye: images of every class, and how many there are of each."""

from pathlib import Path

import numpy as np

from ...figure import blank
from ...reports.figures import DPI
from ...sets.data import Array, Set, Split
from ...tables import TextTable

A_CLASS = 12
COLUMNS = 2
GAP = 3
"""White pixels around an image."""


def draw_samples(train: Set, labels: str, path: Path) -> None:
    """Write a PNG: a row of images for each class, labelled with its character, in two columns."""
    rows = -(-len(labels) // COLUMNS)
    figure = blank(4.6 * COLUMNS, 0.38 * rows)
    for at, axes in enumerate(figure.subplots(1, COLUMNS, squeeze=False).flat):
        column = labels[at * rows : (at + 1) * rows]
        strips = [_strip(train, labels.index(each)) for each in column]
        axes.imshow(np.concatenate(strips), cmap="gray", vmin=0, vmax=255)
        height = len(strips[0])
        middles = [height * (place + 0.5) for place in range(len(column))]
        axes.set_yticks(middles, list(column), family="DejaVu Sans Mono", fontsize=12)
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.savefig(path, dpi=DPI)


def _strip(train: Set, label: int) -> Array:
    """Images of a class side by side, dark on white, drawn from all over the set."""
    of_class = np.flatnonzero(train.labels == label)
    rows = of_class[np.linspace(0, len(of_class) - 1, min(A_CLASS, len(of_class))).astype(int)]
    framed = [np.pad(255 - image, GAP, constant_values=255) for image in train.images[rows]]
    blank = [np.full((28 + 2 * GAP,) * 2, 255, np.uint8)] * (A_CLASS - len(framed))
    return np.concatenate(framed + blank, axis=1)


def counts(split: Split, labels: str) -> TextTable:
    """How many images of each class there are to train, to choose and to measure on."""
    parts = (split.train, split.validation, split.test)
    found = [np.bincount(part.labels, minlength=len(labels)) for part in parts]
    rows = [(each, *(f"{part[at]:,}" for part in found)) for at, each in enumerate(labels)]
    rows.append(("all", *(f"{len(part):,}" for part in parts)))
    return TextTable("Images of each character", ("character", "training", "validation", "test"), rows)


def description(split: Split, labels: str) -> list[str]:
    """The data in sentences."""
    counted = np.bincount(split.train.labels, minlength=len(labels))
    smallest, largest = counted.min(), counted.max()
    spread = f"{smallest:,} to {largest:,}" if smallest < largest else f"{smallest:,}"
    sentences = [
        f"{len(labels)} classes, {labels}; images of 28x28 grey pixels, ink bright on dark (shown here "
        f"dark on white). {len(split.train):,} to train on, {spread} of a class, "
        f"drawn class-balanced; {len(split.validation):,} held out, on which everything is chosen; "
        f"{len(split.test):,} to measure on, once: {split.measured_on}."
    ]
    if labels.isupper():
        sentences.append("Both cases of a letter are one class, shown as its capital.")
    return sentences
