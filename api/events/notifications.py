"""Notifications of jobs: one subscription per gateway wakes all who wait for a job or follow it.

A notification may be lost while the link to Redis is down, so a request reads the job itself when it is
woken, or has not been woken for a while.
"""

import asyncio
import contextlib
import itertools
import logging
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import redis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection

from worker.connections.outage import Outage
from worker.ledger import keys
from worker.ledger.jobs import job_id

log = logging.getLogger(__name__)

AGAIN_S = 1.0
STOP_S = 0.1
"""A listening task that goes on after it was cancelled is cancelled again after this."""
ASK_S = 2.0
SILENT_S = 8.0
"""Redis is pinged after the shorter silence; after the longer one the link is taken for dead."""

_LENGTHS = struct.Struct("<II")
_TICKS = itertools.count()


@dataclass
class Topic:
    """The notifications of a job, and who waits for more: `tick` changes with each, `results` came with
    the last."""

    tick: int = field(default_factory=lambda: next(_TICKS))
    listeners: dict[asyncio.Event, bool] = field(default_factory=dict)
    results: bytes = b""

    def publish(self, ended: bool, results: bytes = b"") -> None:
        """Wake all listeners if the job `ended`, else those that wait for any change."""
        self.tick, self.results = next(_TICKS), results
        for event, end_only in self.listeners.items():
            if ended or not end_only:
                event.set()


class Listener:
    """A context that listens to the notifications of a job; a generator would cost more per request."""

    def __init__(self, topics: dict[str, Topic], name: str, end_only: bool) -> None:
        self._all, self._name, self._end_only = topics, name, end_only
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._all[self._name].listeners[self._event] = self._end_only
        return self._event

    def __exit__(self, *_: object) -> None:
        listeners = self._all[self._name].listeners
        del listeners[self._event]
        if not listeners:
            del self._all[self._name]


class JobNotifications:
    """Wakes those who wait for them; `closed` once the gateway stops and nobody should wait on."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._topics: dict[str, Topic] = defaultdict(Topic)
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage(log, "notifications stopped", "notifications go on")
        self.closed = False

    def start(self) -> None:
        """Start listening."""
        self._task = asyncio.create_task(self._listen())

    def close(self) -> None:
        """Wake all listeners for the last time."""
        self.closed = True
        for topic in self._topics.values():
            topic.publish(ended=True)

    async def stop(self) -> None:
        """Wake everybody and stop listening."""
        self.close()
        while self._task and not self._task.done():  # redis-py may lose a cancellation as it connects
            self._task.cancel()
            await asyncio.wait([self._task], timeout=STOP_S)

    def listen(self, name: str, *, end_only: bool = False) -> Listener:
        """A context that yields an event, set whenever the job changes, or only when it ends."""
        return Listener(self._topics, name, end_only)

    def results(self, name: str) -> bytes:
        """The packed results that came with the end of a job of one image for which somebody listens;
        empty if it has not ended, or if its notification brought none."""
        return self._topics[name].results if name in self._topics else b""

    def heard(self, name: str) -> int:
        """A number that changes with every notification of a job for which somebody listens."""
        return self._topics[name].tick if name in self._topics else -1

    async def _listen(self) -> None:
        while True:
            with self._outage:
                async with self._subscribed() as link:
                    await self._hear_all(link)
            await asyncio.sleep(AGAIN_S)

    @contextlib.asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AbstractConnection]:
        """A plain connection; redis-py's PubSub would cost more than all the rest of a notification."""
        pool = self._client.connection_pool
        link = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await link.send_command("SUBSCRIBE", keys.ENDED, keys.CHANGED)
            yield link
        finally:
            await link.disconnect()
            await pool.release(link)

    async def _hear_all(self, link: AbstractConnection) -> None:
        """Pass notifications on until the link breaks or falls silent. Raises redis.RedisError."""
        clock = asyncio.get_running_loop().time
        heard = clock()
        while clock() - heard < SILENT_S:
            reply = await link.read_response(timeout=ASK_S)
            if reply is None:
                await link.send_command("PING")
                continue
            heard = clock()
            kind, channel, data = reply if len(reply) == 3 else (b"pong", b"", b"")
            if kind == b"message":
                for name, results in notified_jobs(data):
                    self._hear(name, results, channel.decode())
            elif kind == b"subscribe":
                self._outage.over()
        raise redis.TimeoutError("Redis has fallen silent")

    def _hear(self, name: str, results: bytes, channel: str) -> None:
        if (ended := channel == keys.ENDED) and log.isEnabledFor(logging.INFO):
            log.info("job ended", extra={"event": "job.ended", "job": job_id(name)})
        if topic := self._topics.get(name):
            topic.publish(ended, results)


def notified_jobs(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The name of each job in a notification, and what it says of it (see `tell` in gathering.lua)."""
    at = 0
    while at + _LENGTHS.size <= len(data):
        name, results = _LENGTHS.unpack_from(data, at)
        start = at + _LENGTHS.size
        at = start + name + results
        yield data[start : start + name].decode(), data[start + name : at]


async def heard_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, and return whether it came before `seconds` were over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    late = loop.call_at(end, event.set)  # costs less than a timeout, which can cancel
    try:
        await event.wait()
    finally:
        late.cancel()
    event.clear()
    return loop.time() < end
