"""From claimed chunks to results: one forward pass over all of them; nobody fails for another."""

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from model.card import Recipe
from model.charset import allowed_classes
from model.predictor import Floats, Images, Predictor, softmax

from .caution import Caution
from .chunks import Opened
from .jobs import Options
from .ledger import Claim, Commit
from .measures import Pass
from .packing import pack
from .preparation import Decode, Prepared, open_chunk, pack_failed, prepare
from .results import INFERENCE_FAILED, Answer, Failure, Result, count_failures

log = logging.getLogger(__name__)


class Reader:
    """One network, and how chunks become results with it."""

    def __init__(
        self,
        predictor: Predictor,
        decode: Decode,
        measured: Callable[[Pass], None] = lambda one: None,
        trial: Callable[[Images], Floats | None] = lambda glyph: None,
    ) -> None:
        """`decode` makes glyphs of files; `measured` is told of every forward pass; `trial` reads a
        glyph elsewhere, where nobody is lost with it (None: it kills)."""
        self.predictor = predictor
        self._decode, self._measured, self._trial = decode, measured, trial

    def read(self, claims: Sequence[Claim]) -> list[Commit]:
        """Everything claimed, in one forward pass."""
        chunks = [(open_chunk(claim), claim.options) for claim in claims]
        try:
            results = self._read_together(chunks)
        except RuntimeError:
            log.exception("a batch failed as a whole; reading its images one by one")
            return [self.read_alone(claim, lambda index: None) for claim in claims]
        rows = zip(claims, chunks, results, strict=True)
        return [self._commit(claim, content, each) for claim, (content, _), each in rows]

    def read_alone(self, claim: Claim, check: Callable[[int], Failure | None]) -> Commit:
        """One image after the other; `check` is told of each before it is touched, and may refuse it."""
        content = open_chunk(claim)
        results = self._read_alone(content, range(len(content)), claim.options, check)
        return self._commit(claim, content, results)

    def read_warily(self, claim: Claim, caution: Caution) -> Commit:
        """Block by block, image by image where `caution` says so."""
        content = open_chunk(claim)
        results: list[Result] = []
        for first in range(0, len(content), caution.size):
            block = range(first, min(first + caution.size, len(content)))
            alone = caution.enter(block)
            results += (
                self._read_alone(content, block, claim.options, caution.check)
                if alone
                else self._read_block(content, block, claim.options)
            )
        return self._commit(claim, content, results)

    def _read_block(self, content: Opened, block: range, options: Options) -> list[Result]:
        try:
            return self._read_together([(content.part(block), options)])[0]
        except RuntimeError:
            return self._read_alone(content, block, options, lambda index: None)

    def _read_alone(
        self, content: Opened, block: range, options: Options, check: Callable[[int], Failure | None]
    ) -> list[Result]:
        results: list[Result] = []
        for index in block:
            image, suspicion = content.at(index), check(index)
            results.append(
                self._try(image, options, suspicion) if suspicion else self._read_one(image, options)
            )
        return results

    def _try(self, image: Opened, options: Options, suspicion: Failure) -> Result:
        """An image that workers died with: what it says if it is innocent, else `suspicion`."""
        (prepared,) = prepare([(image, self._recipe(options))], self._decode)
        if prepared.failures:
            return prepared.failures[0]
        logits = self._trial(prepared.glyphs)
        return suspicion if logits is None else self._answers(logits, options)[0]

    def _read_together(self, chunks: Sequence[tuple[Opened, Options]]) -> list[list[Result]]:
        """The results of each chunk, by one forward pass. Raises RuntimeError if that fails."""
        began = time.perf_counter()
        prepared = prepare(
            [(content, self._recipe(options)) for content, options in chunks], self._decode
        )
        logits = self._logits(np.concatenate([each.glyphs for each in prepared]), began)
        results, start = [], 0
        for (_, options), each in zip(chunks, prepared, strict=True):
            answers = self._answers(logits[start : start + len(each.glyphs)], options)
            results.append(_merge(each, answers))
            start += len(each.glyphs)
        return results

    def _recipe(self, options: Options) -> Recipe | None:
        return self.predictor.card.recipe if options.normalize == "auto" else None

    def _logits(self, glyphs: Images, began: float) -> Floats:
        """What the network says, measured; decoding `began` then (by perf_counter)."""
        decoded = time.perf_counter()
        logits = self.predictor.logits(glyphs)
        done = time.perf_counter()
        decode_s, forward_s = decoded - began, done - decoded
        self._measured(Pass(len(glyphs), time.time() - decode_s - forward_s, decode_s, forward_s))
        return logits

    def _answers(self, logits: Floats, options: Options) -> list[Answer]:
        """The k likeliest allowed classes of each row, calibrated."""
        card, allowed = self.predictor.card, self._allowed(options)
        probabilities = softmax(logits, card.temperature, allowed)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, : self._width(options)]
        likely = np.take_along_axis(probabilities, best, axis=1)
        rows = zip(best.tolist(), likely.tolist(), strict=True)
        return [
            Answer(tuple(classes), tuple(values), values[0] < card.uncertain_below)
            for classes, values in rows
        ]

    def _read_one(self, image: Opened, options: Options) -> Result:
        began = time.perf_counter()
        (prepared,) = prepare([(image, self._recipe(options))], self._decode)
        if prepared.failures:
            return prepared.failures[0]
        try:
            return self._answers(self._logits(prepared.glyphs, began), options)[0]
        except RuntimeError as error:
            return Failure(INFERENCE_FAILED, f"the network could not read this image: {error}")

    def _commit(self, claim: Claim, content: Opened, results: list[Result]) -> Commit:
        failures = count_failures(results)
        failed = failures.total()
        packed = pack(results)
        kept = b"" if claim.options.keep_images or not failed else pack_failed(content, results)
        return Commit(claim, packed, len(results) - failed, failed, kept, failures)

    def _allowed(self, options: Options) -> list[int]:
        labels = self.predictor.card.labels
        if options.charset is None:
            return list(range(len(labels)))
        return allowed_classes(options.charset, labels)

    def _width(self, options: Options) -> int:
        return min(options.top_k, len(self._allowed(options)))


def _merge(prepared: Prepared, answers: Sequence[Answer]) -> list[Result]:
    """The results of a chunk in its order: answers, with the failures in their places."""
    rest = iter(answers)
    return [
        prepared.failures[index] if index in prepared.failures else next(rest)
        for index in range(len(prepared.content))
    ]
