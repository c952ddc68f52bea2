"""Calls of a script that are merged on their way to Redis, and how each caller gets its answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ledger.scripts.linking import JOINT, digests

TOGETHER = 32
"""The most calls of a script that are merged: Redis does nothing else while it runs them."""

Command = tuple[tuple[Any, ...], "asyncio.Future[Any]"]


@dataclass
class Call:
    """What is sent, and who waits for it: one caller, or several if the call is `joint`."""

    args: tuple[Any, ...]
    waiting: "list[asyncio.Future[Any]]"
    joint: bool

    def words(self) -> tuple[Any, ...]:
        """The arguments as Redis takes them: `SCRIPT LOAD` is two."""
        return (*self.args[0].split(), *self.args[1:])

    def tell(self, reply: Any) -> None:
        """Give those who wait their share of the answer."""
        for answer, share in zip(self.waiting, self._shares(reply), strict=True):
            if answer.done():  # nobody waits for it any more
                continue
            if isinstance(share, Exception):
                answer.set_exception(share)
            else:
                answer.set_result(share)

    def _shares(self, reply: Any) -> Sequence[Any]:
        if isinstance(reply, Exception):
            return [reply] * len(self.waiting)
        return [[each] for each in reply] if self.joint else [reply]


def joined(bundle: Sequence[Command]) -> Sequence[Call]:
    """The bundle, with calls of linking.JOINT merged; the order within a bundle does not matter."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for args, answer in bundle:
        joint = args[0] == "EVALSHA" and args[1] in digests(*JOINT)
        standing = open_calls.get(args[1]) if joint else None
        if standing and len(standing.waiting) < TOGETHER:
            standing.args += args[3:]  # behind the script and its number of keys, which is 0
            standing.waiting.append(answer)
            continue
        calls.append(Call(args, [answer], joint))
        if joint:
            open_calls[args[1]] = calls[-1]
    return calls
