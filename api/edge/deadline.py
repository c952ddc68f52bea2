"""A moment by which something must have happened on a connection; `late` is called if it has not."""

import asyncio
from collections.abc import Callable


class Deadline:
    """One timer that may be moved often: to move it to a later time costs only an assignment."""

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[], None]) -> None:
        self._loop, self._late = loop, late
        self._due: float | None = None
        self._left: float | None = None
        self._held = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def armed(self) -> bool:
        """Whether it is set, running or held."""
        return self._due is not None or self._left is not None

    def set(self, seconds: float) -> None:
        """Make it due `seconds` from now, or from its release if it is held."""
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
        """Make it due `seconds` later, but at most `most` seconds from now."""
        if self._due is not None:
            self._due = min(self._due + seconds, self._loop.time() + most)

    def clear(self) -> None:
        """Disarm it: nothing is awaited."""
        self._due = self._left = None

    def hold(self) -> None:
        """Stop the clock, as long as it is not the other side that keeps us waiting."""
        self._held = True
        if self._due is not None:
            self._left = max(0.0, self._due - self._loop.time())
            self._due = None

    def release(self) -> None:
        """Start the clock again where it was stopped."""
        self._held, left, self._left = False, self._left, None
        if left is not None:
            self.set(left)

    def close(self) -> None:
        """Cancel the timer."""
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
