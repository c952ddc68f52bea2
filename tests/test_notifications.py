"""Notifications of jobs come again after the link they came by has died without a word."""

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
from uvicorn.config import STARTUP_FAILURE

from api.events import notifications
from api.events.notifications import JobNotifications
from worker.connections import connection
from worker.connections.connection import connect_async
from worker.ledger import keys

from chaos.proxy import Proxy
from services import running_redis


async def hears(notifier: JobNotifications, client: "redis.Redis") -> bool:
    """Whether a notification arrives that is given now."""
    with notifier.listen("o/a") as event:
        client.publish(keys.CHANGED, struct.pack("<II", 3, 0) + b"o/a")
        return await notifications.heard_within(event, 0.1)


async def until_heard(notifier: JobNotifications, client: "redis.Redis") -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(20):
        while not await hears(notifier, client):
            pass


async def keeps_quiet_link(proxy: Proxy, notifier: JobNotifications, client: "redis.Redis") -> bool:
    """Whether a quiet link stays for longer than one that is dead; a stalled machine may drop some."""
    for _ in range(5):
        await until_heard(notifier, client)
        opened = proxy.opened
        await asyncio.sleep(1.0)
        if proxy.opened == opened:
            return True
    return False


def test_a_deaf_subscription_begins_anew(
    redis_url: str,
    clean_redis: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    for name, seconds in (("ASK_S", 0.1), ("SILENT_S", 0.4), ("AGAIN_S", 0.1)):
        monkeypatch.setattr(notifications, name, seconds)
    monkeypatch.setitem(connection.TIMEOUTS, "health_check_interval", 0.05)

    async def follow(proxy: Proxy) -> None:
        async with connect_async(proxy.url) as client:
            notifier = JobNotifications(client)
            notifier.start()
            try:
                assert await keeps_quiet_link(proxy, notifier, clean_redis)
                await until_heard(notifier, clean_redis)
                proxy.swallow()
                proxy.restore()
                assert not await hears(notifier, clean_redis)
                await until_heard(notifier, clean_redis)
            finally:
                await notifier.stop()

    with Proxy(redis_url) as proxy:
        asyncio.run(follow(proxy))
    assert "notifications go on" in caplog.messages


def test_however_long_redis_is_away_that_takes_a_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifications, "AGAIN_S", 0.01)

    async def listen(server: socket.socket) -> None:
        async with connect_async(f"redis://127.0.0.1:{server.getsockname()[1]}/0") as client:
            notifier = JobNotifications(client)
            notifier.start()
            for _ in range(12):  # four attempts of three tries each
                link, _ = await asyncio.get_running_loop().sock_accept(server)
                link.close()
            await notifier.stop()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        asyncio.run(listen(server))
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "notifications stopped, trying again"
    ]


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_whoever_has_just_begun_to_listen_can_be_stopped(redis_url: str, loop: Any) -> None:
    async def ends(seconds: float) -> bool:
        async with connect_async(redis_url) as client:
            notifier = JobNotifications(client)
            notifier.start()
            await asyncio.sleep(seconds)
            ended, _ = await asyncio.wait([asyncio.create_task(notifier.stop())], timeout=5)
            return bool(ended)

    with asyncio.Runner(loop_factory=loop) as runner:
        for step in range(60):
            assert runner.run(ends(step * 1e-4))


def test_a_gateway_whose_port_is_taken_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, running_redis(tmp_path) as redis_url:
        port = str(taken.getsockname()[1])
        environment = os.environ | {"REDIS_URL": redis_url, "INKQUEUE_PORT": port}
        command = [sys.executable, "-m", "api"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == STARTUP_FAILURE
    assert "address already in use" in done.stderr
