"""A circuit breaker around Redis (Nygard, Release It!, 2007).

A link that swallows everything costs each caller a time-out. So while Redis does not answer, one caller
at a time asks, as a probe, and all others fail at once, instead of taking turns at waiting.
"""

import asyncio
import errno
import time
from typing import Any

import redis
import redis.asyncio

PROBE_AFTER_S = 1.0


class CircuitBreaker:
    """One pool's: closed while Redis answers, open after a time-out, half-open once a probe may ask."""

    def __init__(self) -> None:
        self._probe_at = self._probed_until = self._answered_at = self._tripped_at = 0.0

    def died(self, asked_at: float) -> None:
        """A link that was asked at `asked_at` is dead; those that were opened before may be as well."""
        self._tripped_at = max(asked_at, self._tripped_at)

    def timed_out(self, asked_at: float) -> None:
        """What was asked at `asked_at` was not answered in time; if anything was answered since, only
        this link is dead."""
        self.died(asked_at)
        if self._answered_at < asked_at:
            self._probe_at = time.monotonic() + PROBE_AFTER_S

    def answered(self) -> None:
        """An answer came: the circuit is closed."""
        self._probe_at = self._probed_until = 0.0
        self._answered_at = time.monotonic()

    def outlived(self, opened_at: float) -> bool:
        """Whether a link opened at `opened_at` was there when another died: it may be dead as well."""
        return opened_at <= self._tripped_at

    @property
    def closed(self) -> bool:
        """Whether the last answer that was awaited came."""
        return not self._probe_at

    def require_not_open(self) -> None:
        """Raises redis.ConnectionError if an answer is missing and it is too early for a probe."""
        if time.monotonic() < self._probe_at:
            raise redis.ConnectionError("Redis is silent")

    def admit(self) -> None:
        """Let a caller ask: anybody while closed; while half-open, one caller, as the probe. Raises
        redis.ConnectionError for all others."""
        self.require_not_open()
        if time.monotonic() < self._probed_until:
            raise redis.ConnectionError("Redis was silent, and is asked again")
        if self._probe_at:
            self._probed_until = time.monotonic() + PROBE_AFTER_S


class GuardedConnection(redis.asyncio.Connection):
    """A connection, plain or TLS, that tells the circuit breaker whether Redis answers.

    One that was idle for longer than `health_check_interval` may have died unnoticed. It is opened anew,
    since a PING would cost the caller a time-out if it is dead. So a caller that asks less often than
    that pays for a new link each time, TLS and AUTH included.
    """

    def __init__(self, *, breaker: CircuitBreaker, **options: Any) -> None:
        super().__init__(**options)
        self._breaker, self._opened_at = breaker, 0.0

    async def connect(self) -> None:
        """Connect, if this is not connected, was idle, or is older than a link that died. Raises
        redis.ConnectionError or redis.TimeoutError."""
        now = asyncio.get_running_loop().time()
        if self.is_connected:
            if now <= self.next_health_check and not self._breaker.outlived(self._opened_at):
                return
            await self.disconnect(nowait=True)
        began = self._opened_at = time.monotonic()
        self.next_health_check = now + self.health_check_interval
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except redis.TimeoutError:
            self._breaker.timed_out(began)
            raise

    async def check_health(self) -> None:
        """Do nothing: `connect` has seen to it."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Raises redis.ConnectionError, also for a link that was reset: uvloop raises a RuntimeError
        then, which redis-py does not take for a lost link."""
        began = time.monotonic()
        try:
            await super().send_packed_command(command, check_health)
        except redis.TimeoutError as error:
            self._require_alive(began, error)
            raise
        except RuntimeError as error:
            if "closed" not in str(error):
                raise
            raise redis.ConnectionError(str(error)) from error

    async def ask(self, packed: bytes, count: int) -> list[Any]:
        """The replies to `count` commands, errors among them, within one time-out.

        Raises redis.ConnectionError or redis.TimeoutError.
        """
        await self.connect()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.socket_timeout):
                replies = await self._exchange(packed, count)
        except BaseException as error:
            await self.disconnect(nowait=True)  # what may still come answers nothing
            if isinstance(error, TimeoutError) and error.errno != errno.ETIMEDOUT:
                self._breaker.timed_out(began)
                raise redis.TimeoutError("Redis did not answer in time") from error
            if isinstance(error, OSError | RuntimeError):
                self._breaker.died(began)
                raise redis.ConnectionError(str(error)) from error
            raise
        self._breaker.answered()
        self.next_health_check = asyncio.get_running_loop().time() + self.health_check_interval
        return replies

    async def _exchange(self, packed: bytes, count: int) -> list[Any]:
        assert self._writer is not None
        self._writer.write(packed)
        await self._writer.drain()
        return [await self._read_response_from_parser() for _ in range(count)]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """The next reply; None when the caller's own `timeout` is over. Raises redis.RedisError."""
        began = time.monotonic()
        try:
            answer = await super().read_response(*args, **options)
        except redis.TimeoutError as error:
            self._require_alive(began, error)
            self._breaker.timed_out(began)
            raise
        if answer is not None or options.get("timeout") is None:  # else a subscriber heard nothing
            self._breaker.answered()
        return answer

    def _require_alive(self, asked_at: float, error: redis.TimeoutError) -> None:
        """Raises redis.ConnectionError, which is retried, if it was the kernel that gave up the link
        (see connection.UNHEARD_MS): redis-py takes its ETIMEDOUT for a silence of Redis."""
        if getattr(error.__context__, "errno", None) == errno.ETIMEDOUT:
            self._breaker.died(asked_at)
            raise redis.ConnectionError("the link to Redis is dead") from error


class GuardedPool(redis.asyncio.BlockingConnectionPool):
    """Gives out no connection while the circuit is open."""

    def __init__(self, connection_class: type = redis.asyncio.Connection, **options: Any) -> None:
        self._breaker = CircuitBreaker()
        guard = GuardedConnection
        bases = (guard,) if issubclass(guard, connection_class) else (guard, connection_class)
        super().__init__(
            connection_class=type(f"Guarded{connection_class.__name__}", bases, {}),
            breaker=self._breaker,
            **options,
        )

    @property
    def answering(self) -> bool:
        """Whether Redis answered when last asked."""
        return self._breaker.closed

    def admit(self) -> None:
        """Raises redis.ConnectionError while the circuit is not closed, for all but the probe."""
        self._breaker.admit()

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        """A connection, when it is the caller's turn. Raises redis.ConnectionError."""
        self.admit()
        return await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]

    async def ensure_connection(self, connection: redis.asyncio.connection.AbstractConnection) -> None:
        """Called when it is the caller's turn, which may have taken a while."""
        self._breaker.require_not_open()
        await super().ensure_connection(connection)
