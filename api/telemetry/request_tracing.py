"""ASGI middleware, installed only if traces are sent: a span for every request that changes something.

The span continues the caller's trace (W3C traceparent), and the job that the request makes continues it.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.tracing import Tracer

TRACED = ("POST", "PUT", "PATCH", "DELETE")


class RequestTracing:
    """Traces requests that change something; polling would fill every trace."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in TRACED:
            await self._app(scope, receive, send)
            return
        method, parent = scope["method"], Headers(scope=scope).get("traceparent")
        with self._tracer.span(method, parent, {"http.request.method": method}) as span:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attributes({"http.response.status_code": message["status"]})
                await send(message)

            await self._app(scope, receive, send_noted)
            route = getattr(scope.get("route"), "path", "none")
            span.update_name(f"{method} {route}")
            span.set_attributes({"http.route": route})
