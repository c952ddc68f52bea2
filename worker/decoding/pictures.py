"""A picture for people of what a network saw of an image, drawn by a decoder (see model.previews)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from model.card import Normalization
from model.files.images import Grey, png
from model.ink.normalization import normalize
from model.layout import Box, Layout
from model.previews import Mark, beside, boxed
from model.sheets.choosing import choose
from model.sheets.cutting import cut


def draw(grey: Grey, normalization: Normalization | None, layout: Layout, marks: bytes) -> bytes:
    """A PNG; `marks`, JSON of (box, label, uncertain), are what was read, if anything was yet."""
    if layout.kind == "character":
        return png(beside(grey, normalize(grey, normalization).pixels))
    return png(boxed(grey, list(_known(json.loads(marks)) or _unread(grey, normalization, layout))))


def _known(marks: Sequence[Any]) -> list[Mark]:
    return [Mark(Box(*box), label, uncertain) for box, label, uncertain in marks]


def _unread(grey: Grey, normalization: Normalization | None, layout: Layout) -> Iterator[Mark]:
    """Boxes without labels; of rival readings, those of the first."""
    found = cut(grey, normalization, layout)
    return (Mark(found[at].box) for at in choose(found, [1.0] * len(found)))
