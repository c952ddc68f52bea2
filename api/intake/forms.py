"""Where images are in a request: the whole body, the files of a form, or base64 in JSON and NDJSON."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from anyio.to_thread import run_sync
from fastapi import Request
from starlette.requests import ClientDisconnect

from worker.ledger.chunks import ImageFile

from ..file_types import is_image
from ..problems import Problem
from ..settings import GatewaySettings
from .documents import read_json, read_ndjson
from .multiparts import read_form
from .names import safe_name
from .sources import Part, Source, parts_of
from .spool import Limit, Spool

JSON, NDJSON, FORM = "application/json", "application/x-ndjson", "multipart/form-data"
RAW = (
    "application/zip",
    "application/x-zip-compressed",
    "application/x-npy",
    "application/x-idx",
    "application/gzip",
    "application/octet-stream",
)

LIGHT = 64 << 10
"""Bytes of an image that are hashed in less time than it takes to wait for a thread."""


@dataclass(frozen=True)
class Intake:
    """What a request brings: images, and options that came in the body beside them."""

    parts: Iterable[Part]
    options: Sequence[tuple[str, str]] = ()
    single: ImageFile | None = None
    """Instead of parts: one small image, which is the whole body."""


async def receive(
    request: Request, spool: Spool, settings: GatewaySettings, count: Callable[[int], None]
) -> int:
    """Receive the body into `spool`; call `count` with the size of every piece. Raises problems.

    Returns how many bytes of it must be held in memory to be read.
    """
    kind = _kind(request)
    _require_readable(kind, request.headers.get("content-encoding"))
    is_document = kind in (JSON, NDJSON)
    most = settings.max_json_bytes if is_document else settings.max_body_bytes
    limit = Limit(most, request.headers.get("content-length"))
    more = True
    while more:
        data, more = await _piece(request)
        limit.add(len(data))
        count(len(data))
        spool.write(data)
    return limit.taken if is_document else 0


async def _piece(request: Request) -> tuple[bytes, bool]:
    """The next bytes, and whether there are more; a generator of them, such as Starlette's, costs more
    than most images. Raises ClientDisconnect."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def open_body(request: Request, spool: Spool, settings: GatewaySettings) -> Intake:
    """The images of a request that was received, by its Content-Type. Raises problems."""
    content_type, kind = request.headers.get("content-type", ""), _kind(request)
    view = spool.view()
    if not view:
        raise Problem("empty-body", "Send at least one image.")
    if kind == FORM:
        return await run_sync(_read_form, view, content_type, settings)
    if kind == JSON:
        return Intake(*await run_sync(read_json, view, settings))
    if kind == NDJSON:
        return Intake(read_ndjson(view, settings))
    if len(view) <= min(LIGHT, settings.max_image_bytes) and is_image(bytes(view[:16])):
        return Intake((), single=view)
    return Intake(parts_of(Source("", view), settings, alone=True))


def _kind(request: Request) -> str:
    return _plain(request.headers.get("content-type", ""))


@lru_cache(64)
def _plain(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _require_readable(kind: str, encoding: str | None) -> None:
    if (encoding or "identity").lower() != "identity":
        raise Problem(
            "unsupported-media-type",
            f"Content-Encoding {encoding!r} is not read; send the body unencoded.",
        )
    if kind not in (FORM, JSON, NDJSON, *RAW) and not kind.startswith("image/"):
        raise Problem(
            "unsupported-media-type",
            "Send multipart/form-data, application/zip, image/*, application/x-npy, application/x-idx,"
            f" application/json or application/x-ndjson, not {kind or '(none)'!r}.",
        )


def _read_form(view: memoryview, content_type: str, settings: GatewaySettings) -> Intake:
    form = read_form(view, content_type, settings.max_form_files)
    if not form.files:
        raise Problem("no-images", "The form has no file in it: a part with a filename.")
    return Intake(_form_parts(form.files, settings), form.fields)


def _form_parts(files: Iterable[tuple[str, memoryview]], settings: GatewaySettings) -> Iterator[Part]:
    for name, view in files:
        yield from parts_of(Source(safe_name(name), view), settings, alone=False)
