"""Real services for the tests: redis-server, gateway and worker on free ports, stopped afterwards."""

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import IO, Any

import httpx
import redis

from api.auth.credentials import Credential
from worker import embedded
from worker.embedded import EmbeddedRedis, free_port
from worker.prctl import die_with_parent

READY_S = 60.0

# A TLS context takes 20 ms of the processor, and most tests make clients of their own.
httpx._transports.default.create_ssl_context = cache(httpx._transports.default.create_ssl_context)

# A busy machine may take longer than the 5 s that httpx waits by itself.
vars(httpx._config.DEFAULT_TIMEOUT_CONFIG).update(
    dict.fromkeys(("connect", "read", "write", "pool"), 20.0)
)

# A process takes ports from a range of its own while it holds the first of them, lest one take what
# another is about to listen on. Programs that it starts take others, and so does it if all are held.
HELD = socket.socket()
atexit.register(HELD.close)
for ports in (range(first, first + 500) for first in range(10_000, 20_000, 500)):
    with suppress(OSError):
        HELD.bind(("127.0.0.1", ports[0]))
        embedded.PORTS = cycle(random.sample(ports[1:], len(ports) - 1))
        break


@dataclass
class Services:
    """A running stack: its addresses and its processes."""

    redis_url: str
    url: str
    environment: dict[str, str]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def spawn(self, module: str, log: IO[bytes] | None = None) -> "subprocess.Popen[bytes]":
        """Run `python -m module` beside the others; its output goes to `log`, or where ours goes."""
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=os.environ | self.environment,
            start_new_session=True,
            stdout=log,
            stderr=log,
            preexec_fn=ending_with_us(),
        )
        self.processes.append(process)
        return process

    def wait_ready(self, workers: int = 1) -> None:
        """Wait until the gateway answers and `workers` workers are alive. Raises TimeoutError."""
        end, said = time.monotonic() + READY_S, "nothing"
        while time.monotonic() < end:
            try:
                answer = httpx.get(f"{self.url}/readyz")
                if answer.status_code == 200 and len(answer.json()["workers"]) >= workers:
                    return
                said = answer.text
            except httpx.TransportError as error:
                said = repr(error)
            time.sleep(0.05)
        ended = [(each.args, each.returncode) for each in self.processes if each.poll() is not None]
        raise TimeoutError(f"the services did not become ready: {said}; ended: {ended}")

    def wait_answering(self, gateway: "subprocess.Popen[bytes]") -> None:
        """Wait until the gateway answers, with workers or without. Raises TimeoutError."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end and gateway.poll() is None:
            try:
                httpx.get(f"{self.url}/healthz")
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("the gateway did not answer")

    def kill(self) -> None:
        """End everything that was spawned, at once."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def stop(self) -> None:
        """Have everything that was spawned end in order, which takes workers and senders a second."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ending_with_us() -> Callable[[], None] | None:
    """What a process does before its program, so that it is killed when ours ends in any way. The kernel
    looks at the thread that starts it: one from another thread than the main one lives on."""
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    return partial(die_with_parent, signal.SIGKILL, os.getpid())


def new_key(owner: str = "", **fields: Any) -> tuple[str, str]:
    """A fresh API key, and its line for the gateway."""
    key, known = Credential.new(owner, **fields)
    return key, known.line()


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Have a process end, in order if it can: a Redis that starts a journal is deaf to SIGTERM."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """A real redis-server with the embedded settings; yields its URL."""
    server = EmbeddedRedis(folder)
    process = subprocess.Popen(server.command(), preexec_fn=ending_with_us())
    try:
        server.wait_ready(process)
        yield server.url
    finally:
        end_process(process)
        server.close()


@contextmanager
def running_services(folder: Path, **settings: str) -> Iterator[Services]:
    """Redis, and room for a gateway and workers; nothing is spawned yet."""
    with running_redis(folder) as redis_url:
        port = free_port()
        environment = {
            "REDIS_URL": redis_url,
            "INKQUEUE_PORT": str(port),
            "INKQUEUE_LEASE_MS": "2000",
            "INKQUEUE_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        } | settings
        services = Services(redis_url, f"http://127.0.0.1:{port}", environment)
        try:
            yield services
        finally:
            services.kill()


@contextmanager
def lone_gateway(folder: Path, **settings: str) -> Iterator[Services]:
    """A gateway that answers, on a Redis of its own, without workers."""
    with running_services(folder, **settings) as services:
        services.wait_answering(services.spawn("api"))
        yield services


@contextmanager
def gateway_and_worker(folder: Path, **settings: str) -> Iterator[Services]:
    """One of each, ready, on a Redis of their own."""
    with running_services(folder, **settings) as services:
        services.spawn("api")
        services.spawn("worker")
        services.wait_ready()
        yield services


@contextmanager
def logged_services(**settings: str) -> Iterator[tuple[Services, Path]]:
    """One gateway and one worker for a command, whose logs go to a file; and the folder of it all."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_services(Path(name), **settings) as services,
        (Path(name) / "log").open("wb") as log,
    ):
        services.spawn("api", log)
        services.spawn("worker", log)
        services.wait_ready()
        yield services, Path(name)


@contextmanager
def beside(services: Services, **settings: str) -> Iterator[Services]:
    """Another gateway on the same Redis."""
    environment = services.environment | {"INKQUEUE_PORT": str(free_port())} | settings
    own = Services(services.redis_url, f"http://127.0.0.1:{environment['INKQUEUE_PORT']}", environment)
    try:
        own.wait_answering(own.spawn("api"))
        yield own
    finally:
        own.kill()


@contextmanager
def on_empty_redis(services: Services) -> Iterator[httpx.Client]:
    """A client of these services, whose Redis is emptied first."""
    with redis.Redis.from_url(services.redis_url) as client:
        client.flushall()
    with httpx.Client(base_url=services.url, timeout=20) as http:
        yield http
