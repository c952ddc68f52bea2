"""A chunk that somebody died over: the image that kills is found alone and soon, nobody fails for it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import redis

from model.engines.predictor import Floats, Images
from model.engines.torch_predictor import TorchPredictor
from model.glyph import Glyph
from worker.decoding.replies import Outcome
from worker.decoding.wire import Encoded
from worker.engine.poison_guard import BLOCK, MOST_BLOCKS, PoisonGuard
from worker.ledger.chunks import pack
from worker.ledger.claims import Claim, Commit
from worker.ledger.ledger import Ledger
from worker.ledger.packing import unpack
from worker.ledger.results import Answer, Failure

from chaos.faults import Cut, Nth
from chaos.proxy import Proxy
from ledgers import ledger, submit, wait_out_lease
from plain_reader import PlainReader

IMAGES, KILLER = 40, 21


class Killed(BaseException):
    """What happens to a worker that touches the killer."""


class Network(TorchPredictor):
    """A real network that kills who lets it read certain images; each is as grey as its index."""

    killers: set[int]
    touched: list[int]

    def outputs(self, images: Images) -> Floats:
        self.touched.append(len(images))
        if self.killers & set(images[:, 0, 0].tolist()):
            raise Killed
        return super().outputs(images)


class Reading:
    """Workers that read a chunk of files one after the other, each until it dies."""

    def __init__(self, url: str, client: "redis.Redis", deaths: int = 3, images: int = IMAGES) -> None:
        self._redis = client
        submit(url, "a", (images,))
        self.ledger: Ledger = ledger(url)
        self.network = Network.load("balanced", device="cpu")
        self.touched = self.network.touched = []
        files = [b"%d" % index for index in range(images)]
        (claim,) = self.ledger.claim("balanced", images)
        self.claim: Claim = replace(claim, payload=pack(files))
        self.network.killers = {KILLER}
        self._deaths = deaths
        self._reader = PlainReader(self.network, _decode)

    def take_over(self) -> None:
        """The next worker has it, once the lease of the last one is over."""
        wait_out_lease(self._redis)
        (claim,) = self.ledger.claim("balanced", IMAGES)
        self.claim = replace(claim, payload=self.claim.payload)

    def go(self) -> Commit | None:
        """One guarded reading; None if it was death."""
        self.take_over()
        self.touched.clear()
        guard = PoisonGuard(self.ledger, self.claim, self._deaths, lambda: None)
        try:
            return self._reader.read_guarded(self.claim, guard)
        except Killed:
            return None


def _decode(files: Sequence[Encoded]) -> Sequence[Outcome]:
    return [Glyph(np.full((28, 28), int(bytes(each.file)) % 256, np.uint8)) for each in files]


def failed(commit: Commit | None) -> dict[int, str]:
    """The images given up, and why."""
    assert commit is not None
    results = enumerate(unpack(commit.results))
    return {index: each.detail for index, each in results if isinstance(each, Failure)}


def test_a_killer_is_given_up_at_the_fourth_delivery_and_nobody_with_it(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis)  # the first delivery was a batch
    assert reading.go() is None
    assert reading.touched == [BLOCK, BLOCK]
    assert reading.go() is None
    assert reading.touched == [BLOCK, *[1] * (KILLER - BLOCK + 1)]
    assert failed(reading.go()) == {KILLER: "3 workers were lost while they read this image"}


def test_nobody_is_given_up_for_workers_that_were_merely_killed(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis)
    for killer in (3, 35, 5):  # some of them in one block
        reading.network.killers = {killer}
        assert reading.go() is None
    reading.network.killers = set()
    commit = reading.go()
    assert failed(commit) == {}
    assert commit
    assert all(isinstance(each, Answer) for each in unpack(commit.results))


def test_a_block_that_nobody_died_in_is_read_at_once(redis_url: str, clean_redis: "redis.Redis") -> None:
    reading = Reading(redis_url, clean_redis)
    reading.network.killers = set()
    assert failed(reading.go()) == {}
    assert reading.touched == [BLOCK, BLOCK, IMAGES - 2 * BLOCK]
    assert list(reading.ledger.suspects(reading.claim)) == ["block 32"]


def test_the_blocks_of_a_large_chunk_are_larger_and_no_more(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis, images=300)
    reading.network.killers = set()
    assert failed(reading.go()) == {}
    assert reading.touched == [19] * (MOST_BLOCKS - 1) + [15]


@pytest.mark.parametrize("deaths", [1, 2])
def test_where_few_deaths_are_granted_there_are_no_blocks(
    redis_url: str, clean_redis: "redis.Redis", deaths: int
) -> None:
    reading = Reading(redis_url, clean_redis, deaths)
    if deaths == 2:
        assert reading.go() is None
        assert reading.touched == [1] * (KILLER + 1)
    assert set(failed(reading.go())) == ({KILLER} if deaths == 2 else set(range(IMAGES)))


def test_images_that_were_noted_without_a_block_are_heeded(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis)
    for _ in range(2):
        reading.take_over()
        for index in range(KILLER + 1):
            reading.ledger.suspect(reading.claim, index, index - 1)
    assert set(failed(reading.go())) == {KILLER}


@pytest.mark.parametrize("killers", [{0, 1}, {2, 21, 22}])
def test_several_killers_cost_two_deaths_each_at_most(
    redis_url: str, clean_redis: "redis.Redis", killers: set[int]
) -> None:
    reading = Reading(redis_url, clean_redis)
    reading.network.killers = killers
    deaths = 0
    while (commit := reading.go()) is None:
        deaths += 1
        assert deaths <= 2 * len(killers)
    assert set(failed(commit)) == killers


def test_nobody_is_given_up_for_a_redis_that_was_away(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis)
    for note in (
        "block 16",
        str(KILLER),
        str(KILLER),
    ):  # each time the answer is lost, and the worker lives
        reading.take_over()
        guard = PoisonGuard(reading.ledger, reading.claim, 3, lambda: None)
        if note.startswith("block"):
            guard.enter(range(16, 32))
        else:
            assert guard.check(KILLER) is None
        assert reading.ledger.suspects(reading.claim) == {note: 1}
        guard.absolve()
        assert reading.ledger.suspects(reading.claim) == {}


def test_only_the_own_note_is_taken_back(redis_url: str, clean_redis: "redis.Redis") -> None:
    reading = Reading(redis_url, clean_redis)
    reading.take_over()
    before = PoisonGuard(reading.ledger, reading.claim, 3, lambda: None)
    before.check(KILLER)
    reading.take_over()
    PoisonGuard(reading.ledger, reading.claim, 3, lambda: None).check(KILLER)
    assert reading.ledger.suspects(reading.claim) == {str(KILLER): 2}
    before.absolve()
    assert reading.ledger.suspects(reading.claim) == {str(KILLER): 1}


def test_an_absolution_whose_answer_was_lost_takes_back_no_more(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    reading = Reading(redis_url, clean_redis)
    for _ in range(3):
        reading.take_over()
        reading.ledger.suspect(reading.claim, KILLER)
    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA absolve", 1, Cut.AFTER)
        ledger(proxy.url).absolve(reading.claim, [str(KILLER)])
        assert plan.struck.is_set()
    assert reading.ledger.suspects(reading.claim) == {str(KILLER): 2}
