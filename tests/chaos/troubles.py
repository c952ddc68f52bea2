"""A real gateway and a real worker with a job under way, and how they behave in trouble."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from model.files.images import Grey
from worker.embedded import free_port
from worker.ledger import keys

from .evidence import Accepted, Evidence, Reading
from .invariants import violations
from .look import System
from .onlookers import Onlooker, Question, Seen, onlookers
from .proxy import Proxy
from .replies import PLANNED
from .servers import Server, running_server
from jobs import posted, results_of
from samples import glyphs, npy_of, pngs
from services import Services
from waiting import until

MODEL = "digits-nano"
FEW, TIMES = 100, 100
"""A job consists of so many distinct images, repeated so many times."""

OVER = (b"succeeded", b"partially_failed", b"failed", b"canceled")
LONG_S = 60.0
NOTICED_S = 10.0
ENVIRONMENT = {
    "INKQUEUE_LEASE_MS": "2000",
    "INKQUEUE_THREADS": "1",
    "INKQUEUE_MODELS": MODEL,
    "INKQUEUE_LOG_LEVEL": "error",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Trouble:
    """How one went: seconds from its end to the first commit, answers in and after it, violations."""

    first_commit_s: float
    meanwhile: Sequence[Seen]
    after: Sequence[Seen]
    violations: Sequence[str]

    @property
    def unplanned(self) -> set[tuple[int, str]]:
        """Answers that should not be, while it lasted and after."""
        return {
            (each.status, each.kind)
            for each in (*self.meanwhile, *self.after)
            if each.status >= 400 or not each.status
            if each.status != 503 or each.kind not in PLANNED or each.retry_after is None
        }

    @property
    def refused(self) -> int:
        """How often a client was told to retry."""
        return sum(each.status == 503 for each in self.meanwhile)

    @property
    def slowest_s(self) -> float:
        """The longest time that a client waited for an answer."""
        return max((each.took_s for each in (*self.meanwhile, *self.after)), default=0.0)


class Patient:
    """What has the trouble: Redis, one gateway and one worker, which nobody restarts. Each of the two
    reaches Redis by one of `links`, or directly."""

    def __init__(self, server: Server, services: Services, links: Sequence[Proxy]) -> None:
        self.server, self.services, self.links = server, services, links
        self.gateway, self.worker = services.processes
        self._few = glyphs(FEW, np.random.default_rng(5))
        self.http = httpx.Client(base_url=services.url, timeout=60)
        job = self._submit(self._few)
        self._expected = [Reading.of(each) for each in results_of(self.http, job)]

    def have(
        self, harm: Callable[[], None], heal: Callable[[], float], lasting_s: float = 0.0
    ) -> Trouble:
        """Cause a trouble: submit a job, call `harm` while it is read and later `heal`, which returns
        when the trouble ended, and wait for the job's end."""
        before = self._committed()
        job = self._submit(np.tile(self._few, (TIMES, 1, 1)))
        self._wait_for_commit(before)
        with onlookers(self.services.url, *self._questions(job)) as looking:
            harm()
            began = time.monotonic()
            time.sleep(lasting_s)
            _wait_for_refusal(looking, began)
            healed = heal()
            first = self._wait_for_commit(self._committed()) - healed
            self._wait_until_over(job)
        seen = [each for looker in looking for each in looker.seen if each.at > began]
        meanwhile = [each for each in seen if each.at <= healed]
        after = [each for each in seen if each.at > healed]
        return Trouble(first, meanwhile, after, self._judge(job, looking))

    def _submit(self, images: Grey) -> str:
        return posted(self.http, npy_of(images), "application/x-npy", model=MODEL)

    def _questions(self, job: str) -> list[Question]:
        upload = {"content": pngs(1, np.random.default_rng(5))[0], "params": {"model": MODEL}}
        return [
            ("GET", f"/v1/jobs/{job}", {}),
            ("GET", f"/v1/jobs/{job}/results", {"params": {"limit": "10"}}),
            ("POST", "/v1/jobs", upload | {"headers": {"Content-Type": "image/png"}}),
            ("GET", "/readyz", {}),
        ]

    def _committed(self) -> int:
        with self.server.client() as client:
            return int(client.hget(keys.STATS, "images_succeeded") or 0)

    def _wait_for_commit(self, before: int) -> float:
        """Wait until more images are done than `before`; return when (monotonic) that was."""
        until(lambda: self._committed() > before, LONG_S)
        return time.monotonic()

    def _wait_until_over(self, job: str) -> None:
        name = keys.job(keys.job_name("anonymous", job))
        with self.server.client() as client:
            until(lambda: client.hget(name, "state") in OVER, LONG_S)

    def _judge(self, job: str, looking: Sequence[Onlooker]) -> list[str]:
        """Everything that is broken; all jobs that a client was told are stored must have ended."""
        accepted = [Accepted(job, self._expected * TIMES)]
        accepted += [Accepted(each, [None]) for looker in looking for each in looker.accepted]
        pids = [process.pid for process in self.services.processes]
        system = System(self.server.url, [self.services.url], processes=pids)
        broken = violations(system, Evidence(accepted, whole=False))
        dead = [process.args for process in self.services.processes if process.poll() is not None]
        return broken + [f"dead: {each}" for each in dead]


def _wait_for_refusal(looking: Sequence[Onlooker], began: float) -> None:
    """Wait until an onlooker has noticed the trouble, however slow the machine is."""
    while time.monotonic() < began + NOTICED_S:
        if any(seen.at > began and seen.status in (0, 503) for each in looking for seen in each.seen):
            return
        time.sleep(0.05)


@contextmanager
def running_patient(folder: Path, *, linked: bool) -> Iterator[Patient]:
    """A patient without trouble, until the block ends."""
    with running_server(folder) as server, ExitStack() as stack:
        links = [stack.enter_context(Proxy(server.url)) for _ in range(2)] if linked else []
        port = str(free_port())
        environment = ENVIRONMENT | {"INKQUEUE_PORT": port}
        services = Services(server.url, f"http://127.0.0.1:{port}", environment)
        stack.callback(services.kill)
        urls = [link.url for link in links] or [server.url] * 2
        for module, url in zip(("api", "worker"), urls, strict=True):
            services.environment["REDIS_URL"] = url
            services.spawn(module)
        services.wait_ready()
        patient = Patient(server, services, links)
        stack.callback(patient.http.close)
        yield patient
