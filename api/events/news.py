"""What is known of one job in this gateway, and who wants to hear of it; notices bring it."""

import asyncio
import itertools
from dataclasses import dataclass, field

_TICKS = itertools.count()


@dataclass
class News:
    """What was heard of a job: `tick` is another after every notice, `said` what came with the last."""

    tick: int = field(default_factory=lambda: next(_TICKS))
    listeners: dict[asyncio.Event, bool] = field(default_factory=dict)
    said: bytes = b""

    def spread(self, ended: bool, said: bytes = b"") -> None:
        """Wake all, or those who do not wait for the end only."""
        self.tick, self.said = next(_TICKS), said
        for event, end_only in self.listeners.items():
            if ended or not end_only:
                event.set()


class Listener:
    """One who listens to the news of a job; written out, since there is one a request."""

    def __init__(self, all_news: dict[str, News], name: str, end_only: bool) -> None:
        self._all, self._name, self._end_only = all_news, name, end_only
        self._event = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        self._all[self._name].listeners[self._event] = self._end_only
        return self._event

    def __exit__(self, *_: object) -> None:
        listeners = self._all[self._name].listeners
        del listeners[self._event]
        if not listeners:
            del self._all[self._name]
