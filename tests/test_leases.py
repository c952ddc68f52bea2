"""What a worker has in hand stays its own while it goes on, and no longer."""

import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
import redis

from worker.connections.connection import clock_ms
from worker.engine.leases import Leases
from worker.ledger.claims import Claim
from worker.ledger.ledger import Ledger

from ledgers import LEASE_MS, ledger, pass_over, submit
from waiting import until

pytestmark = pytest.mark.usefixtures("clean_redis")

OFTEN_MS = 300
"""The lease that the thread is told of, which renews at a third of it."""

MOST_OF_A_LEASE_S = 6
"""Twice this is more than a lease."""

HANG = """
import sys, time
from worker.engine.leases import Leases
from ledgers import ledger
own = ledger(sys.argv[1])
leases = Leases(own, 300, stall_s=0.2)
leases.start()
leases.hold(own.claim("balanced", 10))
time.sleep(30)
"""


def outlast(client: "redis.Redis") -> None:
    """Let more than a lease pass, and see it renewed meanwhile."""
    for _ in range(2):
        pass_over(client, MOST_OF_A_LEASE_S)
        until(lambda: client.zscore("ink:leases:balanced", "anonymous/a#0") > renewed(client))


def renewed(client: "redis.Redis") -> float:
    """Only a lease that was renewed since ends later."""
    return clock_ms(client) + LEASE_MS / 2


def test_leases_outlast_their_time_while_they_are_held(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,))
    own, other = ledger(redis_url), ledger(redis_url)
    leases = Leases(own, OFTEN_MS, stall_s=60)
    leases.start()
    try:
        claims = own.claim("balanced", 10)
        leases.hold(claims)
        outlast(clean_redis)
        assert other.claim("balanced", 10) == []
        leases.drop(claims)
        for _ in range(2):
            pass_over(clean_redis, MOST_OF_A_LEASE_S)
            time.sleep(OFTEN_MS / 1000)
        until(lambda: other.claim("balanced", 10))
    finally:
        leases.stop()
        leases.join(5)
    assert not leases.is_alive()


def test_a_renewal_may_fail_before_a_lease_ends(redis_url: str) -> None:
    assert 2 * Leases(ledger(redis_url), LEASE_MS, stall_s=60)._every_s < LEASE_MS / 1000


def test_a_process_that_stands_still_is_ended(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    done = subprocess.run(
        [sys.executable, "-c", HANG, redis_url], env={"PYTHONPATH": ":".join(sys.path)}, timeout=25
    )
    assert done.returncode == 70


def test_it_outlives_a_fault_and_renews_what_is_held(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "a", (2,))
    own, other, renew = ledger(redis_url), ledger(redis_url), Ledger.renew
    faults = [KeyError("a fault of ours")]

    def fails(self: Ledger, claims: Sequence[Claim]) -> int:
        if faults:
            raise faults.pop()
        return renew(self, claims)

    monkeypatch.setattr(Ledger, "renew", fails)
    leases = Leases(own, OFTEN_MS, stall_s=60)
    leases.start()
    try:
        leases.hold(own.claim("balanced", 10))
        outlast(clean_redis)
        assert not faults
        assert other.claim("balanced", 10) == []
    finally:
        leases.stop()
        leases.join(5)
