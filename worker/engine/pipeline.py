"""Full batches under way: read side by side, on as many threads as suit the network, and committed one
after another, in the order in which they were begun.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ..ledger.claims import Commit

Read = Callable[[], Sequence[Commit]]


class Pipeline:
    """One worker's pipeline, for one thread, which begins batches and then ends them."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._readers = ThreadPoolExecutor(threads, "reader")
        self._committer = ThreadPoolExecutor(1, "commit")
        self._reading: set[Future[Sequence[Commit]]] = set()
        self._committing: deque[Future[int]] = deque()
        self._images = 0

    def wait_taken(self) -> None:
        """Wait until a thread has taken the batch that was begun last, and few batches wait to be
        committed. Raises what a batch raised."""
        while len(self._reading) > self._threads:
            read, self._reading = wait(self._reading, return_when=FIRST_COMPLETED)
            for each in read:
                each.result()
        most = 2 * self._threads
        while self._committing and (self._committing[0].done() or len(self._committing) > most):
            self._images += self._committing.popleft().result()

    def begin(self, read: Read, commit: Callable[[Sequence[Commit]], int]) -> None:
        """Have a batch read as soon as a thread is free, and then committed; `commit` returns the number
        of its images."""
        reading = self._readers.submit(read)
        self._reading.add(reading)
        self._committing.append(self._committer.submit(lambda: commit(reading.result())))

    def end(self) -> int:
        """Wait until all batches are committed; return the number of images since the last `end`. Raises
        what a batch raised."""
        committed, self._committing = self._committing, deque()
        wait(committed)
        self._reading.clear()
        images, self._images = self._images, 0
        return images + sum(each.result() for each in committed)

    def close(self) -> None:
        """Stop the threads, after the last batch."""
        self._readers.shutdown()
        self._committer.shutdown()
