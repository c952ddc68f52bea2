"""A real redis-server that can be killed, and comes back with everything that it acknowledged."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import redis

from worker.connections.connection import connect, connect_async

from chaos.servers import Server

T = TypeVar("T")


class LedgerServer:
    """One redis-server in a folder, and clients of it that survive its restarts."""

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self._server.start()
        self.url = self._server.url
        self._loop = asyncio.Runner()
        self.client: redis.Redis = connect(self.url)
        self.asynchronous: Any = self.run(_connected(self.url))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns, on the event loop of the asynchronous client."""
        return self._loop.run(work)

    def kill(self) -> None:
        """SIGKILL it and start it again on the same port."""
        self._server.kill()
        self._server.start()

    def close(self) -> None:
        """Close the clients and stop the server."""
        self.run(self.asynchronous.aclose())
        self._loop.close()
        self.client.close()
        self._server.stop()


async def _connected(url: str) -> Any:
    return connect_async(url)
