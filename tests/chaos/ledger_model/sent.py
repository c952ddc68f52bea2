"""What clients of the model send: images whose bytes decide their results, cut into chunks."""

from binascii import crc32
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from worker.engine.preparation import pack_failed
from worker.ledger import keys
from worker.ledger.chunks import Files, unpack
from worker.ledger.claims import Claim, Commit
from worker.ledger.jobs import Lane
from worker.ledger.packing import pack
from worker.ledger.results import UNDECODABLE, WORKER_LOST, Answer, Failure, Result, count_failures

OWNERS = ("alice", "bob")
MODELS = ("balanced", "digits")
SHORT_S, LONG_S = 1_500, 100_000


@dataclass(frozen=True)
class Sent:
    """What a client sends: images in chunks of these sizes."""

    owner: str
    id: str
    lane: Lane
    model: str
    images: tuple[bytes, ...]
    sizes: tuple[int, ...]
    key: str | None = None
    keep: bool = False
    life_s: int = LONG_S
    staged: bool = True

    def contents(self) -> list[tuple[bytes, ...]]:
        """The images, chunk by chunk."""
        ends = list(accumulate(self.sizes))
        return [self.images[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]


def _images_of(sizes: list[int], body: int, bad: set[int], poison: set[int]) -> dict[str, Any]:
    kinds = ["poison" if i in poison else "bad" if i in bad else "good" for i in range(sum(sizes))]
    images = tuple(f"{body}:{index}:{kind}".encode() for index, kind in enumerate(kinds))
    return {"images": images, "sizes": tuple(sizes)}


FEW = st.sets(st.integers(0, 12), max_size=2)
IMAGES = st.builds(
    _images_of, st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 1), FEW, FEW
)
SENT = st.builds(
    lambda images, **given: Sent(**images, **given),
    IMAGES,
    owner=st.sampled_from(OWNERS),
    id=st.sampled_from("abc"),
    lane=st.sampled_from(keys.LANES),
    model=st.sampled_from([MODELS[0], MODELS[0], MODELS[1]]),
    key=st.sampled_from([None, None, "k", "l"]),
    keep=st.booleans(),
    life_s=st.sampled_from([LONG_S, SHORT_S]),
    staged=st.sampled_from([True] * 7 + [False]),
)


def images_of(claim: Claim) -> list[bytes]:
    """The images of a claimed chunk."""
    content: Any = unpack(claim.payload)
    return [bytes(image) for image in content]


def is_poison(image: bytes) -> bool:
    """Whether a worker that reads it dies."""
    return b"poison" in image


def _result(index: int, image: bytes, given_up: set[int]) -> Result:
    """The result of an image: its bytes decide it, so another image's result would be noticed."""
    if index in given_up:
        return Failure(WORKER_LOST, "workers were lost while they read this image")
    if b"bad" in image:
        return Failure(UNDECODABLE, "damaged")
    return Answer((crc32(image) % 47, 1), (0.5, 0.25), False)


def commit_of(claim: Claim, given_up: set[int]) -> Commit:
    """The commit of a claim with some images given up, as the reader makes it (engine/reading.py)."""
    images = images_of(claim)
    results = [_result(index, image, given_up) for index, image in enumerate(images)]
    failures = count_failures(results)
    failed = failures.total()
    kept = b"" if claim.options.keep_images or not failed else pack_failed(Files(images), results)
    return Commit(claim, pack(results), len(results) - failed, failed, kept, failures)
