"""Templates become pages, each rendered once, since a page holds nobody's data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from model.card import Card

from .. import etags
from ..settings import GatewaySettings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What the pages may do: nothing inline, nothing from another host (CSP level 3)."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Pages:
    """The pages of one gateway; `known` returns what its templates know, when the first is rendered."""

    def __init__(self, known: Callable[[], Mapping[str, Any]]) -> None:
        self._known = known
        self._rendered: dict[str, bytes] = {}

    def answer(self, request: Request, name: str) -> Response:
        """The page `name`; 304 for a client that has it."""
        if name not in self._rendered:
            self._rendered[name] = self._render(name)
        body = self._rendered[name]
        headers = HEADERS | {"ETag": etags.of(body)}
        if etags.has(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    def _render(self, name: str) -> bytes:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # a start need not wait for it

        templates = Environment(
            loader=PackageLoader("api.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return templates.get_template(f"{name}.html").render(self._known()).encode()


def facts(
    settings: GatewaySettings, cards: Mapping[str, Card], keyed: bool, paths: Iterable[str]
) -> str:
    """What the scripts should know of this gateway, as JSON."""
    paths = set(paths)
    return orjson.dumps(
        {
            "keyed": keyed,
            "models": {card.name: card.labels for card in cards.values()},
            "events": "/v1/jobs/{job_id}/events" in paths,
            "queue": "/v1/queue" in paths,
            "max_files": settings.max_form_files,
            "max_bytes": settings.max_body_bytes,
            "ping_s": settings.ping_s,
        }
    ).decode()
