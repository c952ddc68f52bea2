"""From claimed chunks to results: all share forward passes, and none fails because of another."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from model.engines.predictor import Predictor
from model.reading import Screen

from ..ledger.chunks import Opened
from ..ledger.claims import Claim, Commit
from ..ledger.jobs import Options
from ..ledger.measures import ForwardPass
from ..ledger.packing import pack
from ..ledger.results import INFERENCE_FAILED, RELABELED, Failure, Result, count_failures
from .answering import answer
from .passes import IsolatedPass, Passes
from .poison_guard import PoisonGuard
from .preparation import Decode, Prepared, open_chunk, pack_failed, prepare

log = logging.getLogger(__name__)

FAULTS = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError)
"""Errors of a network, or bugs that an image or option brings out; none of a decoder or of Redis."""


Read = Callable[[Opened], list[Result]]
"""Reads images of one job together. Raises one of FAULTS if the network fails."""


class Ready(NamedTuple):
    """Chunks that are ready for the network, and how many seconds that took."""

    chunks: Sequence[Prepared]
    seconds: float


class Reader:
    """One network, and how chunks become results with it."""

    def __init__(
        self,
        predictor: Predictor,
        decode: Decode,
        run_isolated: IsolatedPass,
        screen: Screen,
        touch: Callable[[], None],
    ) -> None:
        """`decode` makes glyphs of files, and `screen` flags them; for `run_isolated` and
        `touch` see Passes."""
        self.predictor = predictor
        self._decode, self._screen = decode, screen
        self._passes = Passes(predictor, run_isolated, touch)

    def prepare(self, claims: Sequence[Claim]) -> Ready:
        """The chunks opened, decoded and normalized. May be called while others are read."""
        return self._ready([(open_chunk(claim), claim.options) for claim in claims])

    def read(
        self, claims: Sequence[Claim], ready: Ready | None, passes: list[ForwardPass]
    ) -> list[Commit]:
        """The results of everything claimed, read together; each forward pass is added to `passes`."""
        try:
            ready = ready or self.prepare(claims)
            results = self._read_together(ready, passes)
        except FAULTS:
            log.exception("a batch failed as a whole; reading its images one by one")
            return [self._read_apart(claim, passes) for claim in claims]
        rows = zip(claims, ready.chunks, results, strict=True)
        return [self._commit(claim, chunk.content, each) for claim, chunk, each in rows]

    def read_guarded(self, claim: Claim, guard: PoisonGuard, passes: list[ForwardPass]) -> Commit:
        """Read block by block, and image by image where `guard` says so; see `read` for `passes`."""
        content, read = open_chunk(claim), partial(self._read_chunk, claim.options, passes)
        results: list[Result] = []
        for first in range(0, len(content), guard.size):
            block = range(first, min(first + guard.size, len(content)))
            if not guard.enter(block):
                results += _read_block(content.part(block), read)
                continue
            for index in block:
                if suspicion := guard.check(index):
                    results.append(self._read_suspect(content.at(index), claim.options, suspicion))
                else:
                    results.append(_read_one(content.at(index), read))
        return self._commit(claim, content, results)

    def _read_apart(self, claim: Claim, passes: list[ForwardPass]) -> Commit:
        content, read = open_chunk(claim), partial(self._read_chunk, claim.options, passes)
        return self._commit(claim, content, _read_each(content, read))

    def _read_suspect(self, image: Opened, options: Options, suspicion: Failure) -> Result:
        """An image with which workers died: its result if it is innocent, else `suspicion`."""
        (prepared,) = self._ready([(image, options)]).chunks
        outputs = self._passes.isolated(prepared.glyphs)
        if outputs is None:
            return suspicion
        card = self.predictor.card
        ((result,),) = answer([prepared], prepared.glyphs, outputs, self._screen, card)
        return result

    def _read_chunk(self, options: Options, passes: list[ForwardPass], content: Opened) -> list[Result]:
        return self._read_together(self._ready([(content, options)]), passes)[0]

    def _ready(self, chunks: Sequence[tuple[Opened, Options]]) -> Ready:
        began = time.perf_counter()
        prepared = prepare(chunks, self.predictor.card.normalization, self._decode)
        return Ready(prepared, time.perf_counter() - began)

    def _read_together(self, ready: Ready, passes: list[ForwardPass]) -> list[list[Result]]:
        """The results of each chunk, from forward passes of all. Raises RuntimeError if one fails."""
        prepared = ready.chunks
        glyphs = np.concatenate([each.glyphs for each in prepared])
        outputs = self._passes.outputs(glyphs, time.perf_counter() - ready.seconds, passes)
        return answer(prepared, glyphs, outputs, self._screen, self.predictor.card)

    def _commit(self, claim: Claim, content: Opened, results: list[Result]) -> Commit:
        """Answers of a network with other labels fail, since the gateway would misread them."""
        if claim.labels != self.predictor.card.labels:
            results = [RELABELED] * len(results)
        failures = count_failures(results)
        failed = failures.total()
        kept = b"" if claim.options.keep_images or not failed else pack_failed(content, results)
        return Commit(claim, pack(results), len(results) - failed, failed, kept, failures)


def _read_block(content: Opened, read: Read) -> list[Result]:
    """The images read together or, if the network fails with them, one by one."""
    try:
        return read(content)
    except FAULTS:
        return _read_each(content, read)


def _read_each(content: Opened, read: Read) -> list[Result]:
    return [_read_one(content.at(index), read) for index in range(len(content))]


def _read_one(image: Opened, read: Read) -> Result:
    try:
        return read(image)[0]
    except FAULTS as error:
        return Failure(INFERENCE_FAILED, f"the network could not read this image: {error}")
