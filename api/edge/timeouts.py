"""How long a connection waits for its client, by what the client is doing."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from ..settings import GatewaySettings
from .deadline import Deadline

LINGER_S = 5.0
"""Time for a refusal to arrive, while what still comes is dropped."""

HALF_CLOSED_S = 2.0
"""Time for the answer to a client that ended its side; most that do so are gone."""


class Phase(Enum):
    """Where in a request its client is."""

    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERED = auto()
    """The body still comes, but nobody waits for it."""
    REFUSED = auto()


class Timeouts:
    """The phase of one connection and its deadlines: `not_sent` and `not_read` are called when missed.

    A head has a fixed time in all. A body may take for ever, but every byte buys only 1 / `min_rate`
    seconds, of which no more than `body_s` can be saved: silence ends it, and so does a trickle.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: GatewaySettings,
        not_sent: Callable[[], None],
        not_read: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._reading, self._writing = Deadline(loop, not_sent), Deadline(loop, not_read)
        self._backlog = 0
        self.phase = Phase.BETWEEN

    def await_head(self) -> None:
        """A connection was opened, or another request began on it."""
        self._reading.set(self._settings.head_s)

    def await_body(self) -> None:
        """A head is complete."""
        self.phase = Phase.BODY
        self._reading.set(self._settings.body_s)

    def took(self, size: int) -> None:
        """`size` bytes came."""
        if self.phase is Phase.BODY:
            settings = self._settings
            self._reading.extend(size / settings.min_rate, settings.body_s)

    def end_request(self) -> None:
        """A request is complete; our answer may take its time."""
        self.phase = Phase.BETWEEN
        self._reading.clear()

    def end_answer(self) -> None:
        """An answer is complete, its request perhaps not."""
        if self.phase is Phase.BODY:
            self.phase = Phase.ANSWERED
            self._reading.set(self._settings.body_s)  # in all, for the rest

    def rest(self) -> None:
        """There is nothing to do for this client."""
        if self.phase is Phase.BETWEEN and not self._reading.armed:
            self._reading.set(self._settings.keep_alive_s)

    def refuse(self) -> None:
        """No more of what it sends is looked at."""
        self.phase = Phase.REFUSED
        self._reading.clear()

    def half_close(self) -> None:
        """It will send no more, but may want its answer."""
        self._reading.set(HALF_CLOSED_S)

    def linger(self) -> None:
        """Our side is closed; the client may read and close its own."""
        self._reading.set(LINGER_S)

    def pause_reading(self, paused: bool) -> None:
        """We are the slow side, or no longer."""
        if paused:
            self._reading.hold()
        else:
            self._reading.release()

    def await_reader(self, backlog: int) -> None:
        """`backlog` bytes were written that it has not read."""
        self._backlog = backlog
        self._writing.set(self._settings.unread_s)

    def is_read(self, backlog: int) -> bool:
        """Whether it read enough of the backlog in time."""
        return self._backlog - backlog >= self._settings.min_rate * self._settings.unread_s

    def end_writing(self) -> None:
        """It has read nearly all that was written."""
        self._writing.clear()

    def close(self) -> None:
        """The connection is gone."""
        self._reading.close()
        self._writing.close()
