"""`inkqueue up`: Redis, gateway, workers and a sender, children of one process, restarted when they die.

With REDIS_URL set, that Redis is used; else an embedded one on a data folder.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from worker.embedded import EmbeddedRedis

log = logging.getLogger("inkqueue")

WORKERS = min(4, os.cpu_count() or 1)
"""One of one thread a core reads faster than one of many threads; each holds 400 MB."""

STOP_S = 15.0
CALM_S = 30.0
"""A child that ran this long is restarted at once; one that dies sooner waits, ever longer."""


@dataclass
class Child:
    """A process of the stack and how it is doing."""

    name: str
    command: list[str]
    environment: dict[str, str]
    inherited: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    retry_at: float = 0.0

    def start(self) -> None:
        """Run it, apart from the terminal's Ctrl-C: the stack stops its children in order."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # Celery says goodbye there; what matters goes to stderr
            start_new_session=True,
            pass_fds=self.inherited,
            preexec_fn=_die_with_parent,
        )

    def look_after(self) -> bool:
        """Start it again if it died and it is time; returns whether that was done."""
        if self.process is None or self.process.poll() is None:
            return False
        now = time.monotonic()
        if not self.retry_at:
            self.failures = 0 if now - self.started > CALM_S else self.failures + 1
            self.retry_at = now + (min(10.0, 0.1 * 2**self.failures) if self.failures else 0.0)
            log.warning("%s ended with %s", self.name, self.process.returncode)
        if now < self.retry_at:
            return False
        self.retry_at = 0.0
        self.start()
        return True

    def stop(self) -> None:
        """Ask it to end, then make it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Stack:
    """The children in the order they start; they stop in the reverse."""

    host: str
    port: int
    workers: int
    data: Path
    log_level: str = ""
    """What of the children's logs is shown, unless the environment says."""
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def start(self) -> None:
        """Start everything. Raises NoRedis."""
        environment = {"INKQUEUE_HOST": self.host, "INKQUEUE_PORT": str(self.port)}
        if self.log_level and not os.environ.get("INKQUEUE_LOG_LEVEL"):
            environment["INKQUEUE_LOG_LEVEL"] = self.log_level
        if not os.environ.get("REDIS_URL"):
            environment["REDIS_URL"] = self._start_redis()
        threads = str(max(1, (os.cpu_count() or 1) // self.workers))
        if not os.environ.get("INKQUEUE_THREADS"):
            environment |= {"INKQUEUE_THREADS": threads, "OMP_NUM_THREADS": threads}
        # -P: a folder called `api` or `worker` where the command is called is not ours.
        python = [sys.executable, "-P", "-m"]
        self._add(Child("gateway", [*python, "api"], environment))
        for number in range(1, self.workers + 1):
            self._add(Child(f"worker {number}", [*python, "worker"], environment))
        self._add(Child("sender", [*python, "worker.sender"], environment))

    def run(self, ready: Callable[[], None]) -> None:
        """Until SIGINT or SIGTERM; `ready` is called once everything was started."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        try:
            self.start()
            ready()
            while not self.stopping:
                for child in self.children:
                    child.look_after()
                time.sleep(0.1)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop everything: first who takes work, then who does it, Redis last."""
        redis = [child for child in self.children if child.name == "redis"]
        for child in [each for each in self.children if each not in redis]:
            if child.process and child.process.poll() is None:
                child.process.terminate()
        for child in [*(each for each in self.children if each not in redis), *redis]:
            child.stop()

    def pids(self) -> dict[str, int]:
        """The running children's process ids."""
        return {child.name: child.process.pid for child in self.children if child.process}

    def _start_redis(self) -> str:
        server = EmbeddedRedis(self.data)
        # With the lock in its hands too, the folder is taken for as long as Redis is on it.
        child = Child("redis", server.command(), {}, (server.lock,))
        self._add(child)
        assert child.process is not None
        server.wait_ready(child.process)
        self._server = server  # and with it the lock
        return server.url

    def _add(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def _die_with_parent() -> None:
    """On Linux, let the kernel end this child should the stack be killed outright."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
