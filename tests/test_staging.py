"""What is staged becomes a job or is taken back, whatever went wrong meanwhile."""

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis

from api import staging
from api.intake.cutter import Cutter
from api.intake.sources import NamedBlock, NamedImage, Part
from api.problems import Problem
from api.settings import GatewaySettings
from api.staging import Staged
from worker.ledger.admission import Limits, Verdict
from worker.ledger.chunks import GLYPH_BYTES, Chunk, PixelBlock
from worker.ledger.submissions import Submissions

from ledgers import LIMITS, NEW, with_submissions

PARTS: list[Part] = [NamedImage(f"{number}.png", b"file") for number in range(5)]
SETTINGS = GatewaySettings(chunk_images=2, max_images=5)


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "STAGE_BYTES", 1)


def stage(url: str, parts: list[Part], *, taken: bool, fails: bool) -> None:
    async def work(submissions: Submissions) -> None:
        async with Staged(submissions, Cutter(SETTINGS, 1), NEW) as images:
            await images.take_in(parts, LIMITS, lambda: None)
            images.taken = taken
            if fails:
                raise RuntimeError

    with_submissions(url, work)


def test_what_becomes_a_job_stays(redis_url: str, clean_redis: "redis.Redis") -> None:
    stage(redis_url, PARTS, taken=True, fails=False)
    assert len(clean_redis.keys("ink:stage:*")) == 6  # three chunks and their names


def test_what_does_not_is_taken_back(redis_url: str, clean_redis: "redis.Redis") -> None:
    stage(redis_url, PARTS, taken=False, fails=False)
    with pytest.raises(RuntimeError):
        stage(redis_url, PARTS, taken=False, fails=True)
    with pytest.raises(Problem, match="at most 5 images"):
        stage(redis_url, [*PARTS, *PARTS], taken=False, fails=False)
    assert clean_redis.keys("ink:stage:*") == []


@pytest.mark.parametrize(("most", "ahead"), [(1 << 20, [1, 1, 1, 1, 0]), (1, [0, 0, 0, 0, 0])])
def test_while_a_little_is_stored_the_next_is_cut(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, most: int, ahead: list[int]
) -> None:
    monkeypatch.setattr(staging, "AHEAD_BYTES", most)
    cut, found = list[Part](), list[int]()

    def parts() -> Iterator[Part]:
        for _ in ahead:
            cut.append(NamedBlock(PixelBlock(bytes(GLYPH_BYTES))))
            yield cut[-1]

    class Watched(Staged):
        async def _store(self, group: list[Chunk], limits: Limits) -> Verdict:
            place, end = self.stored, time.monotonic() + 10
            while len(cut) < place + 1 + ahead[place] and time.monotonic() < end:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.02)  # no more than that
            found.append(len(cut) - place - 1)
            return await super()._store(group, limits)

    async def work(submissions: Submissions) -> None:
        async with Watched(submissions, Cutter(SETTINGS, 1), NEW) as images:
            await images.take_in(parts(), LIMITS, lambda: None)

    with_submissions(redis_url, work)
    assert found == ahead


def test_what_is_small_is_carried_and_not_staged(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "STAGE_BYTES", 1000)

    async def work(submissions: Submissions) -> None:
        async with Staged(submissions, Cutter(SETTINGS, 1), NEW) as images:
            await images.take_in(PARTS, LIMITS, lambda: None)
            assert [chunk.names for chunk in images.carried] == [
                ("0.png", "1.png"),
                ("2.png", "3.png"),
                ("4.png",),
            ]

    with_submissions(redis_url, work)
    assert clean_redis.keys("*") == []


def test_a_call_stores_few_chunks_however_small_they_are(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "STAGE_BYTES", 1 << 20)
    monkeypatch.setattr(staging, "STAGE_CHUNKS", 3)
    stored = list[int]()

    class Watched(Staged):
        async def _store(self, group: list[Chunk], limits: Limits) -> Verdict:
            stored.append(len(group))
            return await super()._store(group, limits)

    async def work(submissions: Submissions) -> None:
        async with Watched(submissions, Cutter(GatewaySettings(chunk_images=1), 1), NEW) as images:
            await images.take_in([NamedImage("", b"file")] * 8, LIMITS, lambda: None)

    with_submissions(redis_url, work)
    assert stored == [3, 3, 2]
    assert clean_redis.keys("*") == []
