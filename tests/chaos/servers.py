"""A redis-server that can be killed, stopped for a while, started again, and kept from writing."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from worker.embedded import EmbeddedRedis


class Server:
    """One redis-server with the embedded settings, always on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        self._own = EmbeddedRedis(folder)
        self.url = self._own.url
        self.folder = folder
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Run it; returns when (monotonic) it answered."""
        # Python ignores SIGXFSZ, and so does the child that inherits it: a file at its limit is an error.
        self.process = subprocess.Popen(self._own.command(), restore_signals=False)
        self.starts += 1
        self._own.wait_ready(self.process)
        return time.monotonic()

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def limit_files(self, more: int | None) -> None:
        """It may write so many bytes more to its journal, as on a full disk; None: as many as it likes."""
        assert self.process is not None
        journals = [path.stat().st_size for path in self.folder.rglob("*.aof")]
        limit = resource.RLIM_INFINITY if more is None else max(journals) + more
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

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
