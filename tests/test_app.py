"""The workers' broker is reached again within a second, however long it was away."""

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from worker import app as apps

from chaos.proxy import Proxy
from conftest import Services

AWAY_S = 2.0


def test_the_broker_is_reached_soon_after_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(redis_url) as proxy:
        monkeypatch.setenv("REDIS_URL", proxy.url)
        broker = apps.create_app().connection_for_read()
        proxy.refuse()
        attempts: list[float] = []
        restored: list[float] = []

        def restore() -> None:
            proxy.restore()
            restored.append(time.monotonic())

        back = threading.Timer(AWAY_S, restore)
        back.start()
        broker.ensure_connection(callback=lambda: attempts.append(time.monotonic()))
        reached = time.monotonic()
        back.join()
        broker.release()
    assert reached - restored[0] < 2
    assert len(attempts) > 3
    assert all(later - earlier < 1.5 for earlier, later in pairwise(attempts))


@pytest.mark.parametrize("module", ["worker", "worker.sender"])
def test_of_a_broker_that_is_away_a_log_tells_once_and_in_whole_lines(
    redis_url: str, tmp_path: Path, module: str
) -> None:
    path = tmp_path / "log"
    with Proxy(redis_url) as proxy, path.open("wb") as log:
        environment = {"REDIS_URL": proxy.url, "INKQUEUE_MODELS": "digits-nano"}
        services = Services(proxy.url, "", environment)
        try:
            services.spawn(module, log)
            until_said(path, " ready")
            proxy.refuse()
            until_said(path, "the broker cannot be reached, trying again: ")
            time.sleep(AWAY_S / 2)
            proxy.restore()
            until_said(path, "the broker is reached again")
        finally:
            services.kill()
    said = path.read_text()
    assert said.count("the broker cannot be reached") == 1
    assert "Cannot connect" not in said
    assert "Deprecation" not in said
    assert r"\n" not in said


def until_said(log: Path, words: str) -> None:
    end = time.monotonic() + 30
    while words not in log.read_text():
        assert time.monotonic() < end, words
        time.sleep(0.05)
