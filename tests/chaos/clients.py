"""Clients of a campaign: real ones that submit, follow, wait, read, cancel and break off, all at once.

Everything that a caller is told is kept as evidence; what it sees to be wrong itself is a complaint.
"""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator

import httpx
import redis

from api.client import Client
from api.client.retries import RetryPolicy
from api.schemas.events import CompletedEvent, ResultEvent
from api.schemas.jobs import JobOut
from model.files.images import Grey, png

from .evidence import Accepted, Heard, Reading, Witness
from .notes import Notes
from .stock import Pool, Quota
from .storm import Terms
from samples import idx_of, npy_of

PATIENCE = RetryPolicy(silence_s=180.0, busy_s=600.0)
OPEN_JOBS = 3
"""The most bulk jobs that a caller has under way at a time."""


class Caller(threading.Thread):
    """One client of a gateway. What it sends and in which order is drawn from its seed."""

    def __init__(
        self,
        number: int,
        terms: Terms,
        url: str,
        owner: str,
        key: str,
        pool: Pool,
        quota: Quota,
        notes: Notes,
    ) -> None:
        super().__init__(name=f"caller {number}", daemon=True)
        self._rng = random.Random(f"{terms.seed} caller {number}")
        self._name, self._model, self._bulk = f"{terms.seed}-{number}", terms.cast.model, terms.bulk
        self._url, self._owner, self._key = url, owner, key
        self._pool, self._quota, self._notes = pool, quota, notes
        self._witness = Witness(notes.redis_url)
        self._sent, self._predicted = 0, ""
        self._open: list[Accepted] = []

    def run(self) -> None:
        kinds: list[Callable[[Client], None]] = [
            self._send_bulk, self._send_bulk, self._send_few, self._send_few,
            self._predict, self._predict, self._follow, self._send_twice,
            self._cancel, self._break_off,
        ]  # fmt: skip
        try:
            with Client(self._url, self._key, retries=PATIENCE) as client:
                client._http.event_hooks = {"response": [self._notes.answers.note, self._note_job]}
                while self._quota.taken < self._quota.images and not self._quota.off.is_set():
                    self._rng.choice(kinds)(client)
                while self._open:
                    self._finish(client, self._open.pop(0))
        except Exception as error:
            self._notes.complain(f"{self.name} gave up: {error!r}")
        finally:
            self._notes.seen.update(self._witness.seen)
            self._witness.close()

    def _send_bulk(self, client: Client) -> None:
        """Send a large array, in any format for arrays; wait for it only when others are under way."""
        if (job := self._submit(client, "bulk jobs", self._rng.randint(*self._bulk))) is not None:
            self._open.append(job)
            if len(self._open) > OPEN_JOBS:
                self._finish(client, self._open.pop(0))

    def _send_few(self, client: Client) -> None:
        if (job := self._submit(client, "small jobs", self._rng.randint(1, 40))) is not None:
            self._finish(client, job)

    def _follow(self, client: Client) -> None:
        """Send a job and follow its events to the end."""
        job = self._submit(client, "followed jobs", self._rng.randint(200, self._bulk[1]))
        if job is None:
            return
        ids, images, ends = [], [], 0
        for event in client.events(job.id):
            if isinstance(event, ResultEvent):
                images += [item.index for item in event.data]
                ids.append(event.id)
            elif isinstance(event, CompletedEvent):
                ends += 1
        with self._notes.lock:
            self._notes.heard.append(Heard(job.id, (), images, ends))
        self._finish(client, job)

    def _send_twice(self, client: Client) -> None:
        """Send a body three times under one key, which must make one job, even if a gateway dies."""
        if (count := self._quota.take(self._rng.randint(1, 600))) == 0:
            return
        some, key, body = self._some(count)
        ids = {client.submit(body, idempotency_key=key, model=self._model).id for _ in range(3)}
        if len(ids) != 1:
            self._notes.complain(f"one key made {len(ids)} jobs: {sorted(ids)}")
        self._accept(ids.pop(), some, "jobs sent three times")

    def _cancel(self, client: Client) -> None:
        job = self._submit(client, "canceled jobs", self._rng.randint(1, 600), canceled=True)
        if job is not None:
            client.cancel(job.id)
            self._finish(client, job)

    def _predict(self, client: Client) -> None:
        """Send one image and wait for its result."""
        if self._quota.take(1) == 0:
            return
        one, _, _ = self._some(1)
        item = client.predict(png(one.images[0]), model=self._model)
        if how := one.readings[0].differs(Reading.of(item)):
            self._notes.complain(f"a prediction {how}")
        self._accept(self._predicted, one, "single predictions", quiet=True)

    def _break_off(self, client: Client) -> None:
        """Break off an upload in the middle; no job may come of it."""
        body = npy_of(self._pool.draw(self._rng, 600).images)

        def part() -> Iterator[bytes]:
            yield body[: self._rng.randrange(len(body) - 1)]
            raise ConnectionAbortedError

        try:
            headers = {"Content-Type": "application/x-npy", "Content-Length": str(len(body))}
            client._http.post("/v1/jobs", content=part(), headers=headers)
        except (ConnectionAbortedError, httpx.TransportError):
            with self._notes.lock:
                self._notes.done["uploads broken off"] += 1

    def _submit(
        self, client: Client, kind: str, most: int, *, canceled: bool = False
    ) -> Accepted | None:
        if (count := self._quota.take(most)) == 0:
            return None
        some, key, body = self._some(count)
        job = client.submit(body, idempotency_key=key, model=self._model)
        return self._accept(job.id, some, kind, canceled=canceled)

    def _some(self, count: int) -> tuple[Pool, str, bytes]:
        """Images to send, the key under which they are sent, and the body."""
        self._sent += 1
        some = self._pool.draw(self._rng, count)
        forms = (npy_of, lambda images: idx_of(images, compressed=False), idx_of)
        return some, f"{self._name}-{self._sent}", self._rng.choice(forms)(some.images)

    def _accept(
        self, job_id: str, some: Pool, kind: str, *, canceled: bool = False, quiet: bool = False
    ) -> Accepted:
        job = Accepted(job_id, some.readings, self._owner, canceled, quiet)
        self._notes.accept(job, kind)
        return job

    def _finish(self, client: Client, job: Accepted) -> None:
        """Wait for a job, look at what is stored, sometimes read all results as a user would."""
        state = client.wait(job.id)
        with contextlib.suppress(redis.RedisError):  # if it is down, the results are judged later
            self._witness.look([job.name])
        if self._rng.random() < 0.2 and not job.canceled:
            self._read(client, job, state)

    def _read(self, client: Client, job: Accepted, state: JobOut) -> None:
        items = list(client.results(job.id))
        if [item.index for item in items] != list(range(state.counts.total)):
            self._notes.complain(f"job {job.id} has {len(items)} results of {state.counts.total}")
        for item, expected in zip(items, job.expected, strict=False):
            if expected and (how := expected.differs(Reading.of(item))):
                self._notes.complain(f"job {job.id}, image {item.index} {how}")

    def _note_job(self, response: httpx.Response) -> None:
        """Note the job behind a prediction, which the client does not show."""
        if response.request.url.path == "/v1/predictions" and response.is_success:
            told = response.read() and response.json()
            self._predicted = told.get("job_id") or told["id"]


def quiet_run(url: str, key: str, owner: str, model: str, images: Grey) -> tuple[Pool, Accepted]:
    """How the service reads these images while all is well."""
    with Client(url, key) as client:
        job = client.wait(client.submit(images, model=model), timeout=120)
        readings = [Reading.of(item) for item in client.results(job)]
    return Pool(images, readings), Accepted(job.id, readings, owner)
