"""A network for several threads at a time: each has a replica of its own, which runs on one thread.

One pass on many threads is slower than many passes on one thread each, side by side.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ..card import Card
from .predictor import Floats, Images, Predictor, thread_count


class Replicas(Predictor):
    """The replicas of one network on a CPU, each made when it is first needed."""

    def __init__(
        self,
        card: Card,
        engine: str,
        make: Callable[[], Predictor],
        threads: int,
        screen: Card | None = None,
    ) -> None:
        super().__init__(card, "cpu", f"{engine}, {thread_count(threads)}", screen)
        self._make, self.threads = make, threads
        self._idle: list[Predictor] = []
        self._pool = ThreadPoolExecutor(threads, "replica")

    def warm_up(self) -> None:
        """Warm up one replica."""
        with self._lent() as one:
            one.warm_up()

    def settle(self) -> None:
        """Wait for the replicas that are idle."""
        for one in self._idle:
            one.settle()

    def forward(self, images: Images) -> Floats:
        """One pass of an idle replica: (n, 28, 28) uint8, n > 0 -> `outputs`."""
        with self._lent() as one:
            return one.forward(images)

    def _forward_each(self, parts: Sequence[Images]) -> Iterable[Floats]:
        return (self._pool.map if len(parts) > 1 else map)(self.forward, parts)

    @contextmanager
    def _lent(self) -> Iterator[Predictor]:
        try:
            one = self._idle.pop()
        except IndexError:
            one = self._make()
        try:
            yield one
        finally:
            self._idle.append(one)
