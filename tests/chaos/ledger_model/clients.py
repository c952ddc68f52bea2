"""What clients do to the ledger and its model: send, cancel, delete, ask, follow, correct, retry."""

from typing import Any

from anyio.to_thread import run_sync
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from api.kept_images import failed_parts
from worker.ledger import keys
from worker.ledger.jobs import JobState, Lane
from worker.ledger.journal import START

from chaos.ledger_model.broken import require
from chaos.ledger_model.ground import SOME, Ground
from chaos.ledger_model.jobs import Job
from chaos.ledger_model.sent import OWNERS, SENT, Sent

MANY = 6
"""With this many unfinished jobs, no more are sent: both owners have as many as they may."""


class Clients(Ground):
    """Rules of clients."""

    @precondition(lambda self: len(self.model.open_jobs()) < MANY)
    @rule(sent=SENT)
    def submit(self, sent: Sent) -> None:
        """Submit a job: a new one, one that was sent before, or another one under its id or key."""
        self.did = "submit"
        self.send(sent)

    @precondition(lambda self: self.model.jobs)
    @rule(which=SOME, what=st.sampled_from(["cancel", "cancel", "delete", "ask"]))
    def manage(self, which: int, what: str) -> None:
        """An owner cancels a job, deletes it, or asks for it."""
        self.did = what
        name = self.pick(sorted(self.model.jobs), which)
        if what == "cancel":
            self.same(what, self.run(self.store.cancel(name)), self.model.cancel(name))
        elif what == "delete":
            self.same(what, self.run(self.store.delete(name)), self.model.delete(name))
        else:
            self._ask(name)

    def _ask(self, name: str) -> None:
        """Compare what its owner is told of a job, and nobody else."""
        owner, _, own = name.partition("/")
        job, told = self.model.standing(name), self.run(self.store.job(name))
        if job is None:
            require(told is JobState.EXPIRED, name, "is over and told as", told)
            return
        counts = vars(told.counts)
        total = counts.pop("total")
        require(total == sum(counts.values()) == job.total, name, "is told as", counts)
        require(min(counts.values()) >= 0, name, "is told as", counts)
        require((told.position is not None) == job.open, name, "has place", told.position)
        other = next(each for each in OWNERS if each != owner)
        if f"{other}/{own}" not in self.model.jobs:
            require(self.run(self.store.job(f"{other}/{own}")) is None, name, "is told to others")

    @precondition(lambda self: self._read_jobs())
    @rule(
        which=SOME,
        what=st.sampled_from(["follow", "correct", "retry"]),
        most=st.integers(1, 3),
        labels=st.dictionaries(SOME, st.sampled_from(["", "A", "7"]), min_size=1, max_size=2),
    )
    def use(self, which: int, what: str, most: int, labels: dict[int, str]) -> None:
        """An owner continues to follow a job, corrects labels, or retries the images that failed."""
        self.did = what
        job = self.pick(self._read_jobs(), which)
        if what == "follow":
            self._follow(job, most)
        elif what == "correct":
            corrected = {image % job.total: label for image, label in labels.items()}
            self._correct(job, corrected, overwrite=most > 1)
        elif not job.open and job.counts()["failed"]:
            self._retry(job, keys.LANES[most % 2])

    def _follow(self, job: Job, most: int) -> None:
        last, heard = self.read_to.get((job.name, job.first_token), (START, 0))
        look = self.run(self.journal.look(job.name, last, most))
        expected = job.events[heard : heard + most]
        chunks = [event.chunk for event in look.events]
        wanted = [None if before < 0 else int(what) for what, before in expected]
        require(chunks == wanted, "a follower heard", chunks, "and not", wanted)
        require(look.job.state == job.state, "a follower was told", look.job.state, "not", job.state)
        if look.events:
            self.read_to[job.name, job.first_token] = look.events[-1].id, heard + len(look.events)

    def _correct(self, job: Job, labels: dict[int, str], *, overwrite: bool) -> None:
        stored = self.run(self.store.job(job.name))
        wanted = {index: label or None for index, label in labels.items()}
        answer = self.run(self.store.correct(stored, wanted, overwrite=overwrite))
        self.same("correct", answer, self.model.correct(job, labels, overwrite))

    def _retry(self, job: Job, lane: Lane) -> None:
        """Check that a retry would send every failed image, by its name; then send them."""
        stored = self.run(self.store.job(job.name))
        parts: Any = self.run(run_sync(list, failed_parts(self.store, stored)))
        wanted = [(image.decode(), image) for image in self._failing(job)]
        found = [(part.name, bytes(part.file)) for part in parts]
        require(found == wanted, "a retry would send", found, "and not", wanted)
        files = tuple(image for _, image in wanted)
        self.send(Sent(job.owner, "r", lane, job.model, files, (len(files),)))

    def _failing(self, job: Job) -> list[bytes]:
        images = [image for part in job.parts if part.results is not None for image in part.images]
        return [image for image in images if b"good" not in image]

    def _read_jobs(self) -> list[Job]:
        return [job for job in self.standing() if job.events]
