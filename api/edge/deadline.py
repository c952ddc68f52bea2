"""A moment by which something must have happened on a connection; `late` is called if it has not."""

import asyncio
from collections.abc import Callable


class Deadline:
    """One timer, moved as often as one likes: moving it later costs only an assignment."""

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[], None]) -> None:
        self._loop, self._late = loop, late
        self._due: float | None = None
        self._left: float | None = None
        self._held = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def armed(self) -> bool:
        """Whether it may be missed, now or once it is no longer held."""
        return self._due is not None or self._left is not None

    def set(self, seconds: float) -> None:
        """Due in so many seconds from now, or from its release if it is held."""
        if self._held:
            self._left = seconds
            return
        self._due = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._fire)

    def extend(self, seconds: float, most: float) -> None:
        """Due so many seconds later, but not more than `most` from now."""
        if self._due is not None:
            self._due = min(self._due + seconds, self._loop.time() + most)

    def clear(self) -> None:
        """Disarm it: nothing is awaited."""
        self._due = self._left = None

    def hold(self) -> None:
        """Stop the clock while it is not the other side that is waited for."""
        self._held = True
        if self._due is not None:
            self._left = max(0.0, self._due - self._loop.time())
            self._due = None

    def release(self) -> None:
        """Let the clock go on where it was stopped."""
        self._held, left, self._left = False, self._left, None
        if left is not None:
            self.set(left)

    def close(self) -> None:
        """Let go of the timer."""
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.time() + 0.001:
            self._timer = self._loop.call_at(self._due, self._fire)
            return
        self._due = None
        self._late()
