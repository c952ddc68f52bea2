"""What all rules of the machine share: the real ledger, its model, and how the two are compared."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from worker.ledger import keys
from worker.ledger.chunks import Chunk, pack
from worker.ledger.claims import Claim
from worker.ledger.jobs import Options
from worker.ledger.journal import Journal
from worker.ledger.ledger import Ledger
from worker.ledger.store import Store
from worker.ledger.submissions import Submission, Submissions

from chaos.ledger_model.broken import require
from chaos.ledger_model.census import Census, signature
from chaos.ledger_model.jobs import Job, Part
from chaos.ledger_model.judging import judge
from chaos.ledger_model.model import LEASE_S, Model
from chaos.ledger_model.sent import Sent
from chaos.ledger_model.server import LedgerServer
from chaos.ledger_model.snapshot import Snapshot
from ledgers import LABELS, LIMITS, stage

T = TypeVar("T")
WORKERS = 3
TIGHT = replace(LIMITS, max_queued=30, max_open=3, window=2)

SOME = st.integers(0, 999)
"""Chooses one of whatever there is (see pick)."""


class Ground(RuleBasedStateMachine):
    """The ledger beside its model. `server` and `census` are set by whoever runs it."""

    server: ClassVar[LedgerServer]
    census: ClassVar[Census]

    def __init__(self) -> None:
        super().__init__()
        self.server.client.flushall()
        self.model = Model(TIGHT.max_queued, TIGHT.max_open)
        self.ledger = Ledger(self.server.client, LEASE_S * 1000)
        asynchronous = self.server.asynchronous
        self.submissions, self.store = Submissions(asynchronous), Store(asynchronous)
        self.journal = Journal(asynchronous, self.store)
        self.hands: list[list[Claim]] = [[] for _ in range(WORKERS)]
        self.stale: list[Claim] = []
        self.read_to: dict[tuple[str, int], tuple[str, int]] = {}
        self.seen = Snapshot.take(self.server.client)
        self.did, self.state, self.kills, self.uploads = "begin", 0, 0, 0
        self.census.examples += 1

    def look(self) -> None:
        """Compare everything, and note the step in the census."""
        self.seen = Snapshot.take(self.server.client)
        judge(self.model, self.seen)
        before, self.state = self.state, signature(self.model, [len(hand) for hand in self.hands])
        self.census.note(before, self.did, self.state)

    def send(self, sent: Sent) -> None:
        """Submit a job to both."""
        contents = sent.contents()
        stored = keys.idempotency(sent.owner, sent.key) if sent.key else None
        fingerprint = f"{sent.model} {sent.lane} {contents}"
        options = Options(sent.model, keep_images=sent.keep)
        job = Submission(
            sent.owner,
            sent.id,
            sent.lane,
            options,
            LABELS,
            "sha",
            {},
            sent.life_s,
            fingerprint,
            idempotency=stored,
        )
        verdict = self.run(self._enter(job, contents, sent.staged))
        wanted = Job(
            job.name,
            sent.owner,
            sent.model,
            sent.lane,
            [Part(images, pack(images)) for images in contents],
            TIGHT.window,
            sent.keep,
            fingerprint,
            self.model.now + sent.life_s,
        )
        expected = self.model.submit(wanted, stored, sent.staged)
        self.same("submit", (verdict.kind, verdict.name), expected)
        if verdict.kind == "new":
            require(self.server.client.llen(f"drain.{sent.model}") > 0, "nobody was rung for")

    async def _enter(self, job: Submission, contents: Sequence[tuple[bytes, ...]], staged: bool) -> Any:
        self.uploads += 1
        token = f"upload{self.uploads}"
        names = [tuple(image.decode() for image in images) for images in contents]
        chunks = [Chunk(len(i), pack(i), n) for i, n in zip(contents, names, strict=True)]
        if staged and self.uploads % 2:
            return await self.submissions.enter(job, chunks, TIGHT)
        await stage(self.submissions, token, chunks if staged else chunks[1:])
        verdict = await self.submissions.submit(job, token, [len(images) for images in contents], TIGHT)
        if verdict.kind != "new":
            await self.submissions.unstage(token, len(chunks))
        return verdict

    def run(self, work: Any) -> Any:
        """What a coroutine returns."""
        return self.server.run(work)

    def same(self, what: str, said: object, expected: object) -> None:
        """Raise Broken unless the ledger says what the model says."""
        require(said == expected, what, "said", said, "and should say", expected)

    def pick(self, some: Sequence[T], which: int) -> T:
        """One of `some`, chosen by a number."""
        return some[which % len(some)]

    def standing(self) -> list[Job]:
        """Jobs that have not expired."""
        return [job for _, job in sorted(self.model.jobs.items()) if not self.model.over(job)]
