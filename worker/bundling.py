"""Commands to Redis that are asked for together share a round trip, and with it one sync of the journal.

What is asked while bundles are on their way waits for the next (group commit, DeWitt et al. 1984): the
busier a gateway, the larger its bundles, and the less each request costs it, the link and Redis.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from .scripts import JOINT, digests
from .silence import HearingPool

LARGE = 16 << 10
"""Bytes: a command with so many travels alone, lest the small ones wait for it."""

UNDER_WAY = 2
"""Bundles at a time: one is answered while another is written."""

MOST = 256
"""Commands in a bundle."""

TOGETHER = 32
"""Calls of a script that are made one: Redis does nothing else meanwhile."""

Command = tuple[tuple[Any, ...], dict[str, Any], "asyncio.Future[Any]"]


@dataclass
class Call:
    """What is sent, and who waits for it: one, or several where calls of a script are `joint`."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    waiting: "list[asyncio.Future[Any]]"
    joint: bool

    def shares(self, said: Any) -> Sequence[Any]:
        """What each of those who wait is told."""
        if isinstance(said, Exception):
            return [said] * len(self.waiting)
        return [[each] for each in said] if self.joint else [said]


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
        calls = _joined(bundle)
        try:
            pipe = self.pipeline(transaction=False)
            for call in calls:
                pipe.execute_command(*call.args, **call.options)
            said = await pipe.execute(raise_on_error=False)
        except Exception as error:
            said = [error] * len(calls)
        for call, each in zip(calls, said, strict=True):
            for answer, share in zip(call.waiting, call.shares(each), strict=True):
                if answer.done():  # nobody waits for it any more
                    continue
                if isinstance(share, Exception):
                    answer.set_exception(share)
                else:
                    answer.set_result(share)


def _joined(bundle: Sequence[Command]) -> Sequence[Call]:
    """The same with fewer calls of scripts.JOINT; whatever is in a bundle goes in any order."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for args, options, answer in bundle:
        joint = args[0] == "EVALSHA" and args[1] in digests(*JOINT)
        standing = open_calls.get(args[1]) if joint else None
        if standing and len(standing.waiting) < TOGETHER:
            standing.args += args[3:]  # behind the script and its number of keys, which is 0
            standing.waiting.append(answer)
            continue
        calls.append(Call(args, options, [answer], joint))
        if joint:
            open_calls[args[1]] = calls[-1]
    return calls
