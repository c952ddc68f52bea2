"""Watches the processes that answer: no case may kill one, or make the gateway grow much."""

import json
import threading
from types import TracebackType
from typing import Self

import psutil
import redis

from .stage import Stage
from wire import Wire

MOST_GROWN = 64 << 20
PACE_S = 0.01


class Standing:
    """Watches the memory of the gateway `plain`, and knows the workers that were there at the start."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._gateway = psutil.Process(stage.gateway("plain").processes[0].pid)
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        with Wire(self._stage.url("plain")) as wire:  # warmed up: with a job, and code for images
            for shown in ("items/0/preview.png", "export?what=all"):
                assert wire.get(f"/v1/jobs/{self._stage.job}/{shown}").answer().status == 200
        self._workers, self._before = self.workers(), self._gateway.memory_info().rss
        self._errors, self._kept = self._answers_of_500(), self._staged()
        self.grown = 0
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._watcher.join()

    def workers(self) -> set[str]:
        """The ids of the live workers, which change when one is restarted."""
        with Wire(self._stage.url("plain")) as wire:
            return {each["id"] for each in json.loads(wire.get("/readyz").answer().body)["workers"]}

    def faults(self) -> list[str]:
        """What has gone wrong: dead processes, memory, answers of 500, refused uploads that are kept."""
        found = {
            "a worker died": not self._workers <= self.workers(),
            "the gateway died": not self._gateway.is_running(),
            f"the gateway grew by {self.grown >> 20} MB": self.grown > MOST_GROWN,
            "there were answers of 500": self._answers_of_500() != self._errors,
            "what was refused is kept": bool(self._staged() - self._kept),
        }
        return [fault for fault, is_so in found.items() if is_so]

    def _answers_of_500(self) -> list[str]:
        with Wire(self._stage.url("plain")) as wire:
            lines = wire.get("/metrics").answer().body.decode().splitlines()
        return [line for line in lines if 'status="500"' in line]

    def _staged(self) -> set[bytes]:
        with redis.Redis.from_url(self._stage.gateway("plain").redis_url) as client:
            return set(client.scan_iter("ink:stage:*"))

    def _watch(self) -> None:
        while not self._over.wait(PACE_S) and self._gateway.is_running():
            self.grown = max(self.grown, self._gateway.memory_info().rss - self._before)
