"""What became of each image of a chunk: an answer, a page of them, or why there is none.

`packing` turns them into the bytes that a worker writes to Redis and the gateway reads.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple, TypeAlias

from model.flags import NONE, Flag
from model.layout import Box

UNDECODABLE = "undecodable-image"
TOO_LARGE = "image-too-large"
WORKER_LOST = "worker-lost"
INFERENCE_FAILED = "inference-failed"

FAILURES = ("", UNDECODABLE, TOO_LARGE, WORKER_LOST, INFERENCE_FAILED)
"""Types by code; append only, since codes are stored."""


class Answer(NamedTuple):  # made by the million, in half the time of a frozen dataclass
    """The likeliest classes, best first, with their probabilities; `flags` are doubts about the image.
    It is uncertain if there are any, or if the first probability is too low."""

    classes: tuple[int, ...]
    probabilities: tuple[float, ...]
    uncertain: bool
    flags: Flag = NONE


class Found(NamedTuple):
    """A character on a page: what it says and where. Lines count from 0, words in their line."""

    answer: Answer
    box: Box
    line: int
    word: int


@dataclass(frozen=True)
class Page:
    """The characters of a line, a page or a grid, in reading order; there may be none."""

    characters: tuple[Found, ...]

    @property
    def confidence(self) -> float | None:
        """The mean of its characters; None where there are none."""
        if not self.characters:
            return None
        return sum(each.answer.probabilities[0] for each in self.characters) / len(self.characters)

    @property
    def flags(self) -> Flag:
        """All flags of its characters; a page without characters is blank."""
        flags = (each.answer.flags for each in self.characters)
        return reduce(or_, flags, NONE) if self.characters else Flag.BLANK

    @property
    def uncertain(self) -> bool:
        """Whether any of its characters is, or there are none."""
        return not self.characters or any(each.answer.uncertain for each in self.characters)


@dataclass(frozen=True)
class Failure:
    """Why an image could not be read: one of FAILURES and a sentence."""

    type: str
    detail: str


Result: TypeAlias = Answer | Page | Failure


def count_failures(results: Sequence[Result]) -> Counter[str]:
    """How many failed, by type."""
    return Counter(result.type for result in results if isinstance(result, Failure))
