"""uvicorn with two manners more: who reads nothing is cut off, and a stop ends event streams first."""

import asyncio
import contextlib
import logging
import resource
import socket
import sys

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .events.notices import Notices
from .settings import GatewaySettings

OPEN_FILES = 65_536

log = logging.getLogger(__name__)

STARTUP_FAILED = 3
"""The exit code of uvicorn's own command."""


class Server(uvicorn.Server):
    """Would otherwise wait for streams and waiters that have no reason to end."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Their clients come back to the gateway that starts next."""
        notices: Notices = self._app.state.notices
        notices.close()
        await super().shutdown(sockets)


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose writes may stand still for `stall_s`; what a reader does not take is held so long.

    uvicorn stops the application from writing (64 KiB and what it wrote last are held), but for ever. A
    mere close would wait for the reader too: the connection is aborted.
    """

    stall_s = 30.0
    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stall_s, self._cut)

    def resume_writing(self) -> None:
        self._calm()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """The last 64 KiB may still be there, with nobody to wait for them to go."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self.loop.call_later(self.stall_s, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def _end(self) -> None:
        if self.cycle.response_complete and self.transport.get_write_buffer_size():
            self._cut()

    def _calm(self) -> None:
        if self._stalled:
            self._stalled.cancel()
            self._stalled = None

    def _cut(self) -> None:
        log.warning("cut off a reader that took nothing for %g s", self.stall_s)
        self.transport.abort()


def serve(app: FastAPI, settings: GatewaySettings) -> None:
    """Serve until told to stop."""
    allow_many_connections()
    Protocol.stall_s = settings.stall_s
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
        server_header=False,
        log_config=None,  # __main__ did
        log_level=settings.log_level,
        timeout_graceful_shutdown=10,
    )
    server = Server(app, config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILED)


def allow_many_connections() -> None:
    """Take as many open files as this process may have; the usual 1,024 are fewer than its streams."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
