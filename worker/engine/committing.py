"""The results of a batch go to the ledger, with what was measured meanwhile; then they are reported."""

import threading
import time
from collections.abc import Mapping, Sequence

from ..ledger.claims import Claim, Commit
from ..ledger.ledger import Ledger
from ..ledger.measures import Measures
from .batch import Batch
from .batch_log import BatchLog
from .heartbeat import Heartbeat
from .leases import Leases


class Committer:
    """One worker's committer; threads take turns."""

    def __init__(
        self, ledger: Ledger, leases: Leases, heartbeat: Heartbeat, batch_log: BatchLog
    ) -> None:
        self._ledger, self._leases = ledger, leases
        self._heartbeat, self._batch_log = heartbeat, batch_log
        self._measures = Measures()
        self._last = 0.0
        self._lock = threading.Lock()

    def commit(self, batch: Batch, commits: Sequence[Commit]) -> int:
        """Commit; return the number of images. Raises redis.RedisError."""
        with self._lock:
            return self._tell(batch, commits, self._ledger.commit(commits, self._measured(batch)))

    def turn(
        self, batch: Batch, commits: Sequence[Commit], budget: int, others: Sequence[str] | None
    ) -> tuple[int, list[Claim]]:
        """Commit, and claim what is due next of the same model (see Ledger.turn)."""
        with self._lock:
            measured, model = self._measured(batch), batch.timeline.model
            verdicts, claims = self._ledger.turn(commits, measured, model, budget, others)
            return self._tell(batch, commits, verdicts), claims

    def _measured(self, batch: Batch) -> Mapping[str, int]:
        batch.timeline.read = time.time()
        self._measures.add_batch(batch.timeline.model, batch.claims, batch.timeline.passes)
        return self._measures.take()

    def _tell(self, batch: Batch, commits: Sequence[Commit], verdicts: Sequence[str]) -> int:
        timeline = batch.timeline
        timeline.committed = time.time()
        self._leases.drop(batch.claims)
        images = sum(each.succeeded + each.failed for each in commits)
        began, self._last = max(timeline.asked, self._last), timeline.committed  # batches overlap
        self._heartbeat.note_batch(timeline.model, images, max(0.0, timeline.committed - began))
        self._batch_log.tell(timeline, commits, verdicts)
        return images
