"""The workers' broker is reached again within a second, however long it was away."""

import threading
import time

import pytest

from worker import app as apps

from chaos.proxy import Proxy

AWAY_S = 2.0


def test_the_broker_is_reached_soon_after_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(redis_url) as proxy:
        monkeypatch.setenv("REDIS_URL", proxy.url)
        broker = apps.create_app().connection_for_read()
        proxy.refuse()
        pauses: list[float] = []
        restored: list[float] = []

        def restore() -> None:
            proxy.restore()
            restored.append(time.monotonic())

        back = threading.Timer(AWAY_S, restore)
        back.start()
        broker.ensure_connection(lambda error, pause: pauses.append(pause))
        reached = time.monotonic()
        back.join()
        broker.release()
    assert reached - restored[0] < 2
    assert len(pauses) > 3
    assert max(pauses) <= 1
