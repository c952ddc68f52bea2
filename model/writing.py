"""Turns the characters read on an image into its words, lines and text, as plain data for JSON.

Used by the gateway for the results of jobs, and by `inkqueue read`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from .flags import Flag
from .layout import Box

DIGITS = 1e7
"""Probabilities are rounded to seven digits. `round` would take four times as long: a third of the time
for a page of results."""

BLANK = Flag.BLANK.names[0]


class Written(NamedTuple):
    """A character and where it stands; `said` has its label, confidence, uncertain, flags and top_k."""

    said: Mapping[str, Any]
    box: Box
    line: int
    word: int


def said(
    known: dict[str, Any],
    labels: Sequence[str],
    classes: Sequence[int],
    likely: Sequence[float],
    uncertain: bool,
    flags: Flag,
) -> dict[str, Any]:
    """Add to `known`, and return it, what is said of a character: its likeliest classes, best first, and
    its flags. In place, since results come by the million."""
    top = []
    for each, p in zip(classes, likely, strict=True):
        top.append({"label": labels[each], "p": int(p * DIGITS + 0.5) / DIGITS})
    best = top[0]
    known["label"], known["confidence"] = best["label"], best["p"]
    known["uncertain"], known["flags"], known["top_k"] = uncertain, flags.names, top
    return known


def lines_of(characters: Sequence[Written]) -> list[dict[str, Any]]:
    """The lines of an image, given its characters in reading order. Each has text, box and words; each
    word has text, box and characters."""
    return [
        {"text": " ".join(word["text"] for word in words), "box": _around(words), "words": words}
        for words in (list(_words(line)) for _, line in groupby(characters, attrgetter("line")))
    ]


def text_of(lines: Sequence[Mapping[str, Any]]) -> str:
    """The text of an image: its lines as lines, spaces between words; a blank cell is an empty word."""
    return "\n".join(line["text"] for line in lines)


def _words(line: Iterator[Written]) -> Iterator[dict[str, Any]]:
    for _, word in groupby(line, attrgetter("word")):
        characters = [{**each.said, "box": list(each.box)} for each in word]
        text = "".join(each["label"] for each in characters if BLANK not in each["flags"])
        yield {"text": text, "box": _around(characters), "characters": characters}


def _around(parts: Sequence[Mapping[str, Any]]) -> list[int]:
    """The smallest box around those of all `parts`: left, top, width, height."""
    left, top = (min(part["box"][axis] for part in parts) for axis in (0, 1))
    right, bottom = (max(part["box"][axis] + part["box"][axis + 2] for part in parts) for axis in (0, 1))
    return [left, top, right - left, bottom - top]
