"""A state machine for hypothesis that does anything that may happen to a ledger, in any order.

Every step is done to the real scripts on a real Redis and to the model, and the answers are compared.
"""

import sys

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from worker.ledger.chunks import Chunk, pack
from worker.webhooks.events import Event

from chaos.evidence import Accepted, Evidence, digest
from chaos.invariants import changed, lost, miscounted
from chaos.ledger_model.broken import Broken, require
from chaos.ledger_model.clients import Clients
from chaos.ledger_model.judging import judge_jobs
from chaos.ledger_model.senders import Senders
from chaos.ledger_model.sent import LONG_S, MODELS, OWNERS, SENT, Sent
from chaos.ledger_model.snapshot import Snapshot
from chaos.ledger_model.workers import Workers
from chaos.look import Look, System
from chaos.news import misordered
from chaos.remains import leaked
from ledgers import pass_over, stage

DAY_MS = 86_400_000
LATEST_S = 40_000
"""The clock of an example goes no further, so that no tombstone and no letter expires within it."""


class LedgerMachine(Clients, Workers, Senders):
    """The rules of clients, workers and senders, and the passing of time."""

    @initialize(
        sent=st.lists(SENT, min_size=1, max_size=3),
        hooks=st.sets(st.sampled_from(OWNERS)),
        kills=st.sampled_from([0, 0, 0, 0, 1]),
    )
    def begin(self, sent: list[Sent], hooks: set[str], kills: int) -> None:
        """Begin with some jobs. Redis is killed in few examples only, since its restart takes long."""
        self.kills = kills
        for owner in sorted(hooks):
            self.register_for(owner, tuple(Event))
        for each in sent:
            self.send(each)

    @invariant()
    def all_is_as_it_must_be(self) -> None:
        """After every step."""
        self.look()

    @precondition(lambda self: self.model.jobs)
    @rule(
        what=st.sampled_from([400, 900, 900, 900, 6_000, "", "", "bells", "scripts", "gateway", "Redis"])
    )
    def go_on(self, what: int | str) -> None:
        """Seconds pass: leases expire, and in the longest step short-lived jobs, too, and the grace of
        their images. Or something is lost ('': nothing), and upkeep runs. If this comes twice in a row,
        a worker works in between."""
        if self.did.startswith(("wait", "lose")):
            self.labour(0, "work", MODELS[0], 8, None)
        self.did = f"wait {what}" if isinstance(what, int) else f"lose {what}"
        if not isinstance(what, int):
            self._lose(what)
            self._keep_up()
        elif self.model.now < LATEST_S:
            self._wait(what)

    def _wait(self, seconds: int) -> None:
        pass_over(self.server.client, seconds)
        self.model.wait(seconds)

    def _lose(self, what: str) -> None:
        """Lose Celery's messages, Redis's scripts, a gateway before it submits, or kill Redis itself."""
        client = self.server.client
        if what == "bells":
            client.delete("webhooks", *(f"drain.{model}" for model in MODELS))
        elif what == "scripts":
            client.script_flush()
        elif what == "gateway":
            self.uploads += 1
            self.run(stage(self.submissions, f"upload{self.uploads}", [Chunk(1, pack([b""]), ("a",))]))
        elif what == "Redis" and self.kills:
            self.kills -= 1
            self.server.kill()

    def _keep_up(self) -> None:
        """Run upkeep: it rings for what is due and turns expired jobs into tombstones."""
        due = {model: len(list(self.model.due(model))) for model in MODELS}
        self.same("upkeep", self.ledger.upkeep(MODELS), self.model.bury())
        for model, number in due.items():
            bells = self.server.client.llen(f"drain.{model}")
            require(bells >= min(1, number), number, "chunks are due and", bells, "bells ring")

    def teardown(self) -> None:
        """Whatever was done, all jobs end, every image has its result, and every key expires in time."""
        if isinstance(sys.exception(), Broken):
            return
        self._finish()
        self._judge_whole()
        self._wait(2 * LONG_S)
        self.model.bury()
        while self.ledger.upkeep(MODELS):
            pass
        seen = Snapshot.take(self.server.client)
        judge_jobs(self.model, seen)
        left = {key for key in seen.lives if key.startswith("ink:job:") and seen.lives[key] > DAY_MS}
        require(not left, "outlives all jobs:", left)

    def _finish(self) -> None:
        """Work until nothing is left, without any further faults."""
        for _ in range(60):
            while self._read_all() + self.send_all():
                pass
            self._keep_up()
            self.look()
            if not self._is_left():
                return
            for hand in self.hands:
                self.stale += hand
                hand.clear()
            self._wait(700)
        raise Broken(f"jobs do not end: {[job.name for job in self.model.open_jobs()]}")

    def _is_left(self) -> bool:
        waiting = any(letter.state == "pending" for letter in self.model.letters)
        unburied = any(self.model.over(job) != job.buried for job in self.model.jobs.values())
        return bool(self.model.open_jobs()) or waiting or unburied

    def _read_all(self) -> int:
        claims = 0
        for model in MODELS:
            if not self.hands[0] and any(job.model == model for job in self.model.open_jobs()):
                claims += len(self.claim_for(0, model, 100))
                if self.hands[0]:
                    self.read_for(0)
                self.seen = Snapshot.take(self.server.client)
        return claims

    def _judge_whole(self) -> None:
        """Judge by those of the invariants of whole systems that need only a ledger."""
        jobs = self.standing()
        accepted = [
            Accepted(job.name.partition("/")[2], [None] * job.total, job.owner, job.state == "canceled")
            for job in jobs
        ]
        first = {
            (job.name, c): digest(part.results)
            for job in jobs
            for c, part in enumerate(job.parts)
            if part.results is not None
        }
        evidence = Evidence(accepted, seen=first, whole=False)
        whole = Look(System(self.server.url, ()), evidence, self.server.client)
        for check in (lost, changed, miscounted, misordered, leaked):
            found = list(check(whole))
            require(not found, found)
