"""The model: the ledger's rules in plain Python, on a clock that tests move.

Where a rule leaves the scripts free (which of the due chunks go out together), the model does not
predict what happens but judges what did: see `handing_out`.
"""

from collections.abc import Iterable, Iterator, Sequence

from worker.ledger.claims import Claim

from chaos.ledger_model.broken import require
from chaos.ledger_model.handing_out import judge_claims
from chaos.ledger_model.jobs import TERMINAL, Job, Part
from chaos.ledger_model.letters import Hook, Letter, letters_about

LEASE_S = 600
TOMBSTONE_S = 86_400


class Model:
    """Every job, endpoint and letter as it must be, at the second `now`."""

    def __init__(self, max_queued: int, max_open: int) -> None:
        self.now = 0
        self.max_queued, self.max_open = max_queued, max_open
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, tuple[str, str, int]] = {}
        self.hooks: list[Hook] = []
        self.letters: list[Letter] = []
        self.tokens = 0

    # -- what is asked

    def over(self, job: Job) -> bool:
        """Whether a job has expired, buried or not."""
        return job.buried or job.expires <= self.now

    def standing(self, name: str) -> Job | None:
        """The job of that name, if it has not expired."""
        job = self.jobs.get(name)
        return None if job is None or self.over(job) else job

    def open_jobs(self, owner: str | None = None) -> list[Job]:
        """The unfinished jobs, of all owners or of one."""
        return [job for job in self.jobs.values() if job.open and owner in (None, job.owner)]

    def load(self) -> int:
        """The number of images that are accepted and not done."""
        return sum(job.left for job in self.open_jobs())

    def due(self, model: str) -> Iterator[tuple[Job, int, Part]]:
        """Chunks that a claim must consider now."""
        for job in self.jobs.values():
            if job.model == model and job.open and not self.over(job) and job.state != "canceling":
                for c, part in enumerate(job.parts):
                    if part.due is not None and part.due <= self.now:
                        yield job, c, part

    def held(self, claim: Claim) -> Part | None:
        """The chunk of a claim, if the claim still holds its lease."""
        job = self.jobs.get(claim.name)
        if job is None or job.buried or claim.chunk >= len(job.parts):
            return None
        part = job.parts[claim.chunk]
        return part if part.token == claim.token else None

    # -- what clients do

    def submit(self, job: Job, key: str | None, staged: bool) -> tuple[str, str]:
        """What `submit` must answer; a new job is added."""
        name, fingerprint, until = self.keys.get(key or "", ("", "", 0))
        if name and until > self.now:
            return ("replay", name) if fingerprint == job.fingerprint else ("mismatch", "")
        if before := self.jobs.get(job.name):
            if self.over(before):
                return "gone", ""
            return ("replay", job.name) if before.fingerprint == job.fingerprint else ("mismatch", "")
        if self.load() + job.total > self.max_queued:
            return "full", ""
        if len(self.open_jobs(job.owner)) >= self.max_open:
            return "many", ""
        if not staged:
            return "unstaged", ""
        self.jobs[job.name] = job
        job.first_token = self.tokens
        if key:
            self.keys[key] = (job.name, job.fingerprint, job.expires)
        for _ in range(min(job.window, len(job.parts))):
            job.make_next_due(self.now)
        return "new", job.name

    def cancel(self, name: str) -> str:
        """What `cancel` must answer."""
        job = self.jobs.get(name)
        if job is None:
            return "missing"
        if self.over(job):
            return "expired"
        if job.state in TERMINAL:
            return job.state
        job.state = "canceling"
        for c, part in enumerate(job.parts):
            if c >= job.next or (part.due is not None and part.token is None):
                job.drop(part)
        job.next = len(job.parts)
        self._close_if_done(job)
        return job.state

    def delete(self, name: str) -> str:
        """What `delete` must answer."""
        job = self.standing(name)
        if job is None:
            return "missing"
        if job.open:
            return job.state
        del self.jobs[name]
        return "deleted"

    def correct(self, job: Job, labels: dict[int, str], overwrite: bool) -> dict[int, str] | None:
        """What `correct` must answer; an empty label takes one back."""
        starts = job.starts()
        for index in labels:
            c = max(c for c in range(len(job.parts)) if starts[c] <= index)
            if job.parts[c].results is None:
                return None
        stored = {} if overwrite else job.corrections
        kept = {i: stored[i] for i in labels if i in stored and stored[i] != labels[i]}
        for index in labels.keys() - kept.keys():
            job.corrections.pop(index, None)
            if label := labels[index]:
                job.corrections[index] = label
        return kept

    # -- what workers do

    def claimed(
        self, model: str, budget: int, claims: Sequence[Claim], scores: dict[str, float]
    ) -> None:
        """Judge and note what `claim` handed out; `scores` say when chunks (NAME#C) were due before."""
        due = {(job.name, c): (job, part) for job, c, part in self.due(model)}
        judge_claims(due, claims, budget, scores)
        for claim in claims:
            job, part = due[claim.name, claim.chunk]
            require(claim.token > self.tokens, "a token came twice:", claim)
            require(claim.deliveries == part.deliveries + 1, "deliveries were miscounted:", claim)
            require(claim.count == len(part.images), "a chunk has another size:", claim)
            require(claim.payload == part.kept, "a chunk has other images:", claim)
            self.tokens = claim.token
            part.token, part.deliveries, part.due = claim.token, claim.deliveries, self.now + LEASE_S
            job.state = "running"

    def dropped(self, model: str, names: Iterable[tuple[str, int]]) -> None:
        """Judge and note what a claim dropped: leased chunks of canceled jobs that came back."""
        for name, c in names:
            job = self.jobs[name]
            part = job.parts[c]
            fits = job.state == "canceling" and job.model == model
            came_back = part.due is not None and part.due <= self.now
            require(fits and came_back, "a chunk is no longer under way, and nobody read it:", name, c)
            job.drop(part)
            self._close_if_done(job)

    def renew(self, claims: Iterable[Claim]) -> int:
        """What `renew` must answer."""
        held = [part for part in map(self.held, claims) if part]
        for part in held:
            part.due = self.now + LEASE_S
        return len(held)

    def release(self, claim: Claim) -> None:
        """Give a claim back."""
        if part := self.held(claim):
            part.token, part.due = None, self.now
            part.deliveries -= 1

    def commit(self, claim: Claim, results: bytes, failed: int, kept: bytes) -> str:
        """What `commit` must answer."""
        job = self.standing(claim.name)
        if job is None or claim.token <= job.first_token:
            return "gone"
        part = job.parts[claim.chunk]
        if part.results is not None:
            return "duplicate" if part.results == results else "different"
        if not job.open or part.due is None:
            return "gone"
        part.put_away()
        job.events.append((str(claim.chunk), job.counts()["succeeded"] + job.counts()["failed"]))
        part.results, part.failed = results, failed
        part.kept = kept or (part.kept if job.keep else None)
        if job.state != "canceling" and job.next < len(job.parts):
            job.make_next_due(self.now)
        self._close_if_done(job)
        return "new"

    # -- time

    def wait(self, seconds: int) -> None:
        """Let time pass; tombstones expire."""
        self.now += seconds
        for job in list(self.jobs.values()):
            if job.buried_at is not None and job.buried_at + TOMBSTONE_S <= self.now:
                del self.jobs[job.name]

    def bury(self) -> int:
        """What `upkeep` must answer: how many jobs it buried."""
        late = [job for job in self.jobs.values() if not job.buried and job.expires <= self.now]
        for job in late:
            if job.open:
                self.letters += letters_about(job, "expired", self.hooks, self.now)
            job.buried_at = self.now
        return len(late)

    def _close_if_done(self, job: Job) -> None:
        if not job.left:
            job.state = job.final_state()
            job.events.append((job.state, -1))
            self.letters += letters_about(job, job.state, self.hooks, self.now)
