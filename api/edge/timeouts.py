"""How long a connection waits for its client, by what the client is doing."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from ..settings import GatewaySettings
from .deadline import Deadline

LINGER_S = 5.0
"""Time for a refusal to arrive, while what the client still sends is dropped."""

HALF_CLOSED_S = 2.0
"""Time to answer a client that has ended its side; most that do so are gone."""


class Phase(Enum):
    """How far the client is with its request."""

    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    ANSWERED = auto()
    """The request was answered before all of its body came."""
    REFUSED = auto()


class Timeouts:
    """The phase of one connection and its deadlines: `not_sent` and `not_read` are called when missed.

    A head has a fixed time in all. A body may take any time, but each byte extends its deadline by only
    1 / `min_rate` seconds, to at most `body_s` from now: silence misses it, and so does a trickle.
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
        """Expect a head: a connection was opened, or another request began on it."""
        self._reading.set(self._settings.head_s)

    def await_body(self) -> None:
        """Expect a body: the head is complete."""
        self.phase = Phase.BODY
        self._reading.set(self._settings.body_s)

    def took(self, size: int) -> None:
        """Note that `size` bytes were received."""
        if self.phase is Phase.BODY:
            settings = self._settings
            self._reading.extend(size / settings.min_rate, settings.body_s)

    def end_request(self) -> None:
        """Expect nothing: the request is complete, and our answer may take any time."""
        self.phase = Phase.BETWEEN
        self._reading.clear()

    def end_answer(self) -> None:
        """Note that an answer is complete; its request may not be."""
        if self.phase is Phase.BODY:
            self.phase = Phase.ANSWERED
            self._reading.set(self._settings.body_s)  # for all the rest of it

    def rest(self) -> None:
        """Expect another request: no answer is in progress."""
        if self.phase is Phase.BETWEEN and not self._reading.armed:
            self._reading.set(self._settings.keep_alive_s)

    def refuse(self) -> None:
        """Expect nothing: whatever the client sends from now on is ignored."""
        self.phase = Phase.REFUSED
        self._reading.clear()

    def half_close(self) -> None:
        """Answer soon: the client will send no more, but may want its answer."""
        self._reading.set(HALF_CLOSED_S)

    def linger(self) -> None:
        """Give the client time to read and to close its side: ours is closed."""
        self._reading.set(LINGER_S)

    def pause_reading(self, paused: bool) -> None:
        """Stop the clock while we are the slow side, or let it run again."""
        if paused:
            self._reading.hold()
        else:
            self._reading.release()

    def await_reader(self, backlog: int) -> None:
        """Expect the client to read: it has not read `backlog` bytes that were written."""
        self._backlog = backlog
        self._writing.set(self._settings.unread_s)

    def is_read(self, backlog: int) -> bool:
        """Whether the client read enough of the backlog in time."""
        return self._backlog - backlog >= self._settings.min_rate * self._settings.unread_s

    def end_writing(self) -> None:
        """Stop waiting: the client has read nearly all that was written."""
        self._writing.clear()

    def close(self) -> None:
        """Cancel both deadlines."""
        self._reading.close()
        self._writing.close()
