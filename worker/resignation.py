"""The end of a worker that is good for nothing any more: what it holds is for others, unharmed."""

import contextlib
import logging
import os
from collections.abc import Iterable

import redis
from celery.worker import state

from .ledger import Claim, Ledger

log = logging.getLogger(__name__)


def resign(ledger: Ledger, claims: Iterable[Claim], why: Exception) -> None:
    """Give `claims` back and have Celery end this process, from whichever thread."""
    log.critical("%s; ending this worker", why, extra={"event": "worker.ending"})
    state.should_stop = os.EX_UNAVAILABLE
    with contextlib.suppress(redis.RedisError):  # else they are back when their leases run out
        ledger.release(claims)
