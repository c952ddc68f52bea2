"""The workers' broker is reached again within a second, however long it was away."""

import time
from pathlib import Path

import pytest
import redis

from worker import app as apps

from chaos.proxy import Proxy
from services import READY_S, Services
from waiting import until

AWAY_S = 1.0


def test_the_broker_is_reached_soon_after_it_is_back(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = list[float]()

    def pause() -> None:
        assert len(pauses) < 100
        if len(pauses) >= 8:
            proxy.restore()

    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)
    with Proxy(redis_url) as proxy:
        monkeypatch.setenv("REDIS_URL", proxy.url)
        broker = apps.create_app().connection_for_read()
        proxy.refuse()
        broker.ensure_connection(callback=pause)
        broker.release()
    # kombu sleeps for what is left beside whole seconds, too
    assert pauses[:8] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.0, 1.0, 0.0])


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
            until(lambda: " ready" in path.read_text(), READY_S)
            proxy.refuse()
            until(lambda: "the broker cannot be reached, trying again: " in path.read_text(), READY_S)
            time.sleep(AWAY_S)
            proxy.restore()
            until(lambda: "the broker is reached again" in path.read_text(), READY_S)
        finally:
            services.kill()
    said = path.read_text()
    assert said.count("the broker cannot be reached") == 1
    assert "Cannot connect" not in said
    assert "Deprecation" not in said
    assert r"\n" not in said


@pytest.mark.parametrize("error", [redis.ConnectionError("away"), KeyError("a bug")], ids=repr)
def test_of_a_doorbell_that_cannot_be_followed_only_a_bug_is_told_with_a_traceback(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    apps.create_app().task(fail, name="fail")()
    (record,) = caplog.records
    is_bug = isinstance(error, KeyError)
    assert bool(record.exc_info) == is_bug
    assert ("away" in record.getMessage()) != is_bug
    assert vars(record)["event"] == "doorbell.failed"
