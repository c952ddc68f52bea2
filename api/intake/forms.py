"""Where images lie in a request: the whole body, the files of a form, or base64 in JSON and NDJSON."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from worker.chunks import ImageFile

from ..problems import Problem
from ..settings import GatewaySettings
from .names import safe_name
from .sources import NamedImage, Part, Source, parts_of
from .spool import Spool, limited

JSON, NDJSON, FORM = "application/json", "application/x-ndjson", "multipart/form-data"
RAW = (
    "application/zip",
    "application/x-zip-compressed",
    "application/x-npy",
    "application/x-idx",
    "application/gzip",
    "application/octet-stream",
)


@dataclass(frozen=True)
class Intake:
    """What a request brings: images, and options that stood in the body beside them."""

    parts: Iterable[Part]
    options: dict[str, str]


async def read_request(request: Request, spool: Spool, settings: GatewaySettings) -> Intake:
    """The images of a request, by its Content-Type. Raises problems."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if encoding := request.headers.get("content-encoding"):
        raise Problem("unsupported-media-type", f"Content-Encoding {encoding!r} is not read.")
    if kind == FORM:
        return await _read_form(request, settings)
    if kind not in (JSON, NDJSON, *RAW) and not kind.startswith("image/"):
        raise Problem(
            "unsupported-media-type",
            f"Content-Type {kind or '(none)'!r}: send multipart/form-data, application/zip, image/*,"
            " application/x-npy, application/x-idx, application/json or application/x-ndjson.",
        )
    most = settings.max_json_bytes if kind in (JSON, NDJSON) else settings.max_body_bytes
    async for data in limited(request.stream(), most, request.headers.get("content-length")):
        spool.write(data)
    view = spool.view()
    if not view:
        raise Problem("empty-body", "Send at least one image.")
    if kind == JSON:
        return _read_json(view)
    if kind == NDJSON:
        return Intake(_ndjson_images(view), {})
    return Intake(parts_of(Source("", view), settings, alone=True), {})


async def _read_form(request: Request, settings: GatewaySettings) -> Intake:
    most = settings.max_form_files
    stream = limited(request.stream(), settings.max_body_bytes, request.headers.get("content-length"))
    parser = MultiPartParser(request.headers, stream, max_files=most, max_fields=100)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "Too many files" in error.message:
            raise Problem(
                "too-many-files", f"A form takes {most} files; send more as one ZIP.", limit=most
            ) from error
        raise Problem("malformed-multipart", f"{error.message}") from error
    except (KeyError, ValueError) as error:
        raise Problem("malformed-multipart", "The boundary is missing or wrong.") from error
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    fields = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    if not files:
        await form.close()
        raise Problem("no-images", "The form has no file in it.")
    return Intake(_form_parts(files, settings), fields)


def _form_parts(files: list[UploadFile], settings: GatewaySettings) -> Iterator[Part]:
    for upload in files:
        with upload.file as file:
            view = memoryview(file.read())
        source = Source(safe_name(upload.filename or ""), view)
        yield from parts_of(source, settings, alone=False)


def _read_json(view: memoryview) -> Intake:
    body = _load(view)
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise Problem("malformed-json", 'Send {"images": [{"image": "<base64>"}, ...]}.')
    images = body.pop("images")
    if not images:
        raise Problem("no-images", "The list of images is empty.")
    options = {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in body.items()
    }
    return Intake((_json_image(each, f"/images/{at}") for at, each in enumerate(images)), options)


def _ndjson_images(view: memoryview) -> Iterator[NamedImage]:
    for number, line in enumerate(bytes(view).split(b"\n"), 1):
        if line.strip():
            yield _json_image(_load(line), f"line {number}")


def _load(data: bytes | memoryview) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Problem("malformed-json", f"{error}.") from error


def _json_image(item: Any, place: str) -> NamedImage:
    if not isinstance(item, dict) or set(item) - {"image", "custom_id"}:
        raise Problem("malformed-json", f'{place}: send {{"image": "<base64>", "custom_id": "..."}}.')
    image, custom_id = item.get("image"), item.get("custom_id", "")
    if not isinstance(image, str) or not isinstance(custom_id, str):
        raise Problem("malformed-json", f"{place}: image and custom_id are strings.")
    if image.startswith("data:"):
        image = image.partition(",")[2]
    try:
        data = base64.b64decode(image, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem("malformed-json", f"{place}: the image is not base64.") from error
    return NamedImage(safe_name(custom_id), ImageFile(data))
