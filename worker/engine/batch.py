"""A batch: chunks that are claimed, decoded and read together (see BatchReader), then committed."""

from dataclasses import dataclass

from ..ledger.claims import Claim
from ..portions import portions
from .batch_log import Timeline
from .poison_guard import PoisonGuard
from .reading import Reader, Ready


@dataclass
class Batch:
    """Chunks that are read together by `reader`: `ready` for the network; or, with `guard`, one over
    which a worker died."""

    claims: list[Claim]
    timeline: Timeline
    reader: Reader
    guard: PoisonGuard | None
    ready: Ready | None

    @property
    def weight(self) -> int:
        """About how many characters it holds."""
        return sum(_weight(each) for each in self.claims)

    @property
    def decoded(self) -> bool:
        """Whether it holds files, which had to be decoded."""
        return self.ready is not None and any(each.outcomes for each in self.ready.chunks)

    def parts(self, most: int) -> list["Batch"]:
        """Its chunks in order, cut into batches of at most `most` characters, or of one chunk."""
        ready = self.ready
        if not ready:
            return [self]
        return [self._part(ready, some) for some in portions(map(_weight, self.claims), most)]

    def _part(self, ready: Ready, some: slice) -> "Batch":
        timeline = Timeline(self.timeline.model, self.timeline.asked, self.timeline.claimed)
        chunks = ready.chunks[some]
        seconds = ready.seconds * len(chunks) / len(self.claims)
        return Batch(self.claims[some], timeline, self.reader, self.guard, Ready(chunks, seconds))


def _weight(claim: Claim) -> int:
    return claim.count * claim.options.weight
