"""The evidence of what clients were told and saw, by which a system is judged after its faults.

Results must be those of a quiet run: the same labels, and probabilities to 3e-6. With torch they are not
bit-equal: it sums in another order if a batch holds fewer than four images (48 for a cascade), and a
chunk that is delivered again is read image by image. Over all networks here, probabilities were measured
to differ by up to 1.1e-6. So two lower places that are equally likely may come in either order, but the
label of an image is never another, and a result that is *stored* never changes by a bit.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import orjson
import redis

from api.schemas.jobs import ItemOut
from worker.ledger import keys
from worker.ledger.results import Failure, Result

TOLERANCE = 3e-6


@dataclass(frozen=True)
class Reading:
    """How an image is read in a quiet run: labels, best first, with probabilities; or why it failed."""

    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    failure: str = ""

    @classmethod
    def of(cls, item: ItemOut | Mapping[str, Any]) -> Self:
        """The reading in an item of the gateway or the client."""
        told = item if isinstance(item, Mapping) else item.model_dump()
        if error := told.get("error"):
            return cls(failure=error["type"])
        likely = told.get("top_k") or []
        return cls(tuple(each["label"] for each in likely), tuple(each["p"] for each in likely))

    @classmethod
    def stored(cls, result: Result, labels: str) -> Self:
        """The reading in a result of the ledger, of a network with these labels."""
        if isinstance(result, Failure):
            return cls(failure=result.type)
        return cls(tuple(labels[each] for each in result.classes), result.probabilities)

    def differs(self, other: Self) -> str:
        """How `other` differs from this reading; '' if it is the same."""
        if self.failure != other.failure:
            return f"is {_said(other)} and should be {_said(self)}"
        if self.labels[:1] != other.labels[:1] or len(self.labels) != len(other.labels):
            return f"is {_said(other)} and should be {_said(self)}"
        gap = max(map(abs, map(float.__sub__, self.probabilities, other.probabilities)), default=0.0)
        return f"has probabilities off by {gap:.1e}" if gap > TOLERANCE else ""


@dataclass(frozen=True)
class Accepted:
    """A job that a client was told is stored. `expected` has a Reading for each image, in order, or None
    for any terminal result. A `canceled` job may end unread; a `quiet` one is reported to no endpoint.
    """

    id: str
    expected: Sequence[Reading | None]
    owner: str = "anonymous"
    canceled: bool = False
    quiet: bool = False

    @property
    def name(self) -> str:
        """The name by which the ledger knows it."""
        return keys.job_name(self.owner, self.id)


@dataclass(frozen=True)
class Heard:
    """What one follower heard of a job: event ids, images with results, and the number of ends."""

    id: str
    events: Sequence[str] = ()
    images: Sequence[int] = ()
    completed: int = 1


@dataclass(frozen=True)
class Inbox:
    """What a webhook endpoint of an owner was sent: (headers, body) of every request."""

    owner: str
    secret: str
    messages: Sequence[tuple[Mapping[str, str], bytes]]


class Answers:
    """Counts what gateways answer: give `note` to httpx as a hook of responses."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[int, str, bool]] = Counter()

    def note(self, response: httpx.Response) -> None:
        """Count an answer. The body of a problem is read for its type."""
        kind = ""
        if response.status_code >= 400:
            body = orjson.loads(response.read() or b"{}")
            kind = str(body.get("type", "")).removeprefix("/problems/")
        self.counted[response.status_code, kind, "retry-after" in response.headers] += 1


class Witness:
    """Remembers every committed chunk as it was when first seen. `look` at the ledger now and then."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url)
        self.seen: dict[tuple[str, int], str] = {}

    def look(self, names: Sequence[str]) -> None:
        """Note the new chunks of these jobs. Raises redis.RedisError if there is no answer."""
        for name in names:
            out = keys.results(name)
            new = [c for c in self._redis.hkeys(out) if (name, int(c)) not in self.seen]
            for chunk, packed in zip(new, self._redis.hmget(out, new) if new else (), strict=True):
                if packed is not None:
                    self.seen[name, int(chunk)] = digest(packed)

    def close(self) -> None:
        """Close the link to Redis."""
        self._redis.close()


@dataclass
class Evidence:
    """What clients were told and saw. `whole`: the ledger never had any jobs but these."""

    accepted: Sequence[Accepted]
    answers: Mapping[tuple[int, str, bool], int] = field(default_factory=dict)
    seen: Mapping[tuple[str, int], str] = field(default_factory=dict)
    heard: Sequence[Heard] = ()
    inboxes: Sequence[Inbox] = ()
    whole: bool = True


def digest(packed: bytes) -> str:
    """The digest by which a chunk's results are remembered."""
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


def _said(reading: Reading) -> str:
    return reading.failure or "".join(reading.labels[:1]) or "nothing"
