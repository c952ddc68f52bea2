"""The whole life of a few small jobs, in order: what a client asks, a worker does, a sender sends.

Nothing here depends on time or chance, so that the N-th command to Redis is always the same one.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import redis

from worker.ledger.ledger import Ledger

from .caller import RetryingCaller
from .rig import LEASE_MS, MODEL, Rig
from ledgers import pass_over
from receivers import Receiver
from samples import zip_of

FINAL = ("succeeded", "partially_failed", "failed", "canceled")
ROUNDS = 12
LEASE_S = LEASE_MS // 1000 + 1
SEND_LEASE_S = 31
LONG_S = 8 * 86_400


@dataclass
class Memory:
    """What came of a life: each job's id, state, and results as a client read them; and the secret that
    signs the webhooks."""

    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    secret: str = ""


class Life:
    """One life on `rig`, of jobs of `images` and of a file that is no image."""

    def __init__(self, rig: Rig, receiver: Receiver, images: list[bytes]) -> None:
        self._rig, self._receiver = rig, receiver
        self.caller = RetryingCaller(rig.http)
        self.memory = Memory()
        files = {f"{number}.png": data for number, data in enumerate(images)}
        self._body = zip_of(files | {"broken.png": b"\x89PNG no image"})

    def live(self) -> Memory:
        """Live from the first upload until all webhooks are sent."""
        self._read_through_a_death()
        self._look()
        self._hand_back_and_cancel()
        self._retry()
        self._tell()
        return self.memory

    def bury(self) -> None:
        """Delete one job, and let the others expire."""
        gone = self.caller.call("DELETE", f"/v1/jobs/{self.memory.ids['first']}")
        assert gone.status_code in (204, 404)  # 404: it was done, but the answer did not come
        pass_over(self._rig.direct, LONG_S)
        for _ in range(2):
            self._patiently(lambda: self._rig.worker.upkeep([MODEL]))

    def _submit(self, name: str, method: str, path: str, **request: Any) -> str:
        headers = {"Idempotency-Key": name} if method == "POST" else {}
        headers |= {"Content-Type": "application/zip"} if "content" in request else {}
        answer = self.caller.call(method, path, headers=headers, **request)
        assert answer.status_code == 202, answer.text
        self.memory.ids[name] = job = answer.json()["id"]
        return str(job)

    def _upload(self, name: str, method: str, path: str) -> str:
        query = {"model": MODEL, "top_k": "2", "priority": "bulk", "callback_url": self._receiver.url}
        return self._submit(name, method, path, params=query, content=self._body)

    def _read_through_a_death(self) -> None:
        """A worker dies over the first chunk; another one reads all, that chunk guarded."""
        self.memory.secret = self.caller.call("POST", "/v1/webhooks/callback/secret").json()["secret"]
        job = self._upload("first", "POST", "/v1/jobs")
        self._patiently(lambda: self._rig.worker.heartbeat({"id": "w"}))
        Ledger(self._rig.direct, LEASE_MS, "dying").claim(MODEL, 1)
        self._serve(job)
        self._keep("first", job)

    def _look(self) -> None:
        """Ask for everything that a client may look at."""
        job = self.memory.ids["first"]
        for path in (
            f"/v1/jobs/{job}?wait=1",
            "/v1/jobs",
            f"/v1/jobs/{job}/results?limit=3",
            f"/v1/jobs/{job}/results?format=csv",
            f"/v1/jobs/{job}/items/1",
            f"/v1/jobs/{job}/events",
            "/v1/queue",
            "/readyz",
        ):
            assert self.caller.call("GET", path).is_success, path

    def _hand_back_and_cancel(self) -> None:
        """A worker that is told to stop releases a claim; then the job is canceled."""
        job = self._upload("second", "PUT", "/v1/jobs/second")
        worker = self._rig.worker
        claims = self._patiently(lambda: worker.claim(MODEL, 10))
        self._patiently(lambda: worker.renew(claims))
        self._patiently(lambda: worker.release(claims[:1]))
        assert self.caller.call("POST", f"/v1/jobs/{job}/cancel").is_success
        self._serve(job)
        self._keep("second", job)

    def _retry(self) -> None:
        first = self.memory.ids["first"]
        job = self._submit("third", "POST", f"/v1/jobs/{first}/retry")
        self._patiently(lambda: self._rig.worker.upkeep([MODEL]))
        self._serve(job)
        self._keep("third", job)
        self._patiently(lambda: self._rig.worker.farewell())

    def _tell(self) -> None:
        """Send webhooks until none is left."""
        for _ in range(ROUNDS):
            self._rig.dispatcher.drain()
            if not self._rig.direct.exists("ink:outbox"):
                break
            pass_over(self._rig.direct, SEND_LEASE_S)
        deliveries = f"/v1/jobs/{self.memory.ids['first']}/deliveries"
        assert self.caller.call("GET", deliveries).json()["data"][0]["state"] == "delivered"

    def _serve(self, job: str) -> None:
        """Have a worker drain until the job has ended; the leases of dead workers expire in between."""
        for _ in range(ROUNDS):
            self._patiently(lambda: self._rig.engine.drain(MODEL))
            state = self._rig.direct.hget(f"ink:job:anonymous/{job}", "state")
            assert isinstance(state, bytes)
            if state.decode() in FINAL:
                return
            pass_over(self._rig.direct, LEASE_S)
        raise AssertionError(f"{job} does not end")

    def _keep(self, name: str, job: str) -> None:
        lines = self.caller.lines(f"/v1/jobs/{job}/results?format=ndjson")
        self.memory.results[name] = [json.loads(line) for line in lines]
        self.memory.states[name] = self.caller.call("GET", f"/v1/jobs/{job}").json()["state"]

    @staticmethod
    def _patiently(work: Any) -> Any:
        """Repeat `work` until it succeeds, as the next doorbell or heartbeat does."""
        for _ in range(ROUNDS):
            try:
                return work()
            except redis.RedisError:
                continue
        raise AssertionError("Redis never answered")
