"""A real redis-server that can be killed, and comes back with everything that it acknowledged."""

import asyncio
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import redis

from worker.connections.connection import connect, connect_async
from worker.embedded import EmbeddedRedis

T = TypeVar("T")


class Server:
    """One redis-server in a folder, and clients of it that survive its restarts."""

    def __init__(self, folder: Path) -> None:
        self._embedded = EmbeddedRedis(folder)
        self.url = self._embedded.url
        self._loop = asyncio.Runner()
        self._start()
        self.client: redis.Redis = connect(self.url)
        self.asynchronous: Any = self.run(_connected(self.url))

    def _start(self) -> None:
        self._process = subprocess.Popen(self._embedded.command())
        self._embedded.wait_ready(self._process)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns, on the event loop of the asynchronous client."""
        return self._loop.run(work)

    def kill(self) -> None:
        """SIGKILL it and start it again on the same port."""
        self._process.kill()
        self._process.wait()
        self._start()

    def close(self) -> None:
        """Close the clients and stop the server."""
        self.run(self.asynchronous.aclose())
        self._loop.close()
        self.client.close()
        self._process.terminate()
        self._process.wait()
        self._embedded.close()


async def _connected(url: str) -> Any:
    return connect_async(url)
