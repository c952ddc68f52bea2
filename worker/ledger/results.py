"""The result of each image of a chunk: an answer, a page of answers, or a failure.

`packing` turns them into the bytes that a worker writes to Redis and the gateway reads.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from model.answers import Answer as Answer  # for those who import it from here
from model.answers import confidence_of, flags_of, is_uncertain
from model.flags import Flag
from model.layout import Box

UNDECODABLE = "undecodable-image"
TOO_LARGE = "image-too-large"
WORKER_LOST = "worker-lost"
INFERENCE_FAILED = "inference-failed"

FAILURES = ("", UNDECODABLE, TOO_LARGE, WORKER_LOST, INFERENCE_FAILED)
"""Types by code; append only, since codes are stored."""


class Found(NamedTuple):
    """A character on a page: its answer and its place. Lines count from 0, words within their line."""

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
        """The mean confidence of its characters; None if there are none."""
        return confidence_of(self._answers)

    @property
    def flags(self) -> Flag:
        """All flags of its characters; a page without characters is blank."""
        return flags_of(self._answers)

    @property
    def uncertain(self) -> bool:
        """Whether any of its characters is, or there are none."""
        return is_uncertain(self._answers)

    @property
    def _answers(self) -> list[Answer]:
        return [each.answer for each in self.characters]


@dataclass(frozen=True)
class Failure:
    """Why an image could not be read: one of FAILURES and a sentence."""

    type: str
    detail: str


RELABELED = Failure(
    INFERENCE_FAILED, "the network has other labels than it had when the job was accepted: retry the job"
)
"""For images of a job that was accepted for other labels than the network has now."""


Result: TypeAlias = Answer | Page | Failure


def count_failures(results: Sequence[Result]) -> Counter[str]:
    """The number of failed images by type."""
    return Counter(result.type for result in results if isinstance(result, Failure))
