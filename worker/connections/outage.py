"""Logs a Redis outage once when it starts and once when it ends.

Its threads ask Redis again and again; a line for each attempt would bury all others.
"""

import logging
from types import TracebackType

import redis


class Outage:
    """One thread's. `trouble` says what cannot be done meanwhile, `end` that it is over.
    Errors of the kinds `untold` are not logged.

    A `with` block of it is one attempt, whose errors it swallows: the thread lives and tries again.
    """

    def __init__(
        self, log: logging.Logger, trouble: str, end: str, untold: tuple[type[Exception], ...] = ()
    ) -> None:
        self._log, self._trouble, self._end, self._untold = log, trouble, end, untold
        self._kind: type[Exception] | None = None

    def __enter__(self) -> None:
        """An attempt begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if error is None:
            self.over()
        elif isinstance(error, Exception):
            self.failed(error)
        return isinstance(error, Exception)

    def failed(self, error: Exception) -> None:
        """An attempt failed: log it if it is the first, or if the error is of another kind. An error
        that does not come from Redis is a bug, and logged with its traceback."""
        if type(error) is self._kind or isinstance(error, self._untold):
            return
        self._kind = type(error)
        if isinstance(error, redis.RedisError):
            self._log.warning("%s, trying again: %s", self._trouble, error)
        else:
            self._log.error("%s, trying again", self._trouble, exc_info=error)

    def over(self) -> None:
        """An attempt succeeded."""
        if self._kind:
            self._kind = None
            self._log.info("%s", self._end)
