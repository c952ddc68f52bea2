"""ASGI middleware: HEAD is answered as GET is, without the content (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """ASGI middleware: passes HEAD on as GET, and stops once the answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            await send(message)
            await send({"type": "http.response.body"})
            raise _Enough

        try:
            await self._app(asked, receive, send_head)
        except _Enough:
            scope["route"] = asked.get("route")  # metrics count it by its route


class _Enough(Exception):
    """Ends an answer once its head is sent: a stream might go on for long, with nobody to read it."""
