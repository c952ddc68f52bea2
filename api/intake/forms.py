"""Where images lie in a request: the whole body, the files of a form, or base64 in JSON and NDJSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fastapi import Request

from ..problems import Problem
from ..settings import GatewaySettings
from .documents import read_json, read_ndjson
from .multiparts import FormFile, FormReader
from .names import safe_name
from .sources import Part, Source, parts_of
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
    options: Sequence[tuple[str, str]] = ()


async def read_request(request: Request, spool: Spool, settings: GatewaySettings) -> Intake:
    """The images of a request, by its Content-Type. Raises problems."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if encoding := request.headers.get("content-encoding"):
        raise Problem("unsupported-media-type", f"Content-Encoding {encoding!r} is not read.")
    if kind == FORM:
        return await _read_form(request, spool, settings)
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
        return Intake(*read_json(view, settings.max_image_bytes))
    if kind == NDJSON:
        return Intake(read_ndjson(view, settings.max_image_bytes))
    return Intake(parts_of(Source("", view), settings, alone=True))


async def _read_form(request: Request, spool: Spool, settings: GatewaySettings) -> Intake:
    headers = request.headers
    form = FormReader(headers["content-type"], spool, settings.max_form_files)
    async for data in limited(request.stream(), settings.max_body_bytes, headers.get("content-length")):
        form.write(data)
    form.close()
    if not form.files:
        raise Problem("no-images", "The form has no file in it.")
    return Intake(_form_parts(form.files, spool.view(), settings), form.fields)


def _form_parts(
    files: Sequence[FormFile], view: memoryview, settings: GatewaySettings
) -> Iterator[Part]:
    for file in files:
        yield from parts_of(Source(safe_name(file.name), view[file.place]), settings, alone=False)
