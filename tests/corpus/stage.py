"""The stage of the cases: gateways with different settings."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from worker.embedded import free_port

from chaos.servers import Server, running_server
from samples import npy_of, pngs, zip_of
from services import Services, new_key
from wire import Wire

STRICT = {
    "INKQUEUE_HEAD_S": "0.5",
    "INKQUEUE_BODY_S": "0.5",
    "INKQUEUE_MAX_BODY_BYTES": "100000",
    "INKQUEUE_MAX_IMAGES": "100",
    "INKQUEUE_MAX_WEBHOOKS": "1",
    "INKQUEUE_MAX_CONNECTIONS_PER_ADDRESS": "20",
    "INKQUEUE_LOG": "json",
}
TIGHT = {"INKQUEUE_MAX_QUEUED": "10", "INKQUEUE_MAX_OPEN": "3"}
GOOD = {f"good-{number}.png": data for number, data in enumerate(pngs(3, np.random.default_rng(7)))}
ZIP = {"Content-Type": "application/zip"}
LARGE = 12_000


class Stage:
    """Gateways by name: `plain` with a worker, `strict` and `keyed` on its Redis, `tight` on another.

    `keyed` has the jobs of `alice` and of `bob`, whose keys are among `keys`; what `tight` is sent
    stays in its queue.
    """

    def __init__(self, services: Services, folder: Path) -> None:
        self.services, self.folder = services, folder
        past = datetime(2026, 1, 1, tzinfo=UTC)
        self.keys = {
            "alice": new_key(),
            "bob": new_key(),
            "reader": new_key(scopes=frozenset({"read"})),
            "late": new_key(until=past),
        }
        self._gateways: dict[str, Services] = {"plain": services}
        self._stack = ExitStack()

    def __enter__(self) -> "Stage":
        for at in ("strict", "keyed", "tight"):  # so that no case waits for one
            self._start(at)
        for gateway in self._gateways.values():
            gateway.wait_answering(gateway.processes[0])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self, at: str) -> str:
        """The address of a gateway."""
        return self.gateway(at).url

    def gateway(self, at: str) -> Services:
        """The gateway of this name."""
        return self._gateways[at]

    def processes(self) -> list[int]:
        """The ids of all our processes and their children."""
        found = [
            process.pid
            for each in self._gateways.values()
            for process in each.processes
            if process.poll() is None
        ]
        return [*found, *(child for pid in found for child in _children(pid))]

    def log(self, at: str) -> str:
        """The log of a gateway other than `plain`."""
        return (self.folder / at).read_text()

    @cached_property
    def job(self) -> str:
        """The id of a finished job of GOOD, with its images kept."""
        return str(self.submitted("plain", "/v1/jobs?keep_images=true", zip_of(GOOD), **ZIP)["id"])

    @cached_property
    def job_of_alice(self) -> str:
        """The id of a job that is not bob's."""
        key = {"Authorization": f"Bearer {self.keys['alice'][0]}"}
        return str(self.submitted("keyed", "/v1/jobs", zip_of(GOOD), **ZIP, **key)["id"])

    @cached_property
    def large_job(self) -> str:
        """The id of a job of so many images that its results are more than 10 MB."""
        images = np.zeros((LARGE, 28, 28), np.uint8)
        query = "/v1/jobs?model=digits-nano&top_k=10"
        return str(
            self.submitted("plain", query, npy_of(images), **{"Content-Type": "application/x-npy"})["id"]
        )

    @cached_property
    def redis_of_tight(self) -> Server:
        """The Redis of `tight`, which a case may kill."""
        return self._stack.enter_context(running_server(self.folder / "redis"))

    def extra(self) -> Services:
        """Another gateway, which a case may stop."""
        gateway = self._start("extra")
        gateway.wait_answering(gateway.processes[0])
        return gateway

    def submitted(self, at: str, path: str, body: bytes, **fields: str) -> dict[str, Any]:
        """Submit a job and wait for it; return it."""
        lines = [f"{name}: {value}" for name, value in fields.items()]
        head = [f"POST {path} HTTP/1.1", "Host: localhost", *lines]
        head += ["Prefer: wait=60", f"Content-Length: {len(body)}"]
        with Wire(self.url(at)) as wire:
            wire.socket.settimeout(60)
            answer = wire.send("\r\n".join([*head, "\r\n"]).encode() + body).answer()
        assert answer.status == 200, answer
        job: dict[str, Any] = json.loads(answer.body)
        return job

    def _start(self, at: str) -> Services:
        redis_url, settings = self.services.redis_url, {"INKQUEUE_PORT": str(port := free_port())}
        if at == "tight":
            redis_url = self.redis_of_tight.url
        settings |= {
            "strict": STRICT,
            "tight": TIGHT,
            "extra": {},
            "keyed": {"INKQUEUE_API_KEYS": " ".join(line for _, line in self.keys.values())},
        }[at]
        environment = self.services.environment | {"REDIS_URL": redis_url} | settings
        gateway = self._gateways[at] = Services(redis_url, f"http://127.0.0.1:{port}", environment)
        log = self._stack.enter_context((self.folder / at).open("wb"))
        self._stack.callback(gateway.stop)
        gateway.spawn("api", log)
        return gateway


def _children(pid: int) -> list[int]:
    """The children of a process; psutil would look at every process of the machine."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]
