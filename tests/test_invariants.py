"""The judge of every fault: what is sound is sound to it, and what is broken on purpose it names."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
from standardwebhooks.webhooks import Webhook

from worker.ledger.packing import pack
from worker.ledger.results import Answer

from chaos.evidence import Accepted, Answers, Evidence, Heard, Inbox, Reading, Witness
from chaos.invariants import violations as judge
from chaos.look import System
from chaos.replies import _asked_again
from ledgers import LABELS, commit_of, ledger, submit
from services import Services, lone_gateway, new_key
from waiting import until

JOB = "ink:job:{owner}/a"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
READ = Reading((LABELS[1], LABELS[2]), (0.5, 0.25))


@dataclass
class Case:
    """A job `a` of three chunks of two images that is done, and all that was seen of it."""

    system: System
    evidence: Evidence
    client: "redis.Redis"
    owner: str

    def key(self, part: str = "") -> str:
        """A key of the job."""
        return JOB.format(owner=self.owner) + part

    def violations(self) -> list[str]:
        return judge(self.system, self.evidence, wait_s=0.2)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, dict[str, str]]]:
    """A gateway for two owners, without any worker."""
    made = [new_key() for _ in range(2)]
    owners = {pair.split(":")[0]: key for key, pair in made}
    pairs = " ".join(pair for _, pair in made)
    folder = tmp_path_factory.mktemp("judged")
    with lone_gateway(folder, INKQUEUE_API_KEYS=pairs) as services:
        yield services, owners


@pytest.fixture
def case(gateway: tuple[Services, dict[str, str]], tmp_path: Path) -> Iterator[Case]:
    services, owners = gateway
    with redis.Redis.from_url(services.redis_url) as client:
        client.flushall()
        owner = next(iter(owners))
        submit(services.redis_url, "a", (2, 2, 2), owner=owner)
        witness = Witness(services.redis_url)
        worker = ledger(services.redis_url)
        for claim in worker.claim("balanced", 100):
            worker.commit([commit_of(claim)])
        witness.look([f"{owner}/a"])
        witness.close()
        events = [event_id.decode() for event_id, _ in client.xrange(f"ink:job:{owner}/a:events")]
        pid = services.processes[0].pid
        system = System(
            services.redis_url,
            [services.url],
            owners,
            [pid],
            {pid: psutil.Process(pid).num_fds()},
            tmp_path,
        )
        evidence = Evidence(
            [Accepted("a", [READ] * 6, owner)],
            {(202, "", False): 1, (503, "storage-unavailable", True): 3},
            witness.seen,
            [Heard("a", events, range(6))],
            [Inbox(owner, SECRET, [message("a", "msg_1"), message("a", "msg_1")])],
        )
        yield Case(system, evidence, client, owner)


def message(job: str, message_id: str, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """A signed message that says that a job is over."""
    body = f'{{"type": "job.completed", "data": {{"id": "{job}"}}}}'
    now = datetime.now(UTC)
    signature = Webhook(secret).sign(message_id, now, body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
    return headers | {"webhook-signature": signature}, body.encode()


def test_a_sound_system_is_sound(case: Case) -> None:
    assert case.violations() == []


def other(p: float = 0.5, label: int = 1) -> bytes:
    """Results of a chunk that say something else."""
    return pack([Answer((label, 2), (p, 0.25), False)] * 2)


Plant = Callable[[Case], Any]

IN_THE_LEDGER: dict[str, tuple[Plant, str]] = {
    "a job is gone": (lambda c: c.client.delete(c.key()), "lost: job a was accepted and is not"),
    "a job is not over": (
        lambda c: c.client.hset(c.key(), "state", "running"),
        "lost: job a is unfinished",
    ),
    "a chunk is gone": (
        lambda c: c.client.hdel(c.key(":out"), 1),
        "lost: job a has no results of chunk 1",
    ),
    "an image is gone": (
        lambda c: c.client.hset(c.key(":out"), 1, pack([Answer((1, 2), (0.5, 0.25), False)])),
        "lost: job a, chunk 1: not one result for each of 2 images",
    ),
    "the job is shorter": (
        lambda c: c.client.hset(c.key(), "total", 5),
        "lost: job a has 5 images of 6",
    ),
    "a label is another": (
        lambda c: c.client.hset(c.key(":out"), 1, other(label=3)),
        "wrong: job a, image 2 is 3 and should be 1",
    ),
    "a probability is off": (
        lambda c: c.client.hset(c.key(":out"), 1, other(p=0.500_01)),
        "wrong: job a, image 3 has probabilities off by 1.0e-05",
    ),
    "a result changed by a bit": (
        lambda c: c.client.hset(c.key(":out"), 1, other(p=0.500_000_06)),
        "chunk 1 changed after they were committed",
    ),
    "a result vanished": (lambda c: c.client.hdel(c.key(":out"), 1), "chunk 1 vanished after they were"),
    "a counter is off": (
        lambda c: c.client.hincrby(c.key(), "succeeded", 1),
        "miscounted: job a counts 7 images succeeded, there are 6",
    ),
    "images are said to run": (
        lambda c: c.client.hincrby(c.key(), "running", 2),
        "miscounted: job a counts 2 images running, there are 0",
    ),
    "the ledger counted one twice": (
        lambda c: c.client.hincrby("ink:stats", "images_succeeded", 1),
        "miscounted: the ledger counts 7 images succeeded, its jobs 6",
    ),
    "a submission became two jobs": (
        lambda c: c.client.hincrby("ink:stats", "jobs_accepted", 1),
        "miscounted: the ledger accepted 2 jobs, clients know of 1",
    ),
    "an event is gone": (
        lambda c: c.client.xdel(c.key(":events"), c.evidence.heard[0].events[0]),
        "events: job a, .* follows 2 images, not 0",
    ),
    "an event came twice": (
        lambda c: c.client.xadd(c.key(":events"), {"c": 0, "n": 0}),
        "events: job a was over at",
    ),
    "the end was told twice": (
        lambda c: c.client.xadd(c.key(":events"), {"end": "succeeded"}),
        r"told its end as \['succeeded', 'succeeded'\]",
    ),
    "the end was not told": (
        lambda c: c.client.xdel(c.key(":events"), c.evidence.heard[0].events[-1]),
        r"told its end as \[\]",
    ),
    "a chunk is still due": (
        lambda c: c.client.zadd("ink:due:balanced:bulk", {"x/a#1": 1}),
        "leaked: 1 still stand in ink:due:balanced:bulk",
    ),
    "a job still stands in line": (
        lambda c: c.client.zadd("ink:line:balanced:bulk", {"x/a": 1}),
        "leaked: 1 still stand in ink:line:balanced:bulk",
    ),
    "load is left": (lambda c: c.client.incrby("ink:load", 2), "leaked: ink:load is 2"),
    "a key lives for ever": (lambda c: c.client.persist(c.key(":out")), "leaked: .*:out has no expiry"),
    "staged images live for ever": (
        lambda c: c.client.set("ink:stage:t:in:0", "x"),
        "leaked: ink:stage:t:in:0 has no expiry",
    ),
    "a key of a new kind lives for ever": (
        lambda c: c.client.set("ink:novelty:a", "x"),
        "leaked: ink:novelty:a has no expiry",
    ),
    "a host still waits for its owner's limit": (
        lambda c: c.client.zadd("ink:aside:x", {"x/h": 1}),
        "leaked: 1 still stand in ink:aside:x",
    ),
    "a claim is left": (
        lambda c: c.client.hset(c.key(), "l:1", 9),
        "leaked: job a is over and has l:1 under way",
    ),
    "a job is said to be open": (
        lambda c: c.client.hincrby("ink:open", "x", 1),
        "leaked: x is said to have 1 unfinished jobs",
    ),
    "images are kept": (
        lambda c: c.client.set(c.key(":in:2"), "x", ex=60),
        "leaked: job a keeps the images of 1 chunks",
    ),
}


@pytest.mark.parametrize("plant", IN_THE_LEDGER)
def test_what_is_broken_in_the_ledger_is_named(case: Case, plant: str) -> None:
    breaks, named = IN_THE_LEDGER[plant]
    breaks(case)
    _assert_named(case, named)


IN_THE_EVIDENCE: dict[str, tuple[Callable[[Evidence], dict[str, Any]], str]] = {
    "an event is not heard": (
        lambda e: {"heard": [Heard("a", e.heard[0].events[1:])]},
        "events: a follower of job a heard 3 of 4 events",
    ),
    "an image is told twice, one never": (
        lambda e: {"heard": [Heard("a", (), [0, 1, 2, 3, 4, 4])]},
        "events: a follower of job a missed 1 images, heard 1 twice",
    ),
    "the end is heard twice": (
        lambda e: {"heard": [replace(e.heard[0], completed=2)]},
        "events: a follower of job a heard 2 times that it was over",
    ),
    "no webhook": (
        lambda e: {"inboxes": [replace(e.inboxes[0], messages=[])]},
        "webhook: the end of job a was told under 0 ids",
    ),
    "a webhook under two ids": (
        lambda e: {"inboxes": [replace(e.inboxes[0], messages=[message("a", n) for n in ("1", "2")])]},
        "webhook: the end of job a was told under 2 ids",
    ),
    "a webhook signed by another": (
        lambda e: {
            "inboxes": [replace(e.inboxes[0], messages=[message("a", "1", SECRET[:-4] + "AAAA")])]
        },
        "webhook: a message to .* has no good signature",
    ),
    "a 500": (lambda e: {"answers": {(500, "internal-error", False): 2}}, "unplanned: 2 answers of 500"),
    "an unplanned 503": (lambda e: {"answers": {(503, "", True): 1}}, "unplanned: 1 answers of 503"),
    "a 503 for ever": (
        lambda e: {"answers": {(503, "queue-full", False): 1}},
        "unplanned: 1 answers of 503 queue-full without Retry-After",
    ),
}


@pytest.mark.parametrize("plant", IN_THE_EVIDENCE)
def test_what_clients_saw_is_judged(case: Case, plant: str) -> None:
    changes, named = IN_THE_EVIDENCE[plant]
    case.evidence = replace(case.evidence, **changes(case.evidence))
    _assert_named(case, named)


def test_a_result_that_only_the_gateway_tells_wrong_is_named(case: Case) -> None:
    # The ledger's results are right by labels that this job's hash no longer has.
    case.evidence = replace(case.evidence, accepted=[Accepted("a", [READ] * 7, case.owner)])
    _assert_named(case, "lost: job a tells 6 results, not one for each of 7")


def test_what_another_owner_can_read_is_named(case: Case) -> None:
    # The other owner has a job of this id, so its answers are not those of an id that never was.
    stranger = list(case.system.keys)[1]
    submit(case.system.redis_url, "a", (1,), owner=stranger)
    _assert_named(case, "exposed: the job of a answers 200")


def test_what_is_left_over_is_named(case: Case, tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"x")
    with held_zombie() as parent, dead_process() as gone, orphaned(tmp_path) as orphan:
        pid = case.system.processes[0]
        case.system = replace(case.system, processes=[pid, parent, gone], descriptors={pid: -100})
        found = case.violations()
    assert "leaked: the temporary file spool" in found
    assert any("has dead children" in line for line in found)
    assert any(f"process {orphan} outlived its parent" in line for line in found)
    assert any(f"process {gone} should run and does not" in line for line in found)
    assert any("descriptors, -100 at its start" in line for line in found)


def test_an_accepted_job_that_was_canceled_may_end_early(case: Case) -> None:
    submit(case.system.redis_url, "b", (2, 2), owner=case.owner)
    client = httpx.Client(
        base_url=case.system.gateways[0],
        headers={"Authorization": f"Bearer {case.system.keys[case.owner]}"},
    )
    with client as http:
        assert http.post("/v1/jobs/b/cancel").status_code == 200
    accepted = [
        *case.evidence.accepted,
        Accepted("b", [READ] * 4, case.owner, canceled=True, quiet=True),
    ]
    case.evidence = replace(case.evidence, accepted=accepted, inboxes=[])
    assert case.violations() == []


def test_answers_are_counted_by_status_and_problem(case: Case) -> None:
    answers = Answers()
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [answers.note]}
    with httpx.Client(base_url=case.system.gateways[0], event_hooks=hooks) as http:
        http.get("/v1/jobs/a")
        http.get("/healthz")
    assert answers.counted == {(401, "unauthorized", False): 1, (200, "", False): 1}


def test_a_gateway_that_says_to_come_again_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.replies.PAUSE_S", 0.01)
    later = httpx.Response(
        503, headers={"Retry-After": "1"}, json={"type": "/problems/storage-unavailable"}
    )
    answers = iter([later, later, httpx.Response(200), later, later])
    gateway = httpx.MockTransport(lambda request: next(answers))
    with httpx.Client(base_url="http://localhost", transport=gateway) as http:
        assert _asked_again(http, "/").status_code == 200
    assert len(list(answers)) == 2


def test_lines_of_a_kind_are_few_and_the_rest_is_counted(case: Case) -> None:
    case.evidence = replace(
        case.evidence, accepted=[Accepted(f"no{n}", []) for n in range(30)], whole=False
    )
    found = [line for line in case.violations() if line.startswith("lost")]
    assert len(found) == 11
    assert found[-1] == "lost: and 20 more"


def _assert_named(case: Case, named: str) -> None:
    found = case.violations()
    assert any(re.search(named, line) for line in found), found


@contextmanager
def held_zombie() -> Iterator[int]:
    """A process whose child died and was never asked for."""
    code = "import os,time\nif os.fork(): print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    family = psutil.Process(process.pid)
    try:
        until(lambda: [each for each in family.children() if each.status() == psutil.STATUS_ZOMBIE])
        yield process.pid
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


@contextmanager
def dead_process() -> Iterator[int]:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""], env=os.environ)
    process.wait()
    yield process.pid


@contextmanager
def orphaned(folder: Path) -> Iterator[int]:
    """A process that the system started, and that descends from none of those that should run."""
    environment = os.environ | {"TMPDIR": str(folder)}
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
