"""uvicorn with our edge (edge/protocol.py) and two additions: event streams end before the server stops,
and a heartbeat tells a watchdog that the event loop does not hang."""

import contextlib
import logging
import os
import socket
import sys
from math import ceil

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from worker.logs import refuse

from .edge.policy import EdgePolicy
from .edge.protocol import EdgeProtocol
from .services import services_of
from .settings import GatewaySettings


class Server(uvicorn.Server):
    """Ends event streams and long polls before it stops: uvicorn alone would wait for them."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app
        self._heartbeat_fd = services_of(app).settings.heartbeat_fd

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second: tell the watchdog that the event loop does not hang."""
        if self._heartbeat_fd >= 0:
            with contextlib.suppress(OSError):  # the watchdog has not read for hours, or is gone
                os.write(self._heartbeat_fd, b".")
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wake all requests that wait, then stop; clients of streams reconnect to the next gateway."""
        services_of(self._app).notifications.close()
        await super().shutdown(sockets)


def serve(app: FastAPI, settings: GatewaySettings, policy: EdgePolicy) -> None:
    """Serve connections under `policy` until told to stop."""
    server = create_server(app, settings, policy)
    sockets = [_shared_socket(settings.host, settings.port)] if settings.share_port else None
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _shared_socket(host: str, port: int) -> socket.socket:
    """A listening socket that shares its port: the kernel spreads connections over all such sockets."""
    try:
        (family, *_, where), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(where)
    except OSError as error:
        refuse("gateway", f"cannot listen on {host}:{port}: {error}")
    return listener


def create_server(app: FastAPI, settings: GatewaySettings, policy: EdgePolicy) -> Server:
    """The server of `app`, not started."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=EdgeProtocol.with_policy(policy),
        ws="none",
        timeout_keep_alive=ceil(settings.keep_alive_s),
        server_header=False,
        log_config=None,  # __main__ has configured logging
        log_level=settings.log_level,
        access_log=logging.getLogger().isEnabledFor(logging.INFO),  # costs time even if not shown
        timeout_graceful_shutdown=10,
    )
    return Server(app, config)
