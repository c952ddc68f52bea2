"""What is left of a job for who still reads as it is deleted: nothing, and nothing of its namesake."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis

from worker.ledger.jobs import Job, JobState
from worker.ledger.store import JobGone, Store

from ledgers import commit_of, finish, in_store, ledger, on_redis, pass_over, read_job, submit

pytestmark = pytest.mark.usefixtures("clean_redis")


Read = Callable[[Store], Awaitable[object]]


def readings(url: str) -> list[Read]:
    """All that reads, or labels, the images of job a as it is now."""
    job = read_job(url, "a")
    return [
        lambda store: store.starts(job),
        lambda store: store.items(job, 0, 10),
        lambda store: store.stretch(job, (0, 2, 4), 1, 1),
        lambda store: store.chunk(job, 0),
        lambda store: store.payload(job, 0),
        lambda store: store.packed(job, 0),
        lambda store: store.correct(job, {0: "A"}),
    ]


def left_for(url: str, read: Read) -> JobState | None:
    with pytest.raises(JobGone) as gone:
        in_store(url, read)
    return gone.value.left


def test_labels_of_a_chunk_of_any_size_are_found(redis_url: str) -> None:
    submit(redis_url, "a", (9000,))
    worker = ledger(redis_url)
    worker.commit([commit_of(claim) for claim in worker.claim("balanced", 9000)])
    job = read_job(redis_url, "a")
    in_store(redis_url, lambda store: store.correct(job, {8999: "A"}))
    items = in_store(redis_url, lambda store: store.items(job, 0, 9000))
    assert [item.index for item in items if item.correction == "A"] == [8999]


@pytest.mark.parametrize("sizes", [(2,), (2, 2)])
def test_a_job_that_is_deleted_meanwhile_has_no_images(redis_url: str, sizes: tuple[int, ...]) -> None:
    submit(redis_url, "a", sizes)
    finish(redis_url)
    job, reads = read_job(redis_url, "a"), readings(redis_url)
    assert len(in_store(redis_url, lambda store: store.items(job, 0, 10))) == sum(sizes)
    assert in_store(redis_url, lambda store: store.items(job, 10, 10)) == []
    assert in_store(redis_url, lambda store: store.delete(job.name)) == "deleted"
    assert [left_for(redis_url, read) for read in reads] == [None] * len(reads)


def test_a_job_that_expires_meanwhile_is_said_to_have_expired(
    redis_url: str, clean_redis: redis.Redis
) -> None:
    submit(redis_url, "a", (2, 2))
    finish(redis_url)
    reads = readings(redis_url)
    pass_over(clean_redis, 601)
    ledger(redis_url).upkeep(["balanced"])
    assert {left_for(redis_url, read) for read in reads} == {JobState.EXPIRED}


@pytest.mark.parametrize("sizes", [(1,), (4,), (2, 2), (1, 1, 1, 1, 1)])
def test_images_of_another_job_of_the_same_id_are_not_taken_for_a_jobs_own(
    redis_url: str, sizes: tuple[int, ...]
) -> None:
    submit(redis_url, "a", (2, 2), keep=True)
    finish(redis_url)
    reads = readings(redis_url)
    in_store(redis_url, lambda store: store.delete("anonymous/a"))
    submit(redis_url, "a", sizes, keep=True)
    finish(redis_url)
    assert [left_for(redis_url, read) for read in reads] == [None] * len(reads)


def test_no_label_lands_on_another_job_of_the_same_id(redis_url: str) -> None:
    """The job is replaced after the store has seen its chunks, and before it stores the label."""
    submit(redis_url, "a", (2, 2))
    finish(redis_url)
    job = read_job(redis_url, "a")

    def replace_it() -> None:
        in_store(redis_url, lambda store: store.delete(job.name))
        submit(redis_url, "a", (2, 2))
        finish(redis_url)

    class Overtaken(Store):
        async def starts(self, job: Job) -> tuple[int, ...]:
            found = await super().starts(job)
            await asyncio.to_thread(replace_it)
            return found

    with pytest.raises(JobGone):
        on_redis(redis_url, lambda client: Overtaken(client).correct(job, {0: "A"}))
    assert in_store(redis_url, lambda store: store.corrected(job.name)) == 0
