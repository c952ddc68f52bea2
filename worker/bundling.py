"""Commands to Redis that are asked for together share a round trip, and with it one sync of the journal.

What is asked while bundles are on their way waits for the next (group commit, DeWitt et al. 1984): the
busier a gateway, the larger its bundles, and the less each request costs it, the link and Redis.
"""

import asyncio
from typing import Any

import redis.asyncio

from .silence import HearingPool

LARGE = 16 << 10
"""Bytes: a command with so many travels alone, lest the small ones wait for it."""

UNDER_WAY = 2
"""Bundles at a time: one is answered while another is written."""

MOST = 256
"""Commands in a bundle."""

Command = tuple[tuple[Any, ...], dict[str, Any], "asyncio.Future[Any]"]


class BundlingRedis(redis.asyncio.Redis):
    """A client for one event loop. Each caller hears of its own errors; a lost link is told to all."""

    def __init__(self, pool: HearingPool) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._pool = pool
        self._waiting: list[Command] = []
        self._bundles: set[asyncio.Task[None]] = set()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """The answer to one command. Raises redis.RedisError."""
        if sum(len(each) for each in args if isinstance(each, (bytes, str))) > LARGE:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((args, options, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._send)  # with whatever else is asked in this turn
        return await answer

    def _send(self, ended: "asyncio.Task[None] | None" = None) -> None:
        self._bundles.discard(ended)
        most = MOST if self._pool.heard else 1  # one asks whether Redis is back, not all
        while self._waiting and len(self._bundles) < UNDER_WAY:
            bundle, self._waiting = self._waiting[:most], self._waiting[most:]
            task = asyncio.create_task(self._carry(bundle))
            self._bundles.add(task)
            task.add_done_callback(self._send)

    async def _carry(self, bundle: list[Command]) -> None:
        try:
            pipe = self.pipeline(transaction=False)
            for args, options, _ in bundle:
                pipe.execute_command(*args, **options)
            said = await pipe.execute(raise_on_error=False)
        except Exception as error:
            said = [error] * len(bundle)
        for (*_, answer), each in zip(bundle, said, strict=True):
            if answer.done():  # nobody waits for it any more
                continue
            if isinstance(each, Exception):
                answer.set_exception(each)
            else:
                answer.set_result(each)
