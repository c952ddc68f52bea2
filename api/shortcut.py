"""A way past FastAPI for what is asked thousands of times a second: its routing, dependencies and
validation cost more than the answer. Middleware and problems are the same, and /docs tells of it.
"""

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


class ShortcutApp(FastAPI):
    """Serves some of its routes without itself; their endpoints take a request and nothing else."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._shortcuts: dict[tuple[str, str], tuple[Route, Starlette]] = {}

    def cut_short(self, router: APIRouter) -> None:
        """The routes of `router`, once all middleware is added; for /docs it is included, too."""
        for each in router.routes:
            assert isinstance(each, Route)
            assert each.methods
            route = Route(each.path, each.endpoint, methods=each.methods)
            short = Starlette(
                routes=[route],
                middleware=self.user_middleware,
                exception_handlers=self.exception_handlers,
            )
            short.state = self.state
            self._shortcuts |= {(method, route.path): (route, short) for method in each.methods}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, short = self._shortcuts.get(
            (scope.get("method", ""), scope.get("path", "")), (None, None)
        )
        if short is None:
            await super().__call__(scope, receive, send)
            return
        scope["route"] = route
        await short(scope, receive, send)
