"""What a worker has in hand stays its own while it goes on, and no longer."""

import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from worker.leases import Leases
from worker.ledger.claims import Claim
from worker.ledger.ledger import Ledger

from ledgers import ledger, submit

pytestmark = pytest.mark.usefixtures("clean_redis")

LEASE_MS = 1500

HANG = """
import sys, time
from worker.leases import Leases
from ledgers import ledger
own = ledger(sys.argv[1])
leases = Leases(own, 300, stall_s=0.2)
leases.start()
leases.hold(own.claim("balanced", 10))
time.sleep(30)
"""


def test_leases_outlast_their_time_while_they_are_held(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    own, other = ledger(redis_url, lease_ms=LEASE_MS), ledger(redis_url)
    leases = Leases(own, LEASE_MS, stall_s=60)
    leases.start()
    try:
        claims = own.claim("balanced", 10)
        leases.hold(claims)
        time.sleep(1.5 * LEASE_MS / 1000)
        assert other.claim("balanced", 10) == []
        leases.drop(claims)
        time.sleep(1.1 * LEASE_MS / 1000)
        assert len(other.claim("balanced", 10)) == 1
    finally:
        leases.stop()
        leases.join(5)
    assert not leases.is_alive()


def test_a_process_that_stands_still_is_ended(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    done = subprocess.run(
        [sys.executable, "-c", HANG, redis_url], env={"PYTHONPATH": ":".join(sys.path)}, timeout=25
    )
    assert done.returncode == 70


def test_it_outlives_a_fault_and_renews_what_is_held(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "a", (2,))
    own, other, renew = ledger(redis_url, lease_ms=LEASE_MS), ledger(redis_url), Ledger.renew
    faults = [KeyError("a fault of ours")]

    def fails(self: Ledger, claims: Sequence[Claim]) -> int:
        if faults:
            raise faults.pop()
        return renew(self, claims)

    monkeypatch.setattr(Ledger, "renew", fails)
    leases = Leases(own, LEASE_MS, stall_s=60)
    leases.start()
    try:
        leases.hold(own.claim("balanced", 10))
        time.sleep(1.5 * LEASE_MS / 1000)
        assert not faults
        assert other.claim("balanced", 10) == []
    finally:
        leases.stop()
        leases.join(5)
