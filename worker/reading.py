"""From claimed chunks to results: forward passes shared by all of them; nobody fails for another."""

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from model.flags import Flag
from model.layout import Layout
from model.predictor import Floats, Images, Predictor

from .answering import Bits, answer
from .caution import Caution
from .chunks import Opened
from .jobs import Options
from .ledger import Claim, Commit
from .measures import Pass
from .packing import pack
from .preparation import Decode, Manner, Prepared, open_chunk, pack_failed, prepare
from .results import INFERENCE_FAILED, Failure, Result, count_failures

log = logging.getLogger(__name__)

PASS = 1024
"""Glyphs that the network is given at once: a page may be thousands."""


def _unflagged(glyphs: Images) -> Bits:
    return np.zeros(len(glyphs), np.uint8)


class Reader:
    """One network, and how chunks become results with it."""

    def __init__(
        self,
        predictor: Predictor,
        decode: Decode,
        measured: Callable[[Pass], None] = lambda one: None,
        trial: Callable[[Images], Floats | None] = lambda glyphs: None,
        screen: Callable[[Images], Bits] = _unflagged,
        touch: Callable[[], None] = lambda: None,
    ) -> None:
        """`decode` makes glyphs of files, and `screen` says what speaks against these; `measured` is
        told of every forward pass; `trial` reads glyphs elsewhere, where nobody is lost with them (None:
        they kill); `touch` is called before the network is given anything."""
        self.predictor = predictor
        self._decode, self._measured, self._trial = decode, measured, trial
        self._screen, self._touch = screen, touch

    def read(self, claims: Sequence[Claim]) -> list[Commit]:
        """Everything claimed, together."""
        chunks = [(open_chunk(claim), claim.options) for claim in claims]
        try:
            results = self._read_together(chunks)
        except RuntimeError:
            log.exception("a batch failed as a whole; reading its images one by one")
            return [self.read_alone(claim, lambda index: None) for claim in claims]
        rows = zip(claims, chunks, results, strict=True)
        return [_commit(claim, content, each) for claim, (content, _), each in rows]

    def read_alone(self, claim: Claim, check: Callable[[int], Failure | None]) -> Commit:
        """One image after the other; `check` is told of each before it is touched, and may refuse it."""
        content = open_chunk(claim)
        results = self._read_alone(content, range(len(content)), claim.options, check)
        return _commit(claim, content, results)

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
        return _commit(claim, content, results)

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

    def _read_one(self, image: Opened, options: Options) -> Result:
        try:
            return self._read_together([(image, options)])[0][0]
        except RuntimeError as error:
            return Failure(INFERENCE_FAILED, f"the network could not read this image: {error}")

    def _try(self, image: Opened, options: Options, suspicion: Failure) -> Result:
        """An image that workers died with: what it says if it is innocent, else `suspicion`."""
        (prepared,) = prepare([(image, self._manner(options))], self._decode)
        logits = self._try_glyphs(prepared.glyphs)
        if logits is None:
            return suspicion
        return answer(
            prepared, logits, self._flags([prepared], prepared.glyphs), self.predictor.card, options
        )[0]

    def _try_glyphs(self, glyphs: Images) -> Floats | None:
        rows = [self.predictor.logits(glyphs[:0])]
        for at in range(0, len(glyphs), PASS):
            self._touch()
            said = self._trial(glyphs[at : at + PASS])
            if said is None:
                return None
            rows.append(said)
        return np.concatenate(rows)

    def _read_together(self, chunks: Sequence[tuple[Opened, Options]]) -> list[list[Result]]:
        """The results of each chunk, by forward passes of all. Raises RuntimeError if one fails."""
        began = time.perf_counter()
        prepared = prepare(
            [(content, self._manner(options)) for content, options in chunks], self._decode
        )
        glyphs = np.concatenate([each.glyphs for each in prepared])
        logits = self._logits(glyphs, began)
        flags, start = self._flags(prepared, glyphs), 0
        results: list[list[Result]] = []
        for (_, options), each in zip(chunks, prepared, strict=True):
            own = slice(start, start + len(each.glyphs))
            results.append(answer(each, logits[own], flags[own], self.predictor.card, options))
            start = own.stop
        return results

    def _manner(self, options: Options) -> Manner:
        recipe = self.predictor.card.recipe if options.normalize == "auto" else None
        return Manner(recipe, Layout(options.layout, options.rows, options.columns))

    def _logits(self, glyphs: Images, began: float) -> Floats:
        """What the network says, measured; decoding `began` then (by perf_counter)."""
        rows: list[Floats] = []
        for at in range(0, max(1, len(glyphs)), PASS):
            some, decoded = glyphs[at : at + PASS], time.perf_counter()
            self._touch()
            rows.append(self.predictor.logits(some))
            done = time.perf_counter()
            decode_s, forward_s = decoded - began, done - decoded
            self._measured(Pass(len(some), time.time() - decode_s - forward_s, decode_s, forward_s))
            began = done
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def _flags(self, prepared: Sequence[Prepared], glyphs: Images) -> Bits:
        """What speaks against each glyph: where it was made, and what the screen says of those made of
        files by the network's recipe. Arrays are as their owner made them."""
        flags = np.concatenate([each.flags for each in prepared])
        made = np.concatenate([np.full(len(each.flags), each.normalized) for each in prepared])
        shown = made & (flags & Flag.BLANK == 0)
        if shown.any():
            flags[shown] |= self._screen(glyphs[shown])
        return flags


def _commit(claim: Claim, content: Opened, results: list[Result]) -> Commit:
    failures = count_failures(results)
    failed = failures.total()
    kept = b"" if claim.options.keep_images or not failed else pack_failed(content, results)
    return Commit(claim, pack(results), len(results) - failed, failed, kept, failures)
