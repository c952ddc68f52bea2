"""Splits a TIFF into its pages, each an image of its own."""

from collections.abc import Iterator
from itertools import islice

from model.files.tiffs import BadTiff, LargePage, cut, directories

from ..problems import Problem
from ..settings import GatewaySettings


def read_tiff(view: memoryview, settings: GatewaySettings) -> Iterator[tuple[str, bytes]]:
    """(#number, TIFF) of each page; of a single page, ("", TIFF). Raises problems."""
    most, largest = settings.max_tiff_pages, settings.max_image_bytes
    try:
        places = list(islice(directories(view), most + 1))
        if len(places) > most:
            raise Problem(
                "too-many-images", f"At most {most} pages are read; send it in parts.", limit=most
            )
        if not places:
            raise Problem("tiff-invalid", "The TIFF has no page.")
        if len(places) == 1 and len(view) <= largest:
            yield "", bytes(view)
        else:
            pages = enumerate(cut(view, places, largest), 1)
            yield from ((f"#{number}" if len(places) > 1 else "", page) for number, page in pages)
    except LargePage as error:
        raise Problem(
            "file-too-large", f"{error}, at most {largest} are read; scale it down.", limit=largest
        ) from error
    except BadTiff as error:
        raise Problem("tiff-invalid", f"It cannot be read: {error}.") from error
