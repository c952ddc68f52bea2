"""News of jobs come again after the link they came by has died without a word."""

import asyncio
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import uvloop

from api.events import notices
from api.events.notices import Notices
from api.server import STARTUP_FAILED
from worker.connections import connection
from worker.connections.connection import connect_async
from worker.ledger import keys

from chaos.proxy import Proxy
from conftest import running_redis


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


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_whoever_has_just_begun_to_listen_can_be_stopped(redis_url: str, loop: Any) -> None:
    async def ends(seconds: float) -> bool:
        async with connect_async(redis_url) as client:
            news = Notices(client)
            news.start()
            await asyncio.sleep(seconds)
            ended, _ = await asyncio.wait([asyncio.create_task(news.stop())], timeout=5)
            return bool(ended)

    with asyncio.Runner(loop_factory=loop) as runner:
        for step in range(60):
            assert runner.run(ends(step * 1e-4))


def test_a_gateway_whose_port_is_taken_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, running_redis(tmp_path) as redis_url:
        port = str(taken.getsockname()[1])
        environment = os.environ | {"REDIS_URL": redis_url, "INKQUEUE_PORT": port}
        command = [sys.executable, "-m", "api"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == STARTUP_FAILED
    assert "address already in use" in done.stderr
