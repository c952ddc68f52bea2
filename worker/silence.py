"""While Redis is silent, nobody is kept waiting for it: one caller at a time asks, others fail at once.

A link that swallows everything costs whoever uses it a time-out. Without this, a thousand callers would
take turns at that, a few dozen at a time.
"""

import asyncio
import time
from typing import Any

import redis
import redis.asyncio

ASK_AGAIN_S = 1.0


class Silence:
    """What the connections of one pool know about Redis."""

    def __init__(self) -> None:
        self._ask_at = self._asked_until = self._heard_at = self._began_at = 0.0

    def began(self, asked_at: float) -> None:
        """What was asked then got no answer in time; if others have since, only this link is dead."""
        self._began_at = asked_at
        if self._heard_at < asked_at:
            self._ask_at = time.monotonic() + ASK_AGAIN_S

    def ended(self) -> None:
        """An answer came."""
        self._ask_at = self._asked_until = 0.0
        self._heard_at = time.monotonic()

    def outlived(self, opened_at: float) -> bool:
        """Whether a link that was opened then was there as the last silence began: it may be as dead as
        the one that told of it."""
        return opened_at <= self._began_at

    @property
    def over(self) -> bool:
        """Whether the last answer that was awaited came."""
        return not self._ask_at

    def require_voice(self) -> None:
        """Raises redis.ConnectionError if an answer is missing and it is too early to ask again."""
        if time.monotonic() < self._ask_at:
            raise redis.ConnectionError("Redis is silent")

    def require_turn(self) -> None:
        """The same; once it is time to ask again, for all but one caller, who does."""
        self.require_voice()
        if time.monotonic() < self._asked_until:
            raise redis.ConnectionError("Redis was silent, and is asked again")
        if self._ask_at:
            self._asked_until = time.monotonic() + ASK_AGAIN_S


class Hearing(redis.asyncio.Connection):
    """A connection, plain or TLS, that tells `silence` what it hears."""

    def __init__(self, *, silence: Silence, **options: Any) -> None:
        super().__init__(**options)
        self._silence, self._opened_at = silence, 0.0

    async def connect(self) -> None:
        """Be connected, anew since the last silence. Raises redis.ConnectionError or
        redis.TimeoutError."""
        if self.is_connected:
            if not self._silence.outlived(self._opened_at):
                return
            await self.disconnect(nowait=True)
        began = self._opened_at = time.monotonic()
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except redis.TimeoutError:
            self._silence.began(began)
            raise

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Raises redis.ConnectionError, also for a link that was reset: there uvloop raises
        RuntimeError, in which redis-py sees no lost link."""
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            if "closed" not in str(error):
                raise
            raise redis.ConnectionError(str(error)) from error

    async def ask(self, packed: bytes, count: int) -> list[Any]:
        """The replies to so many commands, refusals among them, in one time-out.

        Raises redis.ConnectionError or redis.TimeoutError.
        """
        await self.connect()
        await self.check_health()  # type: ignore[no-untyped-call]
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.socket_timeout):
                replies = await self._exchange(packed, count)
        except BaseException as error:
            await self.disconnect(nowait=True)  # what may still come answers nothing
            if isinstance(error, TimeoutError):
                self._silence.began(began)
                raise redis.TimeoutError("Redis did not answer in time") from error
            if isinstance(error, OSError | RuntimeError):
                raise redis.ConnectionError(str(error)) from error
            raise
        self._silence.ended()
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
        except redis.TimeoutError:
            self._silence.began(began)
            raise
        if answer is not None or options.get("timeout") is None:  # else a subscriber heard nothing
            self._silence.ended()
        return answer


class HearingPool(redis.asyncio.BlockingConnectionPool):
    """Gives out no connection while Redis is silent."""

    def __init__(self, connection_class: type = redis.asyncio.Connection, **options: Any) -> None:
        self._silence = Silence()
        bases = (Hearing,) if issubclass(Hearing, connection_class) else (Hearing, connection_class)
        super().__init__(
            connection_class=type(f"Hearing{connection_class.__name__}", bases, {}),
            silence=self._silence,
            **options,
        )

    @property
    def heard(self) -> bool:
        """Whether Redis answered when last asked."""
        return self._silence.over

    def require_turn(self) -> None:
        """Raises redis.ConnectionError while Redis is silent, for all but one caller, who asks."""
        self._silence.require_turn()

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        """A connection, when it is the caller's turn. Raises redis.ConnectionError."""
        self.require_turn()
        return await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]

    async def ensure_connection(self, connection: redis.asyncio.connection.AbstractConnection) -> None:
        """Called when it is the caller's turn, which may have taken a while."""
        self._silence.require_voice()
        await super().ensure_connection(connection)
