"""A TIFF becomes its pages, each an image of its own."""

from collections.abc import Iterator
from itertools import islice

from model.tiffs import BadTiff, cut, directories

from ..problems import Problem


def read_tiff(view: memoryview, most: int) -> Iterator[tuple[str, bytes]]:
    """(#number, TIFF) of each page; the file as it is where it has but one. Raises problems."""
    try:
        places = list(islice(directories(view), most + 1))
        if len(places) > most:
            raise Problem(
                "too-many-images", f"At most {most} pages are read; send it in parts.", limit=most
            )
        if not places:
            raise Problem("tiff-invalid", "The TIFF has no page.")
        if len(places) == 1:
            yield "", bytes(view)
        else:
            yield from ((f"#{number}", page) for number, page in enumerate(cut(view, places), 1))
    except BadTiff as error:
        raise Problem("tiff-invalid", f"Nothing of it is read: {error}.") from error
