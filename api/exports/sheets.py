"""The characters of a page that was read: boxes for its picture, labels for a data set made of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import orjson

from model.flags import Flag
from model.layout import Box, Character
from worker.ledger.jobs import Job
from worker.ledger.results import Page
from worker.ledger.store import Item

if TYPE_CHECKING:
    from model.glyph import Glyph


def marks_of(job: Job, item: Item) -> bytes:
    """JSON of (box, label, uncertain) for each character; empty if the image is no page or not read."""
    found = item.result.characters if isinstance(item.result, Page) else ()
    return orjson.dumps(
        [(list(each.box), job.labels[each.answer.classes[0]], each.answer.uncertain) for each in found]
    )


def glyphs_by_box(cut: Iterable[Character], item: Item) -> dict[Box, "Glyph"]:
    """The glyphs of a page that was read, by box: of rival readings, those of the one whose boxes are
    all in the result, since the glyph of a box may differ between readings."""
    found = item.result.characters if isinstance(item.result, Page) else ()
    boxes = {each.box for each in found}
    readings = defaultdict[tuple[int, int], "dict[Box, Glyph]"](dict)
    for each in cut:
        readings[each.group, each.reading][each.box] = each.glyph
    glyphs: dict[Box, Glyph] = {}
    for pieces in sorted(readings.values(), key=len, reverse=True):  # of two equally long, the first
        if pieces.keys() <= boxes:
            glyphs = pieces | glyphs
    return glyphs


def labelled(job: Job, item: Item) -> Iterator[tuple[Box, str]]:
    """The box and label of each character: as read, or as in a person's text if that has one for each.

    If it has not, there are none. Blank cells are left out, and so are characters unknown to the model.
    """
    if not isinstance(item.result, Page):
        return
    found = [each for each in item.result.characters if Flag.BLANK not in each.answer.flags]
    labels = [job.labels[each.answer.classes[0]] for each in found]
    if item.correction is not None:
        labels = list("".join(item.correction.split()))
    if len(labels) == len(found):
        pairs = zip(found, labels, strict=True)
        yield from ((each.box, label) for each, label in pairs if label in job.labels)
