"""From claimed chunks to results: open, decode, one forward pass over all of them, answer.

A bad image fails alone: it never reaches the network, and never its neighbours.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.charset import allowed_classes
from model.images import BadImage, TooLarge
from model.normalization import read_glyph
from model.predictor import Floats, Images, Predictor, softmax

from .chunks import BadChunk, Content, ImageFile, PixelBlock, pack, unpack
from .jobs import Options
from .ledger import Claim, Commit
from .results import INFERENCE_FAILED, TOO_LARGE, UNDECODABLE, Answer, Failure, Result, count_failed
from .results import pack as pack_results

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A chunk on its way to the network: the glyphs it gave and the images that gave none."""

    content: Content
    glyphs: Images
    failures: dict[int, Failure]


class Reader:
    """One network and how images are made ready for it."""

    def __init__(self, predictor: Predictor, max_pixels: int) -> None:
        self.predictor = predictor
        self._max_pixels = max_pixels

    def read(self, claims: Sequence[Claim]) -> list[Commit]:
        """Everything claimed, in one forward pass."""
        prepared = [self.prepare(open_chunk(claim), claim.options) for claim in claims]
        try:
            logits = self.forward(np.concatenate([each.glyphs for each in prepared]))
        except RuntimeError:
            log.exception("a batch failed as a whole; reading its images one by one")
            return [self.read_alone(claim, lambda index: None) for claim in claims]
        commits, start = [], 0
        for claim, each in zip(claims, prepared, strict=True):
            part = logits[start : start + len(each.glyphs)]
            start += len(each.glyphs)
            commits.append(self.commit(claim, each, part))
        return commits

    def read_alone(self, claim: Claim, check: Callable[[int], Failure | None]) -> Commit:
        """One image after the other; `check` is told of each before it is touched, and may refuse it."""
        content = open_chunk(claim)
        results: list[Result] = []
        for index in range(len(content)):
            results.append(check(index) or self._read_one(content, index, claim.options))
        return self._commit(claim, content, results)

    def prepare(self, content: Content, options: Options) -> Prepared:
        """Decode and normalise; what cannot be decoded becomes a failure."""
        if isinstance(content, PixelBlock):
            glyphs = np.frombuffer(content.data, np.uint8).reshape(-1, 28, 28)
            return Prepared(content, glyphs, {})
        glyphs = np.zeros((len(content), 28, 28), np.uint8)
        failures: dict[int, Failure] = {}
        for index, file in enumerate(content):
            try:
                glyphs[index] = self._glyph(file, options)
            except BadImage as error:
                failures[index] = _failure(error)
        good = [index for index in range(len(content)) if index not in failures]
        return Prepared(content, glyphs[good] if failures else glyphs, failures)

    def forward(self, glyphs: Images) -> Floats:
        """Logits of (n, 28, 28), n may be 0."""
        if not len(glyphs):
            return np.zeros((0, len(self.predictor.card.labels)), np.float32)
        return self.predictor.logits(glyphs)

    def commit(self, claim: Claim, prepared: Prepared, logits: Floats) -> Commit:
        """The results of a chunk, from the logits of its good images."""
        answers = iter(self.answers(logits, claim.options))
        failures = prepared.failures
        results: list[Result] = [
            failures[index] if index in failures else next(answers)
            for index in range(len(prepared.content))
        ]
        return self._commit(claim, prepared.content, results)

    def answers(self, logits: Floats, options: Options) -> list[Answer]:
        """The k likeliest allowed classes of each row, calibrated."""
        card = self.predictor.card
        probabilities = softmax(logits, card.temperature, self._allowed(options))
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, : self._width(options)]
        likely = np.take_along_axis(probabilities, best, axis=1)
        rows = zip(best.tolist(), likely.tolist(), strict=True)
        return [
            Answer(tuple(classes), tuple(values), values[0] < card.uncertain_below)
            for classes, values in rows
        ]

    def _commit(self, claim: Claim, content: Content, results: Sequence[Result]) -> Commit:
        failed = count_failed(results)
        packed = pack_results(results, self._width(claim.options))
        kept = b"" if claim.options.keep_images or not failed else _keep(content, results)
        return Commit(claim, packed, len(results) - failed, failed, kept)

    def _read_one(self, content: Content, index: int, options: Options) -> Result:
        part: Content
        if isinstance(content, PixelBlock):
            part = PixelBlock(content.data[index * 784 : (index + 1) * 784])
        else:
            part = [content[index]]
        prepared = self.prepare(part, options)
        if prepared.failures:
            return prepared.failures[0]
        try:
            return self.answers(self.forward(prepared.glyphs), options)[0]
        except RuntimeError as error:
            return Failure(INFERENCE_FAILED, f"the network could not read this image: {error}")

    def _glyph(self, file: ImageFile, options: Options) -> Images:
        recipe = self.predictor.card.recipe if options.normalize == "auto" else None
        return read_glyph(file.data, file.page, recipe, self._max_pixels)

    def _allowed(self, options: Options) -> list[int] | None:
        if options.charset is None:
            return None
        return allowed_classes(options.charset, self.predictor.card.labels)

    def _width(self, options: Options) -> int:
        allowed = self._allowed(options)
        return min(options.top_k, len(self.predictor.card.labels if allowed is None else allowed))


def open_chunk(claim: Claim) -> Content:
    """What was claimed; a chunk that cannot be opened is one of empty images, which fail one by one."""
    try:
        return unpack(claim.payload)
    except BadChunk as error:
        log.error("%s, chunk %d: %s", claim.name, claim.chunk, error)
        return [ImageFile(b"")] * claim.count


def _failure(error: BadImage) -> Failure:
    return Failure(TOO_LARGE if isinstance(error, TooLarge) else UNDECODABLE, str(error))


def _keep(content: Content, results: Sequence[Result]) -> bytes:
    """The chunk with only its failed images left in it, for a retry; read files become empty."""
    if isinstance(content, PixelBlock):
        return pack(content)
    pairs = zip(content, results, strict=True)
    return pack([file if isinstance(each, Failure) else ImageFile(b"") for file, each in pairs])
