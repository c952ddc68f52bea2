"""Refusals for /docs: problems (RFC 9457) of one schema, with an example of each in the catalogue."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ..problems import CATALOGUE, MEDIA_TYPE, PASSING

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

RETRY = {"Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}}


def refusals(slugs: Iterable[str]) -> dict[str, Any]:
    """An operation's refusals by status."""
    by_status = defaultdict[int, list[str]](list)
    for slug in dict.fromkeys(slugs):
        by_status[CATALOGUE[slug][0]].append(slug)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, slugs: list[str]) -> dict[str, Any]:
    """One status: a problem of one of these types."""
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {slug: {"$ref": f"#/components/examples/{slug}"} for slug in slugs},
    }
    described = {
        "description": "; ".join(CATALOGUE[slug][1] for slug in slugs),
        "content": {MEDIA_TYPE: content},
    }
    return described | ({"headers": RETRY} if status in PASSING else {})
