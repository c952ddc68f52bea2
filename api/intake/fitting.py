"""Checks that each incoming image suits its job: by the job's layout and the image's own charset."""

from collections.abc import Iterable, Iterator

from model.charset import BadCharset, allowed_classes
from worker.ledger.jobs import Options

from ..problems import Problem
from .sources import NamedBlock, NamedImage, Part


def fitting(parts: Iterable[Part], options: Options, labels: str) -> Iterator[Part]:
    """`parts` as they are, each checked before it is passed on.

    Raises `array-layout`, and `invalid-charset` that names the image.
    """
    for place, part in enumerate(parts):
        if isinstance(part, NamedBlock):
            _require_characters(options)
        else:
            _require_known(part, place, labels)
        yield part


def _require_characters(options: Options) -> None:
    if options.layout != "character":
        detail = f"An array holds 28x28 characters; send a {options.layout} as an image file."
        raise Problem("array-layout", detail)


def _require_known(image: NamedImage, place: int, labels: str) -> None:
    if image.charset is None:
        return
    try:
        allowed_classes(image.charset, labels)
    except BadCharset as error:
        raise Problem("invalid-charset", f"image {place}: {error}.") from error
