"""A process that hears doorbells ends as it should: what it is told by is not its fault."""

import signal
import time
from pathlib import Path

import pytest
import redis

from conftest import running_services


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "alive"), [("worker", "ink:workers"), ("worker.sender", "ink:senders")]
)
def test_one_that_is_told_to_stop_has_not_failed(
    tmp_path: Path, module: str, alive: str, number: signal.Signals
) -> None:
    with running_services(tmp_path) as services, redis.Redis.from_url(services.redis_url) as ledger:
        process = services.spawn(module)
        end = time.monotonic() + 20
        while not ledger.zcard(alive):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert not ledger.zcard(alive)
