"""A redis-server that can be killed, stopped for a while, started again, and kept from writing."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from api.settings import GatewaySettings
from worker.embedded import EmbeddedRedis

ROOM = 200_000
"""Bytes that a Redis has room for which is full without any job."""


class Server:
    """One redis-server with the embedded settings, always on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        self._own = EmbeddedRedis(folder)
        self.url = self._own.url
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, more_bytes: int | None = None) -> float:
        """Run it, where its disk has so much left; returns when (monotonic) it answered."""
        # Python ignores SIGXFSZ, and so does a child that inherits it: a file at its limit is an error.
        self.process = subprocess.Popen(self._own.command(), restore_signals=False)
        self._own.wait_ready(self.process)
        self.limit_files(more_bytes)
        return time.monotonic()

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def died(self, within_s: float) -> bool:
        """Whether it ended by itself."""
        assert self.process is not None
        try:
            return self.process.wait(within_s) != 0
        except subprocess.TimeoutExpired:
            return False

    def limit_files(self, more: int | None) -> None:
        """Its journal may grow by so many bytes, as on a full disk; None: by as many as it likes."""
        assert self.process is not None
        journals = [path.stat().st_size for path in self.folder.rglob("*.aof")]
        limit = resource.RLIM_INFINITY if more is None else max(journals) + more
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def fill_memory(self) -> None:
        """Its scripts alone are beyond the mark of what it may take; an empty one would have room."""
        with self.client() as client:
            empty = client.info("memory")["used_memory_startup"]
            client.config_set("maxmemory", int((empty + ROOM) / GatewaySettings().memory_mark))

    def free_memory(self) -> None:
        """It may take as much as it likes."""
        with self.client() as client:
            client.config_set("maxmemory", 0)

    def client(self) -> "redis.Redis":
        """A client that asks nobody but it."""
        return redis.Redis.from_url(self.url)

    def stop(self) -> None:
        """End it for good."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self._own.close()


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A server that runs."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
