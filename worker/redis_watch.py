"""Re-checks Redis every second: its settings can become unsafe, and its data can vanish, at any time."""

import logging
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from .connections.outage import Outage
from .connections.safety import UnsafeRedis, find_door, find_loss
from .ledger.keys import STATS
from .periodic import Periodic
from .settings import QueueSettings

log = logging.getLogger(__name__)

ROUND_S = 1.0

AWAY = (redis.ConnectionError, redis.TimeoutError)
"""Others notice and report that Redis is away."""


class RedisWatch(Periodic):
    """Looks at Redis's settings again and again. `fault` says what is wrong with them, and is empty if
    nothing is. After `approve`, `server` is the id of the run of Redis that was looked at last, and the
    thread's log tells if accepted jobs are gone.

    Jobs that were accepted are read all the same: holding them back would make nothing safer.
    """

    def __init__(self, client: redis.Redis, settings: QueueSettings) -> None:
        outage = Outage(
            log, "Redis's settings cannot be checked", "Redis's settings can be checked again", AWAY
        )
        super().__init__("redis-watch", ROUND_S, self._round, outage)
        self._client, self._settings = client, settings
        self.fault = self.server = ""
        self._knows = False
        self._accepted = 0

    def look(self) -> None:
        """Look once. Raises redis.RedisError."""
        server = self._run_id()  # first: should another run begin now, it is not approved
        fault = find_loss(self._client, self._settings) or find_door(self._client, self._settings)
        if fault != self.fault:
            log.critical("%s", fault or "Redis is safe again", extra={"event": "redis.unsafe"})
        self.fault, self.server = fault, server

    def approve(self) -> None:
        """Look, and note the run of Redis from now on: for a gateway, which also asks how full Redis is.

        Raises UnsafeRedis if its user may not ask that.
        """
        self._knows = True
        try:
            self.look()
        except NoPermissionError as error:
            wanted = "the gateway asks Redis how full it is: allow its user `+info`"
            raise UnsafeRedis(f"{wanted} ({error})") from error

    def _round(self) -> None:
        self.look()
        if self._knows:
            self._look_for_loss()

    def _look_for_loss(self) -> None:
        """Tell if Redis knows of fewer jobs that were ever accepted than a moment ago. Only the watch's
        own thread asks: of two replies, the older one could come last, and pass for a loss."""
        found: Any = self._client.hget(STATS, "jobs_accepted")
        before, self._accepted = self._accepted, int(found or 0)
        if self._accepted < before:
            what = "Redis has lost data: %d jobs were accepted, and it knows of %d"
            log.critical(what, before, self._accepted, extra={"event": "redis.emptied"})

    def _run_id(self) -> str:
        if not self._knows:
            return ""
        facts: Any = self._client.info("server")
        return str(facts["run_id"])
