"""The end of a worker that can do no more work: what it holds is left to others, unharmed."""

import contextlib
import logging
import os
from collections.abc import Iterable

import redis
from celery.worker import state

from .caution import Caution
from .ledger import Claim, Ledger

log = logging.getLogger(__name__)


def resign(ledger: Ledger, claims: Iterable[Claim], caution: Caution | None, why: Exception) -> None:
    """Give `claims` back, read with `caution` or not, and have Celery end this process."""
    log.critical("%s; ending this worker", why, extra={"event": "worker.ending"})
    state.should_stop = os.EX_UNAVAILABLE
    with contextlib.suppress(redis.RedisError):  # else they are back when their leases run out
        if caution:
            caution.absolve()
        ledger.release(claims)
