"""What a worker reports of each chunk of a batch: that it was claimed (debug level) and, once it is
committed, a log line, and spans if its job is traced."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..ledger.claims import Claim, Commit
from ..ledger.jobs import job_id
from ..ledger.measures import ForwardPass
from ..tracing import Tracer

log = logging.getLogger(__name__)

MOST_PASSES = 16
"""The most passes of a chunk that are traced: one that is read image by image has many."""

Facts = dict[str, str | int]


@dataclass
class Timeline:
    """When each thing happened to a batch, in seconds since 1970."""

    model: str
    asked: float
    claimed: float
    read: float = 0.0
    committed: float = 0.0
    passes: list[ForwardPass] = field(default_factory=list)


class BatchLog:
    """Logs and traces batches."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, timeline: Timeline, claims: Sequence[Claim]) -> None:
        """Log which chunks are in hand, in case this worker dies."""
        for claim in claims if log.isEnabledFor(logging.DEBUG) else ():
            facts = {"job": job_id(claim.name), "chunk": claim.chunk, "delivery": claim.deliveries}
            log.debug("chunk claimed", extra={"event": "chunk.claimed", "at": timeline.claimed, **facts})

    def tell(self, timeline: Timeline, commits: Sequence[Commit], verdicts: Sequence[str]) -> None:
        """Report chunks that were read together and committed."""
        for commit, verdict in zip(commits, verdicts, strict=True):
            self._log(timeline, commit, verdict)
            if commit.claim.options.trace:
                self._trace(timeline, commit.claim, commit.claim.options.trace)

    def close(self) -> None:
        """Send what is left."""
        self._tracer.close()

    def _log(self, timeline: Timeline, commit: Commit, verdict: str) -> None:
        level = logging.WARNING if verdict == "different" else logging.INFO
        if not log.isEnabledFor(level):
            return
        claim = commit.claim
        facts = {
            "event": "chunk.committed",
            "job": job_id(claim.name),
            "chunk": claim.chunk,
            "model": timeline.model,
            "images": claim.count,
            "failed": commit.failed,
            "verdict": verdict,
            "delivery": claim.deliveries,
            "waited_ms": claim.waited_ms,
            "ms": round((timeline.committed - timeline.asked) * 1000, 1),
        }
        log.log(level, "chunk committed", extra=facts)

    def _trace(self, timeline: Timeline, claim: Claim, parent: str) -> None:
        """The chunk's wait and its way through the batch; the passes are shared with other chunks."""
        facts: Facts = {"inkqueue.job": job_id(claim.name), "inkqueue.chunk": claim.chunk}
        due = timeline.claimed - claim.waited_ms / 1000
        self._tracer.record("queue wait", parent, due, timeline.claimed, facts)
        more = facts | {"inkqueue.images": claim.count, "inkqueue.delivery": claim.deliveries}
        whole = self._tracer.record("read chunk", parent, timeline.asked, timeline.committed, more)
        if not whole:
            return
        self._tracer.record("claim", whole, timeline.asked, timeline.claimed, facts)
        for each in timeline.passes[:MOST_PASSES]:
            self._trace_pass(each, whole, facts)
        self._tracer.record("commit", whole, timeline.read, timeline.committed, facts)

    def _trace_pass(self, one: ForwardPass, parent: str, facts: Facts) -> None:
        more, decoded = facts | {"inkqueue.batch": one.images}, one.began + one.decode_s
        self._tracer.record("decode", parent, one.began, decoded, more)
        self._tracer.record("forward", parent, decoded, decoded + one.forward_s, more)
