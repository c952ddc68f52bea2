"""Renders templates to pages, each of them once, since a page holds no caller's data."""

from collections.abc import Mapping

import orjson
from fastapi import Request, Response

from model.card import Card

from .. import etags
from ..exports import archive
from ..parameters import find_model
from ..schemas import corrections
from ..settings import GatewaySettings
from .assets import own_assets, swagger_assets

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
    """The pages of one gateway; `keyed`: whether its callers need keys."""

    def __init__(self, settings: GatewaySettings, cards: Mapping[str, Card], keyed: bool) -> None:
        self._settings, self._cards, self._keyed = settings, cards, keyed
        self._own, self._swagger = own_assets(), swagger_assets()
        self._rendered: dict[str, bytes] = {}

    def answer(self, request: Request, name: str) -> Response:
        """The page `name`; 304 for a client that has it."""
        if name not in self._rendered:
            self._rendered[name] = self._render(name)
        body = self._rendered[name]
        headers = HEADERS | {"ETag": etags.of(body)}
        if etags.matches(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="text/html; charset=utf-8")

    async def asset(self, request: Request, digest: str, path: str) -> Response:
        """A file that the pages use, by its address (see Assets.answer). Raises HTTPException 404."""
        assets = self._swagger if digest.startswith("swagger-") else self._own
        return await assets.answer(request, digest, path)

    def _render(self, name: str) -> bytes:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # not needed to start

        templates = Environment(
            loader=PackageLoader("api.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        known = {
            "assets": f"/static/{self._own.digest}",
            "swagger": f"/static/{self._swagger.digest}",
            "cards": list(self._cards.values()),
            "default": find_model(None, self._cards).name,
            "facts": self._facts(),
        }
        return templates.get_template(f"{name}.html").render(known).encode()

    def _facts(self) -> str:
        """Facts about this gateway for the scripts, as JSON."""
        facts = {
            "keyed": self._keyed,
            "models": {card.name: card.labels for card in self._cards.values()},
            "max_files": self._settings.max_form_files,
            "max_bytes": self._settings.max_body_bytes,
            "max_corrections": corrections.MOST,
            "max_exported": archive.MOST,
            "ping_s": self._settings.ping_s,
        }
        return orjson.dumps(facts).decode()
