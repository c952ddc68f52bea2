"""Automatic pipelining: commands to Redis that are given together share a round trip, and with it one
sync of the journal.

What comes while bundles are on their way waits for the next one (group commit, DeWitt et al. 1984): the
busier a gateway, the larger its bundles, and the less each request costs it, the link and Redis.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import hiredis
import redis
import redis.asyncio
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError

from .circuit_breaker import GuardedConnection, GuardedPool
from .joining import Call, Command, joined

LARGE = 16 << 10
"""Bytes: a larger command travels alone, lest the small ones wait for it."""

UNDER_WAY = 2
"""Bundles at a time: while one is answered, another is written."""

MOST = 256
"""Commands in a bundle."""


class BundlingRedis(redis.asyncio.Redis):
    """A client for one event loop. Each caller gets its own errors; a lost link fails a whole bundle."""

    def __init__(self, pool: GuardedPool) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._pool = pool
        self._waiting: list[Command] = []
        self._carriers: set[asyncio.Task[None]] = set()
        self._starting = False
        self._left_at = 0.0
        self._links: list[GuardedConnection] = []
        """Links that no carrier uses now; each was taken from the pool once, for good."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer to one command. Raises redis.RedisError."""
        if sum(len(each) for each in args if isinstance(each, bytes | str)) > LARGE:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((args, answer))
        self._start()
        reply = await answer
        if read := self.response_callbacks.get(args[0]):
            options.pop("keys", None)  # of redis-py's own cache
            return read(reply, **options)
        return reply

    def register_script(self, script: Any) -> "Script":  # type: ignore[override]
        """A script that is called by its digest."""
        return Script(self, script)

    def _start(self) -> None:
        """Start a carrier, if one is needed, in the loop's next turn: with all that is asked in this."""
        if self._waiting and not self._starting and len(self._carriers) < UNDER_WAY:
            self._starting = True
            task = asyncio.create_task(self._carry_all())
            self._carriers.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, carrier: "asyncio.Task[None]") -> None:
        self._carriers.discard(carrier)
        self._start()  # for what was asked since it last looked

    async def _carry_all(self) -> None:
        """One bundle after another, until nothing waits."""
        self._starting = False
        while self._waiting:
            most = MOST if self._pool.answering else 1  # one asks whether Redis is back, not all
            bundle, self._waiting = self._waiting[:most], self._waiting[most:]
            self._left_at = time.monotonic()
            self._start()
            await self._carry(bundle)

    async def _carry(self, bundle: list[Command]) -> None:
        calls, began = joined(bundle), time.monotonic()
        try:
            replies = await self._ask(calls)
        except Exception as error:
            replies = [error] * len(calls)
            if isinstance(error, redis.TimeoutError):
                self._refuse_waiting(began)
        for call, reply in zip(calls, replies, strict=True):
            call.tell(reply)

    def _refuse_waiting(self, began: float) -> None:
        """Fail what waited behind a silence that `began` then, and would wait as long again. The circuit
        may be closed: while Redis is paused for writes, it answers other commands. But where bundles
        left lately, only a link is dead."""
        if self._left_at - began > time.monotonic() - self._left_at:
            return
        waiting, self._waiting = self._waiting, []
        for call in joined(waiting):
            call.tell(redis.ConnectionError("Redis is silent"))

    async def _ask(self, calls: Sequence[Call]) -> list[Any]:
        packed = b"".join(hiredis.pack_command(call.words()) for call in calls)
        link = await self._taken()
        try:
            replies: list[Any] = await link.retry.call_with_retry(
                lambda: link.ask(packed, len(calls)), lambda _: link.disconnect()
            )
        finally:
            self._links.append(link)
        return replies

    async def _taken(self) -> GuardedConnection:
        if not self._links:
            link: GuardedConnection = await self._pool.get_connection()
            return link
        self._pool.admit()
        return self._links.pop()


class Script(AsyncScript):
    """redis-py's script, without its work for pipelines, which costs more than the rest of a call."""

    async def __call__(self, keys: Any = None, args: Any = None, client: Any = None) -> Any:
        """The script's answer; its text is sent along if need be. Raises redis.RedisError."""
        client, given = client or self.registered_client, (*(keys or ()), *(args or ()))
        count = len(keys or ())
        try:
            return await client.execute_command("EVALSHA", self.sha, count, *given)
        except NoScriptError:  # to load it and call it again would fail if it were flushed in between
            return await client.execute_command("EVAL", self.script, count, *given)
