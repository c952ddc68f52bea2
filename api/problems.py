"""What can go wrong, as the client sees it: RFC 9457 problems from a fixed catalogue."""

from math import ceil
from typing import Any

import orjson
from fastapi.responses import Response
from pydantic import ValidationError

from .security_headers import SAFETY
from .spellings import reason

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LONGEST = 400
"""Most characters of a text that may repeat what a client sent."""

CATALOGUE = {
    "malformed-request": (400, "The request cannot be understood"),
    "malformed-json": (400, "The body is not the expected JSON"),
    "malformed-multipart": (400, "The form cannot be read"),
    "invalid-event-id": (400, "The job has no event with this id"),
    "unauthorized": (401, "A valid API key is needed"),
    "insufficient-scope": (403, "The API key does not allow this"),
    "cross-site": (403, "Another site's page must not do this"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "This address does not allow this method"),
    "not-acceptable": (406, "No such format of results"),
    "request-timeout": (408, "The request came too slowly"),
    "request-in-progress": (409, "The same request is in progress"),
    "job-active": (409, "The job is not finished"),
    "job-not-finished": (409, "The job is not finished"),
    "webhook-disabled": (409, "The webhook endpoint is disabled or deleted"),
    "delivery-under-way": (409, "The delivery is being sent"),
    "too-many-webhooks": (409, "Too many webhook endpoints"),
    "secrets-overlap": (409, "An older secret still signs"),
    "item-pending": (409, "The image has not been read"),
    "job-expired": (410, "The job has expired and was deleted"),
    "image-not-kept": (410, "The image is no longer kept"),
    "body-too-large": (413, "The body is too large"),
    "too-many-images": (413, "Too many images for one job"),
    "too-many-files": (413, "Too many files for one form"),
    "too-many-entries": (413, "Too many entries in the archive"),
    "file-too-large": (413, "A file is too large"),
    "archive-bomb": (413, "The archive unpacks to too much"),
    "url-too-long": (414, "The URL is too long"),
    "unsupported-media-type": (415, "This type of content is not supported"),
    "host-not-allowed": (421, "The gateway does not answer to this name"),
    "invalid-parameter": (422, "A parameter is not valid"),
    "unknown-model": (422, "There is no such model"),
    "invalid-charset": (422, "The model cannot read this charset"),
    "invalid-label": (422, "The model has no such label"),
    "empty-body": (422, "The body is empty"),
    "no-images": (422, "There is no image in the request"),
    "unknown-format": (422, "The body is in no supported format"),
    "archive-invalid": (422, "The archive is damaged"),
    "archive-unsupported": (422, "The archive uses something that is not supported"),
    "nested-archive": (422, "An archive inside an archive is not read"),
    "unsafe-name": (422, "A file name leads out of its folder"),
    "array-invalid": (422, "The array is damaged or has the wrong shape"),
    "array-layout": (422, "An array has no layout"),
    "pickled-array": (422, "Pickled arrays are never loaded"),
    "single-image-expected": (422, "Exactly one image is read here"),
    "idempotency-mismatch": (422, "The key or id was used for another request"),
    "webhook-url-forbidden": (422, "No webhook is sent to this URL"),
    "callback-secret-needed": (422, "There is no secret yet to sign callbacks with"),
    "nothing-to-export": (422, "No image of the job was labelled"),
    "nothing-to-retry": (422, "No image of the job failed"),
    "undecodable-image": (422, "The image cannot be read"),
    "image-too-large": (422, "The image has too many pixels"),
    "worker-lost": (422, "The image was given up"),
    "inference-failed": (422, "The network could not read the image"),
    "too-many-jobs": (429, "Too many unfinished jobs"),
    "too-many-streams": (429, "Too many open event streams"),
    "too-many-queued": (429, "Too many of your images are waiting"),
    "too-many-bytes": (429, "Too many bytes of your uploads are in progress"),
    "rate-limited": (429, "Too many requests"),
    "too-many-connections": (429, "Too many connections from one address"),
    "too-many-pipelined": (429, "Too many requests at once on one connection"),
    "headers-too-large": (431, "The headers are too large"),
    "internal-error": (500, "Something went wrong here"),
    "too-many-clients": (503, "All connections are taken"),
    "queue-full": (503, "Too many images are waiting"),
    "memory-full": (503, "The job store is nearly full"),
    "too-many-documents": (503, "Too much JSON is being read"),
    "storage-unsafe": (503, "The job store could lose jobs"),
    "no-resources": (503, "The gateway has no room left"),
    "storage-unavailable": (503, "The job store cannot be reached"),
    "not-ready": (503, "The service is not ready"),
}


PASSING = (429, 503)
"""Statuses of temporary refusals, each of which says when to retry."""


class Problem(Exception):
    """A refusal. `slug` is a key of CATALOGUE, `detail` says what to do, `extra` adds members."""

    def __init__(
        self, slug: str, detail: str, *, retry_after: float | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.slug, self.detail, self.extra = slug, detail, extra
        self.status, self.title = CATALOGUE[slug]
        if retry_after is None and self.status in PASSING:
            retry_after = 1
        self.headers = {"Retry-After": str(max(1, ceil(retry_after)))} if retry_after else {}

    def body(self, instance: str) -> dict[str, Any]:
        """The members (RFC 9457); `instance` is the requested path. Texts from clients are shortened."""
        return {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": shortened(self.detail),
            "instance": instance[:LONGEST],
            **self.extra,
        }

    def response(self, instance: str) -> Response:
        """The answer to a request for `instance`."""
        headers = SAFETY | self.headers  # a failure is answered outside of all middleware
        return Response(orjson.dumps(self.body(instance)), self.status, headers, MEDIA_TYPE)


def first_fault(error: ValidationError) -> str:
    """The first error, as `NAME: REASON`."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))[:80] or "body"
    return f"{name}: {reason(first)}"


def shortened(text: str) -> str:
    """`text` in at most LONGEST characters, without those that JSON cannot encode."""
    whole = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return whole.encode(errors="replace").decode()
