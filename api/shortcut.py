"""A way past FastAPI for routes that are called thousands of times a second: its routing, dependencies
and validation cost more than the answer. Middleware, problems and /docs are as for other routes, which
relies on how FastAPI stores them. Middleware and routing of a prediction take 44 us instead of 126.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send


class ShortcutApp(FastAPI):
    """Serves some of its routes past FastAPI; their endpoints take a request and nothing else."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._shortcuts: dict[tuple[str, str], tuple[APIRoute, ASGIApp]] = {}

    def cut_short(self, router: APIRouter) -> None:
        """Serve the routes of `router` this way. Call it after all middleware is added; include the
        router, too, for /docs."""
        for route in router.routes:
            assert isinstance(route, APIRoute)
            short: ASGIApp = Shortcut(route, self.exception_handlers)
            for middleware, args, options in reversed(self.user_middleware):
                short = middleware(short, *args, **options)
            self._shortcuts |= {(method, route.path): (route, short) for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, short = self._shortcuts.get(
            (scope.get("method", ""), scope.get("path", "")), (None, None)
        )
        if short is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"], scope["route"] = self, route
        await short(scope, receive, send)


class Shortcut:
    """One endpoint as an ASGI application. What it raises is answered by its app's exception handlers,
    one of which takes any Exception.
    """

    def __init__(self, route: APIRoute, handlers: Mapping[Any, Any]) -> None:
        self._endpoint, self._handlers = route.endpoint, handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = QuickRequest(scope, receive)
        try:
            response = await self._endpoint(request)
        except Exception as error:
            handle = next(self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers)
            response = await handle(request, error)
        await response(scope, receive, send)


class QuickRequest(Request):
    """A request whose headers are looked up often."""

    @cached_property
    def headers(self) -> Headers:
        """Starlette's, looked up in a dictionary."""
        return QuickHeaders(scope=self.scope)


class QuickHeaders(Headers):
    """Headers in a dictionary. If a field occurs twice, its first value counts, as in Starlette's."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._first = dict(reversed(self.raw))

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field, without a KeyError on the way."""
        value = self._first.get(key.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")
