"""The images that failed, taken chunk by chunk from a real ledger: whole, or not at all."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
import redis
from anyio.to_thread import run_sync

from api import staging
from api.intake.cutter import Cutter
from api.intake.sources import NamedBlock, NamedImage, Part
from api.kept_images import failed_parts
from api.problems import Problem
from api.settings import GatewaySettings
from api.staging import Staged
from worker.ledger.chunks import GLYPH_BYTES, Files, PixelBlock, pack
from worker.ledger.store import JobGone, Store
from worker.ledger.submissions import Submissions

from ledgers import LIMITS, NEW, commit_of, in_store, ledger, on_redis, read_job, submit

pytestmark = pytest.mark.usefixtures("clean_redis")

T = TypeVar("T")
LARGE = 1 << 18


def fail(url: str, chunks: int, large: int = 0) -> None:
    """Job a, of chunks of two images; the first of each fails, the other has `large` bytes."""
    submit(url, "a", (2,) * chunks, files=True)
    worker = ledger(url)
    while claims := worker.claim("balanced", 2):
        for claim in claims:
            kept = pack(Files([b"bad %d" % claim.chunk, bytes(large)]))
            worker.commit([commit_of(claim, failed=1, kept=kept)])


def taking(url: str, take: Callable[[Iterator[Part]], T]) -> T:
    """What `take` returns, in a thread, of the failed images of job a."""
    job = read_job(url, "a")
    return in_store(url, lambda store: run_sync(take, failed_parts(store, job)))


def test_one_chunk_after_the_other_is_in_memory(redis_url: str) -> None:
    fail(redis_url, 20, LARGE)
    tracemalloc.start()
    try:
        parts = taking(redis_url, list)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert parts == [NamedImage(str(2 * chunk), b"bad %d" % chunk) for chunk in range(20)]
    assert peak < 10 * LARGE


def test_of_many_chunks_each_is_read_once(redis_url: str, clean_redis: redis.Redis) -> None:
    fail(redis_url, 300)
    clean_redis.config_resetstat()
    assert len(taking(redis_url, list)) == 300
    out = clean_redis.info("stats")["total_net_output_bytes"]
    assert out < 300 * 300  # four bytes a chunk for every chunk would be more


def test_pixels_of_a_chunk_stay_together(redis_url: str) -> None:
    submit(redis_url, "a", (3, 2))
    worker = ledger(redis_url)
    pixels = [bytes([shade]) * GLYPH_BYTES for shade in range(3)]
    for claim in worker.claim("balanced", 5):
        kept = pack(PixelBlock(b"".join(pixels[: claim.count])))
        worker.commit([commit_of(claim, failed=claim.count - 1, kept=kept)])
    assert taking(redis_url, list) == [
        NamedBlock(PixelBlock(b"".join(pixels[:2])), ("0", "1")),
        NamedBlock(PixelBlock(pixels[0]), ("3",)),
    ]


@pytest.mark.parametrize("lost", ["in:2", "out"])
def test_images_some_of_which_are_not_kept_are_none(
    redis_url: str, clean_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Even if the first are staged by then."""
    monkeypatch.setattr(staging, "STAGE_BYTES", 1)
    fail(redis_url, 3)
    job = read_job(redis_url, "a")
    clean_redis.delete(f"ink:job:anonymous/a:{lost}")
    cutter = Cutter(GatewaySettings(chunk_images=1), 1)

    async def stage(client: redis.asyncio.Redis) -> None:
        async with Staged(Submissions(client), cutter, NEW) as images:
            await images.take_in(failed_parts(Store(client), job), LIMITS, lambda: None)

    with pytest.raises(Problem, match="kept until"):
        on_redis(redis_url, stage)
    assert clean_redis.keys("ink:stage:*") == []


@pytest.mark.parametrize("again", [False, True])
def test_a_job_that_is_deleted_meanwhile_is_noticed(redis_url: str, again: bool) -> None:
    fail(redis_url, 3)

    def take(parts: Iterator[Part]) -> None:
        next(parts)
        in_store(redis_url, lambda store: store.delete("anonymous/a"))
        if again:
            fail(redis_url, 3)
        with pytest.raises(JobGone):
            next(parts)

    taking(redis_url, take)
