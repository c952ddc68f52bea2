"""What a worker measures: counts in buckets, added to the ledger with the commits of the same batch.

A batch costs a few additions here and one script call there, however many images it has. The gateway
renders them as Prometheus histograms; they live in the ledger, so they survive every restart.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from .claims import Claim


@dataclass(frozen=True, eq=False)
class Scale:
    """A quantity and the upper bounds of its buckets; its sum is kept in units of 1/`steps`."""

    name: str
    words: str
    bounds: tuple[float, ...]
    steps: int = 1_000_000


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH = Scale(
    "batch_images", "Glyphs that a network was given at once.", tuple(2.0**n for n in range(11)), 1
)
DECODE = Scale("decode_seconds", "Time to decode and normalize the images of a batch.", SECONDS)
FORWARD = Scale("forward_seconds", "Time of a forward pass.", SECONDS)
WAIT = Scale(
    "chunk_wait_seconds",
    "Time from when a chunk was due until a worker first claimed it.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
SCALES = (BATCH, DECODE, FORWARD, WAIT)

INFINITY, SUM = "inf", "sum"


@dataclass(frozen=True)
class ForwardPass:
    """One pass of images through a network: how many, when it began (s since 1970), how long its parts
    took."""

    images: int
    began: float
    decode_s: float
    forward_s: float


@dataclass(frozen=True)
class Histogram:
    """What was measured of one model: how many values fell in each bucket (inf last), and their sum."""

    counts: tuple[int, ...]
    sum: float


class Measures:
    """What was measured and is not in the ledger yet. For one thread at a time."""

    def __init__(self) -> None:
        self._more: Counter[str] = Counter()

    def add_batch(self, model: str, claims: Iterable[Claim], passes: Iterable[ForwardPass]) -> None:
        """Add chunks that were claimed and read. One over which a worker died waited for a lease to
        expire, which says nothing of the queue."""
        for claim in claims:
            if claim.deliveries == 1:
                self._add(WAIT, model, claim.waited_ms / 1000)
        for one in passes:
            self._add(BATCH, model, one.images)
            self._add(DECODE, model, one.decode_s)
            self._add(FORWARD, model, one.forward_s)

    def take(self) -> Mapping[str, int]:
        """What is to be added to the ledger's fields; delivering it is now up to the caller."""
        more, self._more = self._more, Counter()
        return more

    def _add(self, scale: Scale, model: str, value: float) -> None:
        *buckets, total = _fields(scale, model)
        self._more[buckets[bisect_left(scale.bounds, value)]] += 1
        self._more[total] += round(value * scale.steps)


def bucket_names(scale: Scale) -> tuple[str, ...]:
    """The buckets by their upper bounds, as the ledger's fields and Prometheus name them."""
    return (*map(str, scale.bounds), INFINITY)


def histograms(fields: Mapping[str, int], scale: Scale) -> Iterator[tuple[str, Histogram]]:
    """Each model's histogram of `scale`, from the ledger's fields."""
    known = {name.split("|")[1] for name in fields if name.startswith(f"{scale.name}|")}
    for model in sorted(known):
        counts = [fields.get(_field(scale, model, each), 0) for each in bucket_names(scale)]
        total = fields.get(_field(scale, model, SUM), 0) / scale.steps
        yield model, Histogram(tuple(counts), total)


@cache
def _fields(scale: Scale, model: str) -> tuple[str, ...]:
    """The ledger's fields of each bucket, and of the sum."""
    return tuple(_field(scale, model, name) for name in (*bucket_names(scale), SUM))


def _field(scale: Scale, model: str, bucket: str) -> str:
    return f"{scale.name}|{model}|{bucket}"
