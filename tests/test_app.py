"""The Celery applications: a broker that is away is looked for again soon."""

import pytest
from kombu.exceptions import OperationalError

from worker.app import create_app
from worker.embedded import free_port


def test_a_broker_that_is_away_is_looked_for_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    pauses: list[float] = []
    with create_app().connection_for_read() as link, pytest.raises(OperationalError):
        link.ensure_connection(lambda error, pause: pauses.append(pause), max_retries=5)
    assert len(pauses) == 5
    assert sum(pauses) < 4
    assert max(pauses) <= 1
