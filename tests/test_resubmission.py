"""A resubmitter beside a real Redis: what it takes in leaves threads for what else is sent."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import redis
from anyio.to_thread import current_default_thread_limiter, run_sync

from api.intake.sources import NamedImage, Part
from api.job_entry import JobEntry
from api.limits.admission import Admission
from api.limits.quotas import Quotas
from api.resubmission import RETRIES, Resubmitter
from api.settings import GatewaySettings
from model.card import read_cards
from worker.ledger.gauges import Gauges
from worker.ledger.store import Store
from worker.ledger.submissions import Submissions
from worker.redis_watch import RedisWatch
from worker.tracing import Tracer

from ledgers import on_redis, read_job, submit

pytestmark = pytest.mark.usefixtures("clean_redis")


def resubmitter_of(client: "redis.asyncio.Redis", redis_watch: RedisWatch) -> Resubmitter:
    settings, submissions = GatewaySettings(), Submissions(client)
    admission = Admission(
        submissions, Gauges(client), ["balanced"], settings, Quotas(settings), redis_watch
    )
    entry = JobEntry(submissions, Store(client), admission, settings, Tracer())
    return Resubmitter(entry, read_cards())


def test_however_many_retries_wait_an_upload_finds_a_thread(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "old")
    old, begun, let_go = read_job(redis_url, "old"), list[int](), threading.Event()

    def failed(number: int) -> Iterator[Part]:
        begun.append(number)
        assert let_go.wait(60)
        yield NamedImage("", b"file")

    async def work(client: "redis.asyncio.Redis") -> set[str]:
        resubmitter = resubmitter_of(client, RedisWatch(clean_redis, GatewaySettings()))
        async with asyncio.TaskGroup() as group:
            retries = [
                group.create_task(resubmitter.resubmit(old, "anonymous", failed(number), None))
                for number in range(2 * int(current_default_thread_limiter().total_tokens))
            ]
            try:
                for _ in range(1000):
                    await asyncio.wait_for(run_sync(len, begun), 30)
                assert len(begun) <= RETRIES
            finally:
                let_go.set()
        return {(await retry).job.id for retry in retries}

    jobs = on_redis(redis_url, work)
    assert len(jobs) == len(begun) > RETRIES
