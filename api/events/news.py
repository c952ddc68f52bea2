"""What this gateway has heard of one job, and who waits for news of it; notices bring it."""

import asyncio
import itertools
from dataclasses import dataclass, field

_TICKS = itertools.count()


@dataclass
class News:
    """What was heard of a job: `tick` changes with every notice, `said` is what came with the last."""

    tick: int = field(default_factory=lambda: next(_TICKS))
    listeners: dict[asyncio.Event, bool] = field(default_factory=dict)
    said: bytes = b""

    def spread(self, ended: bool, said: bytes = b"") -> None:
        """Wake all if the job `ended`, else those who wait for more than its end."""
        self.tick, self.said = next(_TICKS), said
        for event, end_only in self.listeners.items():
            if ended or not end_only:
                event.set()


class Listener:
    """One who listens to the news of a job; no generator, since there is one per request."""

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
