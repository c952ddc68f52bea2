"""One answer for all who ask the same thing at about the same time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlightCache(Generic[T]):
    """Caches up to `most` answers for `seconds` each; concurrent calls for one key ask once."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Future[T]]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to `key`; what `ask` raises is raised to all who asked."""
        now = asyncio.get_running_loop().time()
        asked, answer = self._answers.get(key, (0.0, None))
        if answer is None or now - asked > self._seconds or (answer.done() and answer.exception()):
            answer = asyncio.ensure_future(ask())
            answer.add_done_callback(_seen)
            self._answers[key] = now, answer
            self._answers.move_to_end(key)
            self._forget(now)
        if answer.done():
            return answer.result()
        return await asyncio.shield(answer)  # the first caller may leave; the others still want it

    def drop(self, key: Hashable) -> None:
        """Forget the answer to `key`."""
        self._answers.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop answers that are too old or too many, oldest first."""
        while self._answers:
            asked, _ = next(iter(self._answers.values()))
            if len(self._answers) <= self._most and now - asked <= self._seconds:
                return
            self._answers.popitem(last=False)


def _seen(answer: "asyncio.Future[T]") -> None:
    """Retrieve an error, so that asyncio does not warn if nobody stayed to see it."""
    if not answer.cancelled():
        answer.exception()
