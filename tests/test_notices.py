"""News of jobs come again after the link they came by has died without a word."""

import asyncio
import struct

import pytest
import redis

from api.events import notices
from api.events.notices import Notices
from worker import connection, keys
from worker.connection import connect_async

from chaos.proxy import Proxy


async def hears(news: Notices, client: "redis.Redis") -> bool:
    """Whether a notice arrives that is given now."""
    with news.of("o/a") as event:
        client.publish(keys.CHANGED, struct.pack("<II", 3, 0) + b"o/a")
        return await notices.heard_within(event, 0.1)


async def until_heard(news: Notices, client: "redis.Redis") -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(5):
        while not await hears(news, client):
            pass


def test_a_deaf_subscription_begins_anew(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("ASK_S", 0.1), ("SILENT_S", 0.4), ("AGAIN_S", 0.1)):
        monkeypatch.setattr(notices, name, seconds)
    monkeypatch.setitem(connection.TIMEOUTS, "health_check_interval", 0.05)

    async def follow(proxy: Proxy) -> None:
        async with connect_async(proxy.url) as client:
            news = Notices(client)
            news.start()
            try:
                await until_heard(news, clean_redis)
                await asyncio.sleep(1.0)  # quiet, but alive
                assert await hears(news, clean_redis)
                proxy.swallow()
                proxy.restore()
                assert not await hears(news, clean_redis)
                await until_heard(news, clean_redis)
            finally:
                await news.stop()

    with Proxy(redis_url) as proxy:
        asyncio.run(follow(proxy))
