"""`inkqueue up`: Redis, gateways, workers and a sender, restarted when they die or hang.

With REDIS_URL set, that Redis is used; else an embedded one on a data folder.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from model.machine import usable_cores
from worker.embedded import EmbeddedRedis

from .children import Child
from .watchdog import Watchdog

WORKERS = min(4, -(-usable_cores() // 2))
"""One per two cores, at most four: a worker's threads share its memory, but Python keeps no more cores
busy."""


def on_stop(handler: Callable[[int, FrameType | None], object]) -> None:
    """Call `handler` when told to stop, or when the terminal is closed (unless `nohup` ignores that)."""
    signal.signal(signal.SIGTERM, handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handler)


@dataclass
class Stack:
    """The children, in the order they start; they stop all at once, except Redis, which stops last."""

    host: str
    port: int
    workers: int
    data: Path
    log_level: str = ""
    """The log level of the children, unless the environment sets one."""
    api_workers: int = 1
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    @property
    def figures(self) -> Path:
        """The folder of the figures that /metrics reports for several gateways together."""
        return self.data.resolve() / f"metrics-{self.port}"

    def start(self) -> None:
        """Start everything, unless told to stop while Redis reads its journal. Raises NoRedis."""
        environment = {"INKQUEUE_HOST": self.host, "INKQUEUE_PORT": str(self.port)}
        if self.log_level and not os.environ.get("INKQUEUE_LOG_LEVEL"):
            environment["INKQUEUE_LOG_LEVEL"] = self.log_level
        if not os.environ.get("REDIS_URL"):
            environment["REDIS_URL"] = self._start_redis()
        if self.stopping:
            return
        threads = str(max(1, usable_cores() // self.workers))
        if not os.environ.get("INKQUEUE_THREADS"):
            environment |= {"INKQUEUE_THREADS": threads, "OMP_NUM_THREADS": threads}
        # -P: a folder called `api` or `worker` in the working directory is not ours.
        python = [sys.executable, "-P", "-m"]
        self._start_gateways([*python, "api"], environment)
        for number in range(1, self.workers + 1):
            self._add(Child(f"worker {number}", [*python, "worker"], environment))
        self._add(Child("sender", [*python, "worker.sender"], environment))

    def run(self, ready: Callable[[], None]) -> None:
        """Start everything, call `ready`, and restart what dies until told to stop."""
        signal.signal(signal.SIGINT, self._ask_to_stop)
        on_stop(self._ask_to_stop)
        try:
            self.start()
            if not self.stopping:
                ready()
            while not self.stopping:
                for child in self.children:
                    child.look_after()
                time.sleep(0.1)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop everything: all users of Redis together, and Redis once they have ended."""
        redis = [child for child in self.children if child.name == "redis"]
        others = [child for child in self.children if child.name != "redis"]
        for child in others:
            if child.process and child.process.poll() is None:
                child.process.terminate()
        for child in [*others, *redis]:
            child.stop()
        shutil.rmtree(self.figures, ignore_errors=True)

    def pids(self) -> dict[str, int]:
        """The running children's process ids."""
        return {child.name: child.process.pid for child in self.children if child.process}

    def _start_gateways(self, command: list[str], environment: dict[str, str]) -> None:
        if self.api_workers == 1:
            return self._add(_gateway("gateway", command, environment))
        shutil.rmtree(self.figures, ignore_errors=True)
        self.figures.mkdir(parents=True)
        shared = {"INKQUEUE_SHARE_PORT": "true", "PROMETHEUS_MULTIPROC_DIR": str(self.figures)}
        for number in range(1, self.api_workers + 1):
            self._add(_gateway(f"gateway {number}", command, environment | shared))

    def _start_redis(self) -> str:
        server = EmbeddedRedis(self.data)
        # Redis inherits the lock, so that the folder is taken for as long as Redis uses it.
        child = Child("redis", server.command(), {}, (server.lock,))
        self._add(child)
        assert child.process is not None
        server.wait_ready(child.process, lambda: self.stopping)
        self._server = server  # keeps the lock, too
        return server.url

    def _add(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def _gateway(name: str, command: list[str], environment: dict[str, str]) -> Child:
    """A gateway that tells its watchdog that it does not hang."""
    watchdog = Watchdog()
    environment = environment | {"INKQUEUE_HEARTBEAT_FD": str(watchdog.writer)}
    return Child(name, command, environment, (watchdog.writer,), watchdog)
