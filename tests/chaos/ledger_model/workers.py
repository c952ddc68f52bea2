"""What workers do to the ledger and its model: claim, read, renew, release, die, come back late."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from worker.engine.poison_guard import PoisonGuard
from worker.ledger import keys
from worker.ledger.claims import Claim, Commit

from chaos.ledger_model.broken import require
from chaos.ledger_model.ground import SOME, WORKERS, Ground
from chaos.ledger_model.sent import MODELS, commit_of, images_of, is_poison
from chaos.ledger_model.snapshot import Snapshot

MAX_DEATHS = 3


class Death(Exception):
    """The worker is gone, with all that it had in hand."""


class Workers(Ground):
    """Rules of workers."""

    @precondition(lambda self: self.model.jobs)
    @rule(
        who=st.integers(0, WORKERS - 1),
        what=st.sampled_from(["claim", "claim", "work", "work", "read", "renew", "crash", "release"]),
        model=st.sampled_from([MODELS[0], *MODELS]),
        budget=st.sampled_from([1, 4, 8, 100]),
        unlucky=st.sampled_from([None, None, None, 0, 1, 2]),
    )
    def labour(self, who: int, what: str, model: str, budget: int, unlucky: int | None) -> None:
        """A worker claims what is due, or reads what it has, or both; or it dies, or stops (it may still
        come back: see `late`). Or all live workers renew their leases."""
        if not self.hands[who] and what not in ("work", "renew"):
            what = "claim"
        elif self.hands[who] and what in ("claim", "work"):
            what = "read"
        self.did = what
        if what in ("claim", "work"):
            self.claim_for(who, model, budget)
        if what in ("read", "work") and self.hands[who]:
            self.read_for(who, unlucky)
        elif what in ("crash", "release"):
            self._leave(who, what)
        elif what == "renew":
            claims = [claim for hand in self.hands for claim in hand]
            self.same(what, self.ledger.renew(claims), self.model.renew(claims))

    def _leave(self, who: int, how: str) -> None:
        claims, self.hands[who] = self.hands[who], []
        self.stale += claims
        if how == "release":
            self.ledger.release(claims)
            for claim in claims:
                self.model.release(claim)

    def claim_for(self, who: int, model: str, budget: int) -> list[Claim]:
        """Claim from the ledger; the model judges what came."""
        scores = {
            m: at for lane in keys.LANES for m, at in self.seen.scores(f"ink:due:{model}:{lane}").items()
        }
        claims = self.ledger.claim(model, budget)
        after = Snapshot.take(self.server.client)
        self.model.claimed(model, budget, claims, scores)
        self.model.dropped(model, self._no_longer(after, claims))
        self.hands[who] += claims
        return claims

    def _no_longer(self, after: Snapshot, claims: Sequence[Claim]) -> list[tuple[str, int]]:
        """Chunks that are under way in the model, but not in the ledger."""
        jobs = [job for job in self.model.jobs.values() if not self.model.over(job)]
        return [
            (job.name, c)
            for job in jobs
            for c, part in enumerate(job.parts)
            if part.due is not None and f"d:{c}" not in after.hash(keys.job(job.name))
        ]

    def read_for(self, who: int, unlucky: int | None = None) -> None:
        """Commit what a worker has in hand to both, unless it dies of it."""
        claims, self.hands[who] = self.hands[who], []
        try:
            if claims[0].deliveries > 1:
                commits = [self._read_guarded(claim, unlucky) for claim in claims]
            else:
                commits = [self._read_at_once(claim) for claim in claims]
        except Death:
            return
        self.stale += claims
        expected = [
            self.model.commit(each.claim, each.results, each.failed, each.kept) for each in commits
        ]
        self.same("commit", self.ledger.commit(commits, {}), expected)

    def _read_at_once(self, claim: Claim) -> Commit:
        if any(is_poison(image) for image in images_of(claim)):
            self._note_death(claim)
            raise Death
        return commit_of(claim, set())

    def _read_guarded(self, claim: Claim, unlucky: int | None) -> Commit:
        """Read as the reader does, see worker/engine/reading.py."""
        guard = PoisonGuard(self.ledger, claim, MAX_DEATHS, lambda: None)
        images, given_up = images_of(claim), set()
        alone = guard.enter(range(len(images)))
        for index, image in enumerate(images):
            if alone and guard.check(index):
                require(is_poison(image), "an innocent image was given up:", claim.name, index)
                given_up.add(index)
            elif is_poison(image):
                self._note_death(claim)
                raise Death
            elif not alone and index == unlucky:
                raise Death
        return commit_of(claim, given_up)

    def _note_death(self, claim: Claim) -> None:
        """Note that a poisonous image killed, no more often than it takes to find all of its chunk."""
        part = self.model.held(claim)
        if part:
            part.lost += 1
            poisons = sum(is_poison(image) for image in part.images)
            require(part.lost <= 1 + 2 * poisons, "too many died of", claim.name, claim.chunk)

    @precondition(lambda self: self.stale)
    @rule(
        which=SOME,
        how=st.sampled_from(["commit", "commit", "commit other", "renew", "release", "suspect"]),
    )
    def late(self, which: int, how: str) -> None:
        """A claim whose worker was thought dead, or was done, comes back: it counts only if its lease is
        still its own."""
        self.did = f"{how} late"
        claim = self.pick(self.stale, which)
        if how == "renew":
            self.same(how, self.ledger.renew([claim]), self.model.renew([claim]))
        elif how == "release":
            self.ledger.release([claim])
            self.model.release(claim)
        elif how == "suspect" and self.model.held(claim) is None:
            self.same(how, self.ledger.suspect(claim, which % claim.count), 0)
        elif how.startswith("commit"):
            self._commit_late(claim, how != "commit")

    def _commit_late(self, claim: Claim, other: bool) -> None:
        """Commit late: the same results as ever, or others if the chunk already has results."""
        poisons = {index for index, image in enumerate(images_of(claim)) if is_poison(image)}
        commit = commit_of(claim, poisons)
        job = self.model.standing(claim.name)
        if other and job and claim.chunk < len(job.parts) and job.parts[claim.chunk].results is not None:
            commit = commit_of(claim, set(range(claim.count)))
        expected = self.model.commit(claim, commit.results, commit.failed, commit.kept)
        self.same("a late commit", self.ledger.commit([commit], {}), [expected])
