"""Refusals for /docs: problems (RFC 9457) of one schema, with an example of each in the catalogue."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..problems import CATALOGUE, MEDIA_TYPE, PASSING
from .headers import references

_TEXT = {"type": "string"}
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "Why a request was refused. Some problems have more members, such as a `limit`.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "an address that explains it, /problems/SLUG"},
        "title": _TEXT,
        "status": {"type": "integer", "description": "that of the answer"},
        "detail": {"type": "string", "description": "what is wrong with this request, or what to do"},
        "instance": {"type": "string", "description": "the path that was requested"},
    },
}

EXAMPLES: Mapping[str, Any] = {
    slug: {
        "summary": title,
        "value": {
            "type": f"/problems/{slug}",
            "title": title,
            "status": status,
            "detail": "What is wrong with this request, or what to do.",
            "instance": "/v1/jobs",
        },
    }
    for slug, (status, title) in CATALOGUE.items()
}

TRANSIENT = ("request-in-progress", "job-active", "item-pending", "delivery-under-way")
"""Refusals that say when to retry, beside those of a PASSING status."""


def refusals(slugs: Iterable[str]) -> dict[str, Any]:
    """An operation's refusals by status."""
    by_status = defaultdict[int, list[str]](list)
    for slug in dict.fromkeys(slugs):
        by_status[CATALOGUE[slug][0]].append(slug)
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def _response(status: int, slugs: list[str]) -> dict[str, Any]:
    (first, *more) = slugs
    if first in SHARED and not more:
        return {"$ref": f"#/components/responses/{first}"}
    return _refusal(status, slugs)


def _refusal(status: int, slugs: list[str]) -> dict[str, Any]:
    """One status: a problem of one of these types."""
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {slug: {"$ref": f"#/components/examples/{slug}"} for slug in slugs},
    }
    return {
        "description": "; ".join(CATALOGUE[slug][1] for slug in slugs),
        "content": {MEDIA_TYPE: content},
        "headers": references(_headers(status, slugs)),
    }


def _headers(status: int, slugs: list[str]) -> Iterator[str]:
    if status in PASSING or set(TRANSIENT) & set(slugs):
        yield "Retry-After"
    if status in (401, 403):
        yield "WWW-Authenticate"


SHARED: Mapping[str, Any] = {
    slug: _refusal(CATALOGUE[slug][0], [slug])
    for slug in (
        "unauthorized",
        "request-timeout",
        "url-too-long",
        "host-not-allowed",
        "headers-too-large",
    )
}
"""Refusals before it is known who asks, each the only one of its status: described once."""
