"""Splits a TIFF into its pages, each an image of its own."""

from collections.abc import Iterator
from itertools import islice

from model.files.tiffs import BadTiff, LargePage, cut, directories

from ..problems import Problem
from ..settings import GatewaySettings

HEAD = 8
"""Bytes of a TIFF before its first directory. They alone are no image, and take no time to read."""


def read_tiff(view: memoryview, settings: GatewaySettings) -> Iterator[tuple[str, bytes]]:
    """(#number, TIFF) of each page; of a single page, ("", TIFF). Of a page that is damaged, and of all
    after it, the head of the TIFF, which will fail; once if the pages cannot be told apart. Raises
    problems."""
    most, largest = settings.max_tiff_pages, settings.max_image_bytes
    places, many, number = list[int](), False, 0
    try:
        places = list(islice(directories(view), most + 1))
        if len(places) > most:
            raise Problem(
                "too-many-images", f"At most {most} pages are read; send it in parts.", limit=most
            )
        if not places:
            raise BadTiff("the TIFF has no page")
        many = len(places) > 1
        pages = [bytes(view)] if not many and len(view) <= largest else cut(view, places, largest)
        for number, page in enumerate(pages, 1):
            yield f"#{number}" if many else "", page
    except LargePage as error:
        raise Problem(
            "file-too-large", f"{error}, at most {largest} are read; scale it down.", limit=largest
        ) from error
    except BadTiff:
        for failing in range(number, max(1, len(places))):
            yield f"#{failing + 1}" if many else "", bytes(view[:HEAD])
