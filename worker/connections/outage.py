"""Logs an outage of Redis once when it begins and once when it ends.

A thread retries every second or so; a line for each attempt would bury all others.
"""

import logging

import redis


class Outage:
    """An outage as one thread sees it. `trouble` says what cannot be done meanwhile, `end` that it can
    be done again. Errors of the types in `untold` are not logged.

    Each `with` block is one attempt. It swallows errors, so that the thread lives to try again.
    """

    def __init__(
        self, log: logging.Logger, trouble: str, end: str, untold: tuple[type[Exception], ...] = ()
    ) -> None:
        self._log, self._trouble, self._end, self._untold = log, trouble, end, untold
        self._kind: type[Exception] | None = None

    def __enter__(self) -> None:
        """An attempt begins."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if error is None:
            self.over()
        elif isinstance(error, Exception):
            self.failed(error)
        return isinstance(error, Exception)

    def failed(self, error: Exception) -> None:
        """An attempt failed: log the first error, and any error of another type than the last. An error
        that does not come from Redis is a bug, and is logged with its traceback."""
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
