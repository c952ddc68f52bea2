"""How many pages a TIFF has (TIFF 6.0, section 2): the chain of its directories, without its pixels."""

import struct

from ..problems import Problem

MAGICS = (b"II*\0", b"MM\0*")


def count_pages(view: memoryview, most: int) -> int:
    """The number of pages. Raises problems for damage and for over `most`."""
    order = "<" if bytes(view[:2]) == b"II" else ">"
    pages, seen = 0, set[int]()
    try:
        (at,) = struct.unpack_from(f"{order}I", view, 4)
        while at:
            if at in seen:
                raise Problem("tiff-invalid", "The TIFF's pages lead back to themselves.")
            seen.add(at)
            pages += 1
            if pages > most:
                raise Problem("too-many-images", f"At most {most} pages are read.", limit=most)
            (tags,) = struct.unpack_from(f"{order}H", view, at)
            (at,) = struct.unpack_from(f"{order}I", view, at + 2 + 12 * tags)
    except struct.error as error:
        raise Problem("tiff-invalid", "The TIFF is cut off.") from error
    return pages
