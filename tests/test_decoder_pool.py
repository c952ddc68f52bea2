"""A worker's decoders: one is enough until decoding takes long, then many files are shared."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from worker.decoding import pool
from worker.decoding.decoder import Decoder
from worker.decoding.fork_server import NoDecoder
from worker.decoding.pool import DecoderPool
from worker.decoding.replies import Outcome
from worker.decoding.wire import Encoded

from samples import pngs
from waiting import until

MANY = 32


class Counting(Decoder):
    """Decoders that tell how many images each of them was given."""

    def __init__(self) -> None:
        super().__init__(10**6, 2.0)
        self.given: list[int] = []

    def read(self, images: Sequence[Encoded]) -> list[Outcome]:
        self.given.append(len(images))
        return super().read(images)


@pytest.fixture
def images(rng: np.random.Generator) -> list[Encoded]:
    return [Encoded(file, "emnist") for file in pngs(2 * MANY + 1, rng)]


@pytest.fixture
def made() -> list[Counting]:
    return []


@pytest.fixture
def own(made: list[Counting]) -> Iterator[DecoderPool]:
    def make() -> Decoder:
        made.append(Counting())
        return made[-1]

    yield (decoders := DecoderPool(make, 2))
    decoders.close()
    assert all(each._process._fork_server is None for each in made)


def plain(outcomes: Sequence[Outcome]) -> list[bytes]:
    return [each.pixels.tobytes() for each in outcomes]  # type: ignore[union-attr]


def test_many_files_are_shared_once_they_took_long(
    own: DecoderPool, made: list[Counting], images: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LONG_S", 0.0)
    monkeypatch.setattr(pool, "WORTH_S", 0.0)
    own.wait_ready()
    first = own.read(images)
    until(lambda: len(own._decoders) == 2)
    assert plain(own.read(images)) == plain(first)
    assert [each.given for each in made] == [[len(images), MANY], [MANY + 1]]
    monkeypatch.setattr(pool, "WORTH_S", 60.0)
    own.read(images)
    assert [len(each.given) for each in made] == [3, 1]
    assert own._adding
    own._adding.join()
    assert len(made) == 2  # and no more than there may be


def test_who_is_quick_stays_alone(
    own: DecoderPool, images: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "LONG_S", 60.0)
    own.read(images[:MANY])
    assert own._adding is None


def test_where_there_can_be_no_second_the_first_goes_on(
    own: DecoderPool, made: list[Counting], images: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, told = [0], threading.Event()

    def fail() -> Decoder:
        tries[0] += 1
        told.wait(10)
        raise NoDecoder("no more processes")

    monkeypatch.setattr(pool, "LONG_S", 0.0)
    monkeypatch.setattr(own, "_make", fail)
    assert plain(own.read(images)) == plain(own.read(images))
    assert [len(each.given) for each in made] == [2]
    assert own._adding
    threading.Timer(0.2, told.set).start()
    own.close()
    assert not own._adding.is_alive()  # none comes once all are closed
    assert tries == [1]  # and one at a time
