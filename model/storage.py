"""A checkpoint on disk is NAME.safetensors and its card NAME.json: read whole and checked, no pickle.

Needs neither torch nor any other engine.
"""

import hashlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .card import BadCard, Card, classes_of, read_card, weights_folder

HEAD = "head"
"""The kind of a screen of a network's own (see own_screens), which is only a head on that network."""


def read_checkpoint(name: str, folder: Path | None = None) -> tuple[Card, bytes]:
    """The card, and the weights that it was written for. Raises BadCard."""
    folder = folder or weights_folder()
    card = read_card(folder / f"{name}.json")
    path = folder / f"{name}.safetensors"
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise BadCard(f"{path}: {error}") from error
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise BadCard(f"{path}: the weights are not those of the card (sha256): get both anew")
    _require_whole(card)
    return card, weights


def _require_whole(card: Card) -> None:
    """Raise BadCard if the classes or the temperature of `card` make answers impossible."""
    labels = len(card.labels)
    try:
        classes = labels if card.network["kind"] == HEAD else classes_of(card.network)
        warm = card.temperature > 0
        ranged = all(0 < each < math.inf for each in card.ranges.values())
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadCard(f"{card.name}: card and weights do not fit together: {reason}") from error
    if classes != labels:
        raise BadCard(f"{card.name}: {classes} classes, but labels for {labels}")
    if not ranged:
        raise BadCard(f"{card.name}: ranges must be numbers above 0")
    if not warm:
        raise BadCard(f"{card.name}: a temperature of {card.temperature}; it must be above 0")


def write_checkpoint(card: Card, weights: bytes, folder: Path) -> Card:
    """Write weights and card, whole or not at all; return the card with their hash.

    Both are written before either takes its place: if the disk is full, the old pair remains.
    """
    folder.mkdir(parents=True, exist_ok=True)
    card = replace(card, sha256=hashlib.sha256(weights).hexdigest())
    text, tensors = folder / f"{card.name}.json", folder / f"{card.name}.safetensors"
    with whole(text) as of_text, whole(tensors) as of_tensors:
        of_tensors.write_bytes(weights)
        of_text.write_text(card.to_json())
    return card


def write_card(card: Card, folder: Path) -> None:
    """Write the card beside its weights, which are there already; whole or not at all."""
    with whole(folder / f"{card.name}.json") as draft:
        draft.write_text(card.to_json())


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a draft to write, private to this process, that then becomes `path`: whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
