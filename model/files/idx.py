"""The IDX format of the MNIST family (LeCun 1998): a magic number, big-endian sizes, raw bytes.

Read by the gateway (uploads) and by training (data sets), so it needs neither numpy nor torch.
"""

import struct
from dataclasses import dataclass

UNSIGNED_BYTE = 0x08


class BadIdx(ValueError):
    """The bytes are not an IDX file of unsigned bytes; the text says why."""


@dataclass(frozen=True)
class IdxHeader:
    """`shape` of the array and the `offset` of its first byte."""

    shape: tuple[int, ...]
    offset: int


def is_idx(head: bytes) -> bool:
    """Whether `head`, the first four bytes, is the magic number of unsigned bytes in 1 to 3 axes."""
    return len(head) >= 4 and head[:3] == bytes((0, 0, UNSIGNED_BYTE)) and 1 <= head[3] <= 3


def read_header(head: bytes) -> IdxHeader:
    """The header at the start of `head` (16 bytes are enough). Raises BadIdx."""
    if not is_idx(head):
        raise BadIdx("not an IDX file of unsigned bytes (magic number 00 00 08 01..03)")
    axes = head[3]
    offset = 4 + 4 * axes
    if len(head) < offset:
        raise BadIdx("the IDX header is cut off")
    return IdxHeader(struct.unpack(f">{axes}I", head[4:offset]), offset)
