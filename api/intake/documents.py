"""Images as base64 in JSON: one document, or one per line (NDJSON)."""

import base64
import binascii
import codecs
import io
from collections.abc import Iterator
from typing import Any

import orjson

from .. import twins
from ..parameters import LONGEST_CHARSET, require_types
from ..problems import Problem
from ..settings import MIB, GatewaySettings
from .names import LONGEST
from .sources import NamedImage, pages_of

MEMBERS = {"image", "custom_id", "charset"}
MOST_VALUES = 500_000
"""Three bytes of JSON can become an object of a hundred: 64 MB of `{},` took 2 GB."""


def read_json(
    view: memoryview, settings: GatewaySettings
) -> tuple[Iterator[NamedImage], list[tuple[str, str]]]:
    """The images and the options beside them. Raises problems."""
    body = _load(view)
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise Problem("malformed-json", 'Send {"images": [{"image": "<base64>"}, ...]}.')
    images = body.pop("images")
    if not images:
        raise Problem("no-images", "The list of images is empty.")
    given = {key: value for key, value in body.items() if value is not None}
    if given:
        require_types(given)
    options = [(key, _text(value)) for key, value in given.items()]
    items = ((each, f"/images/{at}") for at, each in enumerate(images))
    return (image for item in items for image in _images(*item, settings)), options


def read_ndjson(view: memoryview, settings: GatewaySettings) -> Iterator[NamedImage]:
    """The image in every line. Raises problems that name the line."""
    for number, line in enumerate(io.BytesIO(view), 1):
        if line.strip():
            yield from _images(_load(line, f"line {number}: "), f"line {number}", settings)


def _load(data: bytes | memoryview, place: str = "") -> Any:
    if data[: len(codecs.BOM_UTF8)] == codecs.BOM_UTF8:  # RFC 8259, 8.1: it may be ignored
        data = data[len(codecs.BOM_UTF8) :]
    if len(data) > MOST_VALUES and _count_values(data) > MOST_VALUES:
        raise Problem("malformed-json", f"{place}over {MOST_VALUES} values; send a ZIP.")
    try:
        orjson.loads(data)  # strict: no NaN, no surrogates, no numbers without end
        return twins.loads(data)
    except RecursionError as error:
        raise Problem(
            "malformed-json", f"{place}it is nested too deeply; images need two levels."
        ) from error
    except ValueError as error:
        raise Problem("malformed-json", f"{place}{error}.") from error


def _count_values(data: bytes | memoryview) -> int:
    """About how many values a document has, found without parsing it."""
    pieces = (bytes(data[start : start + MIB]) for start in range(0, len(data), MIB))
    return sum(piece.count(sign) for piece in pieces for sign in (b",", b"[", b"{"))


def _text(value: Any) -> str:
    """An option as it would stand in a query."""
    try:
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:  # an integer of over 64 bits
        raise Problem("malformed-json", f"{error}.") from error


def _images(item: Any, place: str, settings: GatewaySettings) -> Iterator[NamedImage]:
    """The image of an item, or its pages if it is a TIFF."""
    image = _image(item, place, settings.max_image_bytes)
    try:
        yield from pages_of(image, settings)
    except Problem as problem:
        problem.detail = f"{place}: {problem.detail}"
        raise


def _image(item: Any, place: str, most: int) -> NamedImage:
    if not isinstance(item, dict) or set(item) - MEMBERS:
        example = '{"image": "<base64>", "custom_id": "...", "charset": "digits"}'
        raise Problem("malformed-json", f"{place}: send {example}; only the image is needed.")
    image, custom_id, charset = (item.get(member) for member in ("image", "custom_id", "charset"))
    if (
        not isinstance(image, str)
        or not isinstance(custom_id, str | None)
        or not isinstance(charset, str | None)
    ):
        raise Problem("malformed-json", f"{place}: image, custom_id and charset are strings.")
    if len(charset or "") > LONGEST_CHARSET:
        raise Problem("malformed-json", f"{place}: a charset has at most {LONGEST_CHARSET} characters.")
    if len(custom_id or "") > LONGEST:
        raise Problem("malformed-json", f"{place}: a custom_id has at most {LONGEST} characters.")
    return NamedImage(custom_id or "", _decoded(image, place, most), charset or None)


def _decoded(image: str, place: str, most: int) -> bytes:
    """The file in base64, or in a data: URI."""
    if image.startswith("data:"):
        image = image.partition(",")[2]
    try:
        data = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            "malformed-json", f"{place}: the image is not base64 with padding (RFC 4648, 4)."
        ) from error
    if len(data) > most:
        raise Problem("file-too-large", f"{place}: an image has at most {most} bytes.", limit=most)
    return data
