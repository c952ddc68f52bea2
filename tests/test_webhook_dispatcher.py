"""A sender on a real Redis and real receivers: every attempt is concluded, whatever comes of it."""

import asyncio
import time

import pytest
import redis.asyncio

from worker.settings import SenderSettings
from worker.webhooks import dispatcher, posting
from worker.webhooks.deliveries import Deliveries, Delivery
from worker.webhooks.dispatcher import Dispatcher
from worker.webhooks.endpoints import Endpoint, Endpoints
from worker.webhooks.events import Event

from ledgers import finish, on_redis, submit
from receivers import running_receiver, status

pytestmark = pytest.mark.usefixtures("clean_redis")

OWNER = "anonymous"
NEVER = "Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


def settings_of(url: str) -> SenderSettings:
    return SenderSettings(redis_url=url, webhook_private=True, webhook_schedule_s="60,60")


def deliver(url: str, receiver: str) -> tuple[Delivery, Endpoint]:
    """What is known of the message of one job, and of its endpoint, after one attempt."""

    async def register(client: "redis.asyncio.Redis") -> tuple[str, str] | None:
        return await Endpoints(client).create(OWNER, receiver, tuple(Event), "", 20)

    hook, _ = on_redis(url, register) or ("", "")
    submit(url, "a", (1,))
    finish(url)
    assert Dispatcher(settings_of(url)).drain() == 1
    (delivery,) = on_redis(url, lambda client: Deliveries(client).of_job(f"{OWNER}/a", 10))
    endpoint = on_redis(url, lambda client: Endpoints(client).find(OWNER, hook))
    assert endpoint
    return delivery, endpoint


def test_a_date_beyond_all_dates_does_not_keep_an_attempt_open(redis_url: str) -> None:
    with running_receiver(status(503, NEVER)) as receiver:
        delivery, _ = deliver(redis_url, receiver.url)
    assert (delivery.state, [each.status for each in delivery.attempts]) == ("pending", [503])
    assert delivery.due
    assert 30 < delivery.due / 1000 - time.time() < 70


def test_what_arrived_is_delivered_whatever_date_came_with_it(redis_url: str) -> None:
    with running_receiver(status(200, NEVER)) as receiver:
        delivery, _ = deliver(redis_url, receiver.url)
    assert (delivery.state, [each.status for each in delivery.attempts]) == ("delivered", [200])


def test_gone_is_gone_whatever_date_came_with_it(redis_url: str) -> None:
    with running_receiver(status(410, NEVER)) as receiver:
        delivery, endpoint = deliver(redis_url, receiver.url)
    assert (delivery.state, delivery.reason) == ("failed", "the receiver answered 410 Gone")
    assert not endpoint.enabled


def test_a_fault_of_ours_is_a_failed_attempt_and_is_logged(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def body_of(stored: bytes) -> bytes:
        raise RuntimeError("a bug")

    monkeypatch.setattr(posting, "body_of", body_of)
    delivery, endpoint = deliver(redis_url, "https://example.org/hook")
    assert [each.error for each in delivery.attempts] == ["unexpected: RuntimeError"]
    assert "RuntimeError: a bug" in caplog.text
    assert (delivery.state, endpoint.enabled) == ("pending", True)
    assert delivery.due
    assert 30 < delivery.due / 1000 - time.time() < 70


def test_what_is_cut_short_at_the_end_takes_nobody_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "GRACE_S", 0.01)

    async def end() -> None:
        await dispatcher._end({asyncio.create_task(asyncio.sleep(60))})

    asyncio.run(end())
