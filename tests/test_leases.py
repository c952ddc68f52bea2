"""What a worker has in hand stays its own while it goes on, and no longer."""

import subprocess
import sys
import time

import pytest

from worker.leases import Leases

from ledgers import LEASE_MS, ledger, submit

pytestmark = pytest.mark.usefixtures("clean_redis")

HANG = """
import sys, time
from worker.leases import Leases
from ledgers import LEASE_MS, ledger
own = ledger(sys.argv[1])
leases = Leases(own, LEASE_MS, stall_s=0.2)
leases.start()
leases.hold(own.claim("balanced", 10))
time.sleep(30)
"""


def test_leases_outlast_their_time_while_they_are_held(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    own, other = ledger(redis_url), ledger(redis_url)
    leases = Leases(own, LEASE_MS, stall_s=60)
    leases.start()
    try:
        claims = own.claim("balanced", 10)
        leases.hold(claims)
        time.sleep(2.5 * LEASE_MS / 1000)
        assert other.claim("balanced", 10) == []
        leases.drop(claims)
        time.sleep(1.5 * LEASE_MS / 1000)
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
