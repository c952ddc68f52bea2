"""What a batch was read as goes to the ledger, with what was measured meanwhile; then it is told of."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .caution import Caution
from .chronicle import Chronicle, Course
from .heartbeat import Heartbeat
from .leases import Leases
from .ledger import Claim, Commit, Ledger
from .measures import Measures
from .reading import Ready


@dataclass
class Batch:
    """Chunks that are read together: `ready` for the network, or with `caution` one that somebody died
    over."""

    claims: list[Claim]
    course: Course
    caution: Caution | None
    ready: Ready | None


class Committer:
    """One worker's. Threads take turns."""

    def __init__(
        self, ledger: Ledger, leases: Leases, heartbeat: Heartbeat, chronicle: Chronicle
    ) -> None:
        self._ledger, self._leases = ledger, leases
        self._heartbeat, self._chronicle = heartbeat, chronicle
        self._measures = Measures()
        self._last = 0.0
        self._turn = threading.Lock()

    def commit(self, batch: Batch, commits: Sequence[Commit]) -> int:
        """How many images they were. Raises redis.RedisError."""
        with self._turn:
            return self._commit(batch.claims, commits, batch.course)

    def _commit(self, claims: Sequence[Claim], commits: Sequence[Commit], course: Course) -> int:
        course.read = time.time()
        self._measures.add_batch(course.model, claims, course.passes)
        verdicts = self._ledger.commit(commits, self._measures.take())
        course.committed = time.time()
        self._leases.drop(claims)
        images = sum(each.succeeded + each.failed for each in commits)
        began, self._last = max(course.asked, self._last), course.committed  # batches overlap
        self._heartbeat.noted(course.model, images, course.committed - began)
        self._chronicle.tell(course, commits, verdicts)
        return images
