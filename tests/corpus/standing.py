"""Watches the processes that answer: no case may kill one, or make the gateway grow much."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import redis

from .stage import Stage
from waiting import looking
from wire import Wire

MOST_GROWN = 64 << 20
PACE_S = 0.01


class Standing:
    """The gateway `plain` and the workers, compared with how they were when it was made; `grown` is by
    how many bytes the gateway has grown at most."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.grown = stage, 0
        self._gateway = psutil.Process(stage.gateway("plain").processes[0].pid)
        with Wire(stage.url("plain")) as wire:  # warmed up: with a job, and code for images
            for shown in ("items/0/preview.png", "export?what=all"):
                assert wire.get(f"/v1/jobs/{stage.job}/{shown}").answer().status == 200
        self._workers, self._before = self.workers(), self._gateway.memory_info().rss
        self._errors, self._kept = self._answers_of_500(), self._staged()

    def look(self) -> None:
        """Note how much memory the gateway has. Raises psutil.NoSuchProcess if it is dead."""
        self.grown = max(self.grown, self._gateway.memory_info().rss - self._before)

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


@contextmanager
def watched(stage: Stage) -> Iterator[Standing]:
    """Who answers on `stage`; the gateway's memory is looked at until the block ends."""
    standing = Standing(stage)
    with looking(standing.look, PACE_S):
        yield standing
