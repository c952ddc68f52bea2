"""Redis dies, falls silent, has no disk or no memory, the gateway has no descriptors: with a job under way.

Nobody restarts a process of ours. Clients hear the planned 503 or their answer, soon; work goes on by itself.
"""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from chaos.onlookers import REFUSED
from chaos.proxy import Proxy
from chaos.troubles import NPY, Patient, Trouble, running_patient
from samples import npy_of

FAR_TOO_FEW = 1 << 20
"""Bytes, of which an empty Redis takes most."""


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    with running_patient(tmp_path_factory.mktemp("patient")) as (well, _):
        yield well


def require_recovery(
    trouble: Trouble, *, within_s: float, answered_s: float, unanswered: bool = False
) -> None:
    """Nothing broken, work on time, and no client kept waiting, nor left without an answer."""
    assert not trouble.violations
    assert not trouble.unplanned - ({(0, REFUSED)} if unanswered else set())
    assert trouble.first_commit_s < within_s
    assert trouble.slowest_s < answered_s


def test_redis_is_killed_and_started_again(patient: Patient) -> None:
    trouble = patient.have(patient.server.kill, patient.server.start, lasting_s=2)
    require_recovery(trouble, within_s=5, answered_s=2)
    assert trouble.refused > 20


def test_the_disk_is_full(patient: Patient) -> None:
    server = patient.server
    deaths = []

    def fill() -> None:
        server.limit_files(1000)

    def free() -> float:
        deaths.append(server.died(within_s=5))
        server.start(more_bytes=0)  # its supervisor does not know of the disk
        deaths.append(server.died(within_s=5))
        return server.start()

    trouble = patient.have(fill, free)
    assert deaths == [True, True]
    require_recovery(trouble, within_s=5, answered_s=2)


def test_redis_has_no_memory_left(patient: Patient) -> None:
    server = patient.server

    def free() -> float:
        server.limit_memory(None)
        return time.monotonic()

    trouble = patient.have(lambda: server.limit_memory(FAR_TOO_FEW), free, lasting_s=2)
    require_recovery(trouble, within_s=5, answered_s=2)
    assert trouble.refused > 5


def test_the_gateway_has_no_descriptors_left(patient: Patient) -> None:
    gateway = patient.gateway.pid
    usual = resource.prlimit(gateway, resource.RLIMIT_NOFILE)
    large = npy_of(np.zeros((3000, 28, 28), np.uint8))  # goes through a file
    uploads = []

    def take() -> None:
        taken = psutil.Process(gateway).num_fds()
        resource.prlimit(gateway, resource.RLIMIT_NOFILE, (taken, usual[1]))
        uploads.append(patient.http.post("/v1/jobs", content=large, headers=NPY))

    def give() -> float:
        resource.prlimit(gateway, resource.RLIMIT_NOFILE, usual)
        return time.monotonic()

    trouble = patient.have(take, give, lasting_s=2)
    require_recovery(trouble, within_s=5, answered_s=3, unanswered=True)
    assert [(answer.status_code, answer.json()["type"]) for answer in uploads] == [
        (503, "/problems/no-resources")
    ]
    assert uploads[0].headers["Retry-After"] == "5"
    assert patient.http.post("/v1/jobs", content=large, headers=NPY).status_code == 202


def test_a_black_hole_is_got_out_of(tmp_path: Path) -> None:
    with running_patient(tmp_path, Proxy) as (patient, proxies):

        def swallow() -> None:
            for proxy in proxies:
                proxy.swallow()

        def restore() -> float:
            for proxy in proxies:
                proxy.restore()
            return time.monotonic()

        trouble = patient.have(swallow, restore, lasting_s=5)
        require_recovery(trouble, within_s=10, answered_s=5)
        assert trouble.refused > 20
