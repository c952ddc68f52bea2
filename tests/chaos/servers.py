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

from services import end_process, ending_with_us

ROOM = 200_000
"""Bytes that an empty Redis has to spare when memory is full: fewer than the scripts take."""


class Server:
    """One redis-server with the embedded settings, always on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        self._own = EmbeddedRedis(folder)
        self.url = self._own.url
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, more_bytes: int | None = None) -> float:
        """Run it, with so many bytes left on its disk; return when (monotonic) it answered."""
        # Python ignores SIGXFSZ, and the child inherits that: a write beyond the limit is an error.
        self.process = subprocess.Popen(
            self._own.command(), restore_signals=False, preexec_fn=ending_with_us()
        )
        self._own.wait_ready(self.process)
        self.limit_files(more_bytes)
        return time.monotonic()

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def died(self, within_s: float) -> bool:
        """Whether it ends by itself, with an error, in that time."""
        assert self.process is not None
        try:
            return self.process.wait(within_s) != 0
        except subprocess.TimeoutExpired:
            return False

    def limit_files(self, more: int | None) -> None:
        """Let its journal grow by so many bytes only, as on a full disk; None: without a limit."""
        assert self.process is not None
        journals = [path.stat().st_size for path in self.folder.rglob("*.aof")]
        limit = resource.RLIM_INFINITY if more is None else max(journals) + more
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def fill_memory(self) -> None:
        """Lower maxmemory until its scripts alone exceed the mark; an empty Redis would have room."""
        with self.client() as client:
            empty = client.info("memory")["used_memory_startup"]
            client.config_set("maxmemory", int((empty + ROOM) / GatewaySettings().memory_mark))

    def free_memory(self) -> None:
        """Remove the limit on its memory."""
        with self.client() as client:
            client.config_set("maxmemory", 0)

    def client(self) -> "redis.Redis":
        """A client of this server, without a proxy."""
        return redis.Redis.from_url(self.url)

    def stop(self) -> None:
        """Stop it for good."""
        if self.process is not None:
            end_process(self.process)
        self._own.close()


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """A running server."""
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
