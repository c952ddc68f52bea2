"""Every route of the gateway, with requests for it: for tests that go over all routes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from api.app import create_app
from api.settings import GatewaySettings

JSON = {"Content-Type": "application/json"}
PNG = {"Content-Type": "image/png"}


@dataclass(frozen=True)
class Probe:
    """A request for a route. `scope` is what a key must have: '' needs no key, `any` any valid key."""

    method: str
    route: str
    path: str
    scope: str = ""
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, http: httpx.Client) -> httpx.Response:
        """The answer; only the head of a stream that does not end."""
        headers = dict(self.headers)
        with http.stream(self.method, self.path, content=self.content, headers=headers) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
            return answer


def table() -> set[tuple[str, str]]:
    """(method, path) of every route that the application has."""
    app = create_app(GatewaySettings(api_keys="", api_keys_file=None))
    return {(method, route.path) for route in _routes(app.routes) for method in route.methods}


def _routes(routes: Any) -> Iterator[Any]:
    for route in routes:
        if inner := getattr(route, "original_router", None):
            yield from _routes(inner.routes)
        else:
            yield route


def probes(job: str, hook: str, delivery: str, etag: str = '"0"', event: str = "0-1") -> list[Probe]:
    """Requests for every route, with these ids where a route has any; harmless if nobody has the ids."""
    one = "/v1/jobs/{job_id}"
    item = f"{one}/items/{{index}}"
    image = f"{item}/image"
    preview = f"{item}/preview.png"
    endpoint = "/v1/webhooks/{webhook_id}"

    def at(route: str, index: int = 0) -> str:
        return route.format(job_id=job, webhook_id=hook, delivery_id=delivery, index=index)

    def get(route: str, scope: str = "", query: str = "", **headers: str) -> Probe:
        return Probe("GET", route, at(route) + query, scope, b"", _headers(headers))

    def post(route: str, scope: str, query: str = "", content: Any = None, **headers: str) -> Probe:
        return _with_body("POST", route, at(route) + query, scope, content, headers)

    def patch(route: str, scope: str, content: Any, index: int = 0) -> Probe:
        return _with_body("PATCH", route, at(route, index), scope, content, {})

    return [
        post("/v1/jobs", "submit", "?model=none"),
        _with_body("PUT", one, at(one) + "?model=none", "submit", None, {}),
        get("/v1/jobs", "read"),
        get("/v1/jobs", "read", "?limit=100&state=queued"),
        get("/v1/jobs", "read", "?cursor=1"),
        get(one, "read"),
        get(one, "read", "?wait=0.01"),
        get(one, "read", If_None_Match=etag),
        get(f"{one}/results", "read"),
        get(f"{one}/results", "read", "?format=csv"),
        get(f"{one}/results", "read", "?only=failed&cursor=1&limit=1"),
        get(f"{one}/results", "read", Accept="application/x-ndjson"),
        get(item, "read"),
        Probe("GET", item, at(item, 99), "read"),
        get(image, "read"),
        get(preview, "read"),
        get(preview, "read", "?show=glyph"),
        patch(f"{item}/correction", "manage", {"label": "7"}),
        patch(f"{item}/correction", "manage", {"label": None}, 1),
        patch(f"{one}/corrections", "manage", {"labels": {"0": "7", "1": None}}),
        patch(f"{one}/corrections", "manage", {"labels": {"99": "!"}}),
        get(f"{one}/export", "read"),
        get(f"{one}/export", "read", "?what=all&images=uploads"),
        get(f"{one}/events", "read"),
        get(f"{one}/events", "read", "?results=false"),
        get(f"{one}/events", "read", Last_Event_ID=event),
        get(f"{one}/events", "read", f"?last_event_id={event}"),
        post("/v1/predictions", "submit", "?model=none"),
        get("/v1/queue", "operate"),
        post("/v1/webhooks", "webhooks", content={"url": "nowhere"}),
        get("/v1/webhooks", "webhooks"),
        get(endpoint, "webhooks"),
        patch(endpoint, "webhooks", {"description": "mine"}),
        patch(endpoint, "webhooks", {"enabled": True}),
        patch(endpoint, "webhooks", {"enabled": 7}),
        post(f"{endpoint}/secret", "webhooks"),
        post(f"{endpoint}/secret", "webhooks", "?overlap=0"),
        get(f"{endpoint}/deliveries", "webhooks"),
        get(f"{one}/deliveries", "webhooks"),
        post(f"{one}/deliveries/{{delivery_id}}/redeliver", "webhooks"),
        post(f"{one}/retry", "manage"),
        post(f"{one}/retry", "manage", content={"only": "failed"}, Idempotency_Key=job),
        post(f"{one}/retry", "manage", content={"only": "nothing"}),
        post(f"{one}/cancel", "manage"),
        Probe("DELETE", one, at(one), "manage"),
        Probe("DELETE", endpoint, at(endpoint), "webhooks"),
        get("/v1/models", "any"),
        get("/healthz"),
        get("/readyz"),
        get("/metrics"),
        get("/openapi.json"),
        Probe("HEAD", "/openapi.json", "/openapi.json"),
        Probe("GET", "/problems/{slug}", "/problems/not-found"),
        get("/"),
        get("/upload"),
        get("/jobs/{job_id}"),
        get("/docs"),
        Probe("GET", "/static/{digest}/{path:path}", f"/static/{job}/base.css"),
        Probe("GET", "/static/{digest}/{path:path}", f"/static/{job}/none.css"),
    ]


def _with_body(
    method: str, route: str, path: str, scope: str, content: Any, headers: dict[str, str]
) -> Probe:
    body = json.dumps(content).encode() if content is not None else b""
    return Probe(method, route, path, scope, body, _headers(headers) + tuple(JSON.items()))


def _headers(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in headers.items())
