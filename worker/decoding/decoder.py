"""A worker's decoder: if an image takes its process down, it gets another one and reading goes on.

The image that was in hand gets a second try in the new process, since memory may have been short for a
moment; then it fails, alone. One that has used up its processor time fails at once.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from ..ledger.results import UNDECODABLE, Failure
from ..portions import portions
from .decoder_connection import DecoderConnection, Lost, Nonsense
from .decoder_process import DecoderProcess
from .replies import BLOCK, Outcome, Picture
from .wire import Encoded

log = logging.getLogger(__name__)

PART_BYTES = 4 << 20
"""Files sent at a time, unless a single one is larger."""

TRIES = 2


class Decoder:
    """Turns image files into glyphs or characters, in another process. Threads take turns."""

    def __init__(
        self, max_pixels: int, decode_s: float, touch: Callable[[], None] = lambda: None
    ) -> None:
        """`decode_s` is the processor time for an image of `max_pixels`; `touch` is called again and
        again while replies are awaited. Raises NoDecoder."""
        self._process = DecoderProcess(max_pixels, decode_s, touch)
        self.close = self._process.close
        self._turn = threading.Lock()

    def wait_ready(self) -> None:
        """Wait until its process, which starts by itself, is ready. Raises NoDecoder."""
        with self._turn:
            self._process.connection()

    def read(self, images: Sequence[Encoded]) -> list[Outcome]:
        """What each image shows, or why it could not be decoded. Raises NoDecoder."""
        outcomes: list[Outcome] = []
        with self._turn:
            for some in portions((len(each.file) for each in images), PART_BYTES):
                part = images[some]
                outcomes += [each for each in self._read_part(part) if not isinstance(each, Picture)]
        return outcomes

    def draw(self, image: Encoded) -> Picture | Failure:
        """A picture for people of an image with `marks`. Raises NoDecoder."""
        with self._turn:
            (picture,) = self._read_part([image])
        assert isinstance(picture, Picture | Failure)
        return picture

    def _read_part(self, part: Sequence[Encoded]) -> list[Outcome | Picture]:
        outcomes: list[Outcome | Picture] = []
        suspect, tries = -1, 0
        while len(outcomes) < len(part):
            connection, asked = self._process.connection(), range(len(outcomes), len(part))
            try:
                _read_on(connection, part, outcomes)
            except Lost as loss:
                why, for_good = self._process.bury(loss)
                log.warning("an image took a decoder down: %s", why, extra={"event": "decoder.lost"})
                found = _blame(loss, connection.in_hand, asked, len(outcomes))
                if found is None:
                    outcomes += self._one_by_one(part[len(outcomes) : len(outcomes) + BLOCK])
                    continue
                suspect, tries = found, 1 + (tries if suspect == found else 0)
                # The images before the suspect are not to blame: only their replies are lost.
                outcomes += self._read_part(part[len(outcomes) : suspect])
                if for_good or tries == TRIES:
                    outcomes.append(Failure(UNDECODABLE, why))
        return outcomes

    def _one_by_one(self, images: Sequence[Encoded]) -> list[Outcome | Picture]:
        """The outcomes of images any of which may be to blame, so that none takes others along."""
        return [outcome for image in images for outcome in self._read_part([image])]


def _read_on(
    connection: DecoderConnection, part: Sequence[Encoded], outcomes: list[Outcome | Picture]
) -> None:
    """Add the missing outcomes to `outcomes`, as far as the decoder gets. Raises Lost."""
    connection.ask(part[len(outcomes) :])
    while len(outcomes) < len(part):
        outcomes += connection.replies()


def _blame(loss: Lost, in_hand: range, asked: range, known: int) -> int | None:
    """The place in the part of the image that is to blame; None if it may be any of several.

    `in_hand` counts from the first image that was `asked` for; the first `known` outcomes are known.
    """
    if len(asked) > 1 and (isinstance(loss, Nonsense) or len(in_hand) > 1):
        return None
    return min(max(known, asked.start + in_hand.start), asked.stop - 1)
