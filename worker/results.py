"""What became of each image of a chunk, packed for Redis by a worker and read by the gateway.

b"R1", u8 k, u32 n, n records (u8 code, u8 uncertain, k u8 classes, k f32 probabilities), then JSON:
the details of failures by index. Code 0 is an answer, else one of FAILURES.
"""

import json
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FORMAT = b"R1"
_HEAD = struct.Struct("<2sBI")

UNDECODABLE = "undecodable-image"
TOO_LARGE = "image-too-large"
WORKER_LOST = "worker-lost"
INFERENCE_FAILED = "inference-failed"

FAILURES = ("", UNDECODABLE, TOO_LARGE, WORKER_LOST, INFERENCE_FAILED)
"""Types by code; append only, since codes are stored."""


@dataclass(frozen=True)
class Answer:
    """The likeliest classes, best first, with their probabilities."""

    classes: tuple[int, ...]
    probabilities: tuple[float, ...]
    uncertain: bool


@dataclass(frozen=True)
class Failure:
    """Why an image could not be read: one of FAILURES and a sentence."""

    type: str
    detail: str


Result = Answer | Failure


def pack(results: Sequence[Result], k: int) -> bytes:
    """The bytes of a chunk's results; every answer has `k` classes."""
    record = _record(k)
    blank = (0,) * k
    parts, details = [_HEAD.pack(FORMAT, k, len(results))], {}
    for index, result in enumerate(results):
        if isinstance(result, Answer):
            parts.append(record.pack(0, result.uncertain, *result.classes, *result.probabilities))
        else:
            parts.append(record.pack(FAILURES.index(result.type), 0, *blank, *blank))
            details[str(index)] = result.detail
    return b"".join(parts) + (json.dumps(details).encode() if details else b"")


def unpack(packed: bytes) -> list[Result]:
    """What `pack` packed."""
    magic, k, count = _HEAD.unpack_from(packed)
    if magic != FORMAT:
        raise ValueError(f"unknown result format {magic!r}")
    record = _record(k)
    end = _HEAD.size + count * record.size
    details = json.loads(packed[end:] or b"{}")
    rows = record.iter_unpack(packed[_HEAD.size : end])
    return [_result(index, row, k, details) for index, row in enumerate(rows)]


def count_failures(results: Sequence[Result]) -> Counter[str]:
    """How many failed, by type."""
    return Counter(result.type for result in results if isinstance(result, Failure))


def _record(k: int) -> struct.Struct:
    return struct.Struct(f"<BB{k}B{k}f")


def _result(index: int, row: tuple[float, ...], k: int, details: Mapping[str, str]) -> Result:
    code = int(row[0])
    if code:
        return Failure(FAILURES[code], details.get(str(index), ""))
    return Answer(tuple(int(each) for each in row[2 : 2 + k]), row[2 + k :], bool(row[1]))
