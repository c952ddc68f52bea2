"""The pages of a TIFF (TIFF 6.0, section 2): the chain of its directories, without its pixels.

Walked by the gateway (uploads) and by `inkqueue read`, so it needs no library for images.
"""

import struct
from collections.abc import Iterator

MAGICS = (b"II*\0", b"MM\0*")


class BadTiff(ValueError):
    """The chain of pages is cut off or leads back to itself."""


def is_tiff(head: bytes | memoryview) -> bool:
    """Whether `head`, the first four bytes, is the magic number of a TIFF."""
    return bytes(head[:4]) in MAGICS


def directories(data: bytes | memoryview) -> Iterator[int]:
    """Where each page is described, in order. Raises BadTiff."""
    order = "<" if bytes(data[:2]) == b"II" else ">"
    seen = set[int]()
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        while at:
            if at in seen:
                raise BadTiff("the TIFF's pages lead back to themselves")
            seen.add(at)
            (tags,) = struct.unpack_from(f"{order}H", data, at)
            following = at + 2 + 12 * tags
            yield at
            (at,) = struct.unpack_from(f"{order}I", data, following)
    except struct.error as error:
        raise BadTiff("the TIFF is cut off") from error
