"""A reader and what is around it, without a ledger and other processes."""

from collections.abc import Mapping

from worker.results import Failure


class Suspicions:
    """A caution that has every image read alone, and suspects those in `failures`."""

    size = 1

    def __init__(self, failures: Mapping[int, Failure]) -> None:
        self._failures = failures
        self.checked: list[int] = []

    def enter(self, block: range) -> bool:
        """See Caution."""
        return True

    def check(self, index: int) -> Failure | None:
        """See Caution."""
        self.checked.append(index)
        return self._failures.get(index)
