"""The troubles that a patient can have: each lasts for so many seconds, and then ends."""

import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .troubles import Patient, Trouble
from samples import npy_of

CROWD, SETTLED_S = 50, 0.3
"""Connections that take the descriptors that are left, and the seconds in which they do."""

PLANNED = (
    (503, "/problems/no-resources", "5"),
    (503, "/problems/storage-unavailable", "2"),
)
"""What an upload is answered if a file, or a connection to Redis, cannot be opened."""

Harm = Callable[[Patient, float], Trouble]


def kill_redis(patient: Patient, lasting_s: float) -> Trouble:
    """Redis is killed, and started again."""
    return patient.have(patient.server.kill, patient.server.start, lasting_s)


def swallow(patient: Patient, lasting_s: float) -> Trouble:
    """Both links become black holes: what is sent is gone, and nobody is told."""

    def harm() -> None:
        for link in patient.links:
            link.swallow()

    def heal() -> float:
        for link in patient.links:
            link.restore()
        return time.monotonic()

    return patient.have(harm, heal, lasting_s)


def fill_disk(patient: Patient, lasting_s: float) -> Trouble:
    """Redis cannot write its journal, and ends whenever it is started."""
    server = patient.server

    def heal() -> float:
        if not server.died(within_s=5):
            raise AssertionError("Redis goes on without a journal")
        end = time.monotonic() + lasting_s
        while True:
            server.start(more_bytes=0)
            if not server.died(within_s=5):
                raise AssertionError("Redis goes on without a journal")
            if time.monotonic() >= end:
                return server.start()

    return patient.have(lambda: server.limit_files(1000), heal)


def fill_memory(patient: Patient, lasting_s: float) -> Trouble:
    """Redis is beyond its maxmemory."""

    def heal() -> float:
        patient.server.free_memory()
        return time.monotonic()

    return patient.have(patient.server.fill_memory, heal, lasting_s)


def take_descriptors(patient: Patient, lasting_s: float) -> Trouble:
    """The gateway has no descriptor left: others hold all there are. An upload that wants a file is
    refused, as are new connections."""
    pid = patient.gateway.pid
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    large = npy_of(np.zeros((3000, 28, 28), np.uint8))
    crowd: list[socket.socket] = []

    def harm() -> None:
        patient.http.get("/healthz")
        most = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, usual[1]))
        address = "127.0.0.1", patient.http.base_url.port
        crowd.extend(socket.create_connection(address) for _ in range(CROWD))
        time.sleep(SETTLED_S)
        kind = {"Content-Type": "application/x-npy"}
        answer = patient.http.post("/v1/jobs", content=large, headers=kind)
        told = answer.status_code, answer.json().get("type"), answer.headers.get("Retry-After")
        assert told in PLANNED, told

    def heal() -> float:
        for each in crowd:
            each.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        return time.monotonic()

    return patient.have(harm, heal, lasting_s)
