"""A machine of hypothesis that does anything that may happen to a ledger, in any order.

Every step is done to the real scripts on a real Redis and to the model, and what both say is compared.
"""

from binascii import crc32
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, TypeVar

import redis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from api.problems import Problem
from api.retrying import failed_parts
from worker import keys
from worker.chunks import Chunk, pack, unpack
from worker.entrance import Caps, Entrance, Submission
from worker.jobs import JobState, Lane, Options
from worker.journal import START, Journal
from worker.ledger import Claim, Commit, Ledger
from worker.preparation import pack_failed
from worker.results import UNDECODABLE, WORKER_LOST, Answer, Failure, Result, count_failures
from worker.results import pack as pack_results
from worker.store import Store
from worker.wariness import NONE, Wariness

from chaos.invariants import Accepted, Evidence, Look, System, changed, leaked, lost, miscounted, misordered, wrong
from chaos.judging import MODELS, judge
from chaos.model import LEASE_S, Broken, Job, Model, Part, require
from chaos.server import Server
from chaos.snapshot import Snapshot
from ledgers import LABELS, pass_over

T = TypeVar("T")
OWNERS = ("alice", "bob")
WORKERS = 3
MAX_DEATHS = 3
CAPS = Caps(max_queued=30, max_open=3, window=2)
SHORT_S, LONG_S = 1_500, 100_000
LATEST_S = 60_000
"""The clock of an example goes no further, so that no tombstone and no letter is forgotten in it."""


@dataclass(frozen=True)
class Sent:
    """What a client sends: images in chunks of these sizes."""

    owner: str
    id: str
    lane: Lane
    model: str
    images: tuple[bytes, ...]
    sizes: tuple[int, ...]
    key: str | None = None
    keep: bool = False
    life_s: int = LONG_S
    staged: bool = True

    def contents(self) -> list[tuple[bytes, ...]]:
        """The images, chunk by chunk."""
        ends = list(accumulate(self.sizes))
        return [self.images[end - size : end] for end, size in zip(ends, self.sizes, strict=True)]


def _images_of(sizes: list[int], body: int, bad: set[int], poison: set[int]) -> dict[str, Any]:
    kinds = ["poison" if i in poison else "bad" if i in bad else "good" for i in range(sum(sizes))]
    images = tuple(f"{body}:{index}:{kind}".encode() for index, kind in enumerate(kinds))
    return {"images": images, "sizes": tuple(sizes)}


FEW = st.sets(st.integers(0, 12), max_size=2)
IMAGES = st.builds(_images_of, st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(0, 1), FEW, FEW)
SENT = st.builds(
    lambda images, **given: Sent(**images, **given),
    IMAGES,
    owner=st.sampled_from(OWNERS),
    id=st.sampled_from("abc"),
    lane=st.sampled_from(keys.LANES),
    model=st.sampled_from([MODELS[0], MODELS[0], MODELS[1]]),
    key=st.sampled_from([None, None, "k", "l"]),
    keep=st.booleans(),
    life_s=st.sampled_from([LONG_S, SHORT_S]),
    staged=st.sampled_from([True] * 7 + [False]),
)

SOME = st.integers(0, 999)
"""Chooses one of whatever there is."""


class Census:
    """Which states and transitions were seen."""

    def __init__(self) -> None:
        self.states: set[int] = set()
        self.transitions: set[tuple[int, str, int]] = set()
        self.steps = self.examples = 0

    def note(self, before: int, did: str, after: int) -> None:
        """A step was made."""
        self.steps += 1
        self.states.add(after)
        self.transitions.add((before, did, after))

    def __str__(self) -> str:
        return (
            f"{self.examples:,} examples, {self.steps:,} steps, {len(self.states):,} distinct states,"
            f" {len(self.transitions):,} distinct transitions"
        )


class Death(Exception):
    """The worker is gone, with all that it had in hand."""


class LedgerMachine(RuleBasedStateMachine):
    """The ledger beside its model. `server` and `census` are set by whoever runs it."""

    server: ClassVar[Server]
    census: ClassVar[Census]

    def __init__(self) -> None:
        super().__init__()
        self.server.client.flushall()
        self.model = Model(CAPS.max_queued, CAPS.max_open)
        self.ledger = Ledger(self.server.client, LEASE_S * 1000)
        asynchronous = self.server.asynchronous
        self.entrance, self.store = Entrance(asynchronous), Store(asynchronous)
        self.journal = Journal(asynchronous, self.store)
        self.hands: list[list[Claim]] = [[] for _ in range(WORKERS)]
        self.stale: list[Claim] = []
        self.read_to: dict[tuple[str, int], tuple[str, int]] = {}
        self.seen = Snapshot.take(self.server.client)
        self.did, self.state, self.kills, self.uploads = "begin", 0, 0, 0
        self.census.examples += 1

    @initialize(sent=st.lists(SENT, min_size=1, max_size=3), kills=st.sampled_from([0, 0, 0, 0, 1]))
    def begin(self, sent: list[Sent], kills: int) -> None:
        """Some jobs, that there is something to do; Redis is killed in some examples only: it takes time."""
        self.kills = kills
        for each in sent:
            self._submit(each)

    @invariant()
    def all_is_as_it_must_be(self) -> None:
        """After every step."""
        self.seen = Snapshot.take(self.server.client)
        judge(self.model, self.seen)
        before, self.state = self.state, self._signature()
        self.census.note(before, self.did, self.state)

    # -- clients

    @rule(sent=SENT)
    def submit(self, sent: Sent) -> None:
        """A job, or one that was sent before, or another one under its id or key."""
        self.did = "submit"
        self._submit(sent)

    def _submit(self, sent: Sent) -> None:
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
        verdict = self._run(self._enter(job, contents, sent.staged))
        wanted = Job(
            job.name,
            sent.owner,
            sent.model,
            sent.lane,
            [Part(images, pack(images)) for images in contents],
            CAPS.window,
            sent.keep,
            fingerprint,
            self.model.now + sent.life_s,
        )
        expected = self.model.submit(wanted, stored, sent.staged)
        self._same("submit", (verdict.kind, verdict.name), expected)
        if verdict.kind == "new":
            require(self.server.client.llen(f"drain.{sent.model}") > 0, "nobody was rung for")

    async def _enter(self, job: Submission, contents: Sequence[tuple[bytes, ...]], staged: bool) -> Any:
        self.uploads += 1
        token = f"upload{self.uploads}"
        names = [tuple(image.decode() for image in images) for images in contents]
        chunks = [Chunk(len(i), pack(i), n) for i, n in zip(contents, names, strict=True)]
        await self.entrance.stage(token, 0, chunks if staged else chunks[1:])
        verdict = await self.entrance.submit(job, token, [len(images) for images in contents], CAPS)
        if verdict.kind != "new":
            await self.entrance.unstage(token, len(chunks))
        return verdict

    @precondition(lambda self: self.model.jobs)
    @rule(which=SOME, what=st.sampled_from(["cancel", "cancel", "delete", "ask"]))
    def manage(self, which: int, what: str) -> None:
        """An owner stops a job, wants it forgotten, or asks for it."""
        self.did = what
        name = self._pick(sorted(self.model.jobs), which)
        if what == "cancel":
            self._same(what, self._run(self.store.cancel(name)), self.model.cancel(name))
        elif what == "delete":
            self._same(what, self._run(self.store.delete(name)), self.model.delete(name))
        else:
            self._ask(name)

    def _ask(self, name: str) -> None:
        """What its owner is told of a job, and nobody else."""
        owner, _, id = name.partition("/")
        job, told = self.model.standing(name), self._run(self.store.job(name))
        if job is None:
            require(told is JobState.EXPIRED, name, "is over and told as", told)
            return
        counts = vars(told.counts)
        total = counts.pop("total")
        require(total == sum(counts.values()) == job.total, name, "is told as", counts)
        require(min(counts.values()) >= 0, name, "is told as", counts)
        require((told.position is not None) == job.open, name, "has place", told.position)
        other = next(each for each in OWNERS if each != owner)
        if f"{other}/{id}" not in self.model.jobs:
            require(self._run(self.store.job(f"{other}/{id}")) is None, name, "is told to others")

    @precondition(lambda self: self._read_jobs())
    @rule(
        which=SOME,
        what=st.sampled_from(["follow", "correct", "retry"]),
        most=st.integers(1, 3),
        labels=st.dictionaries(SOME, st.sampled_from(["", "A", "7"]), min_size=1, max_size=2),
    )
    def use(self, which: int, what: str, most: int, labels: dict[int, str]) -> None:
        """Somebody goes on following a job, knows better than it, or wants what failed read once more."""
        self.did = what
        job = self._pick(self._read_jobs(), which)
        if what == "follow":
            self._follow(job, most)
        elif what == "correct":
            self._correct(job, {image % job.total: label for image, label in labels.items()})
        elif not job.open and job.counts()["failed"]:
            self._retry(job, keys.LANES[most % 2])

    def _follow(self, job: Job, most: int) -> None:
        last, heard = self.read_to.get((job.name, job.first_token), (START, 0))
        look = self._run(self.journal.look(job.name, last, most))
        expected = job.events[heard : heard + most]
        chunks = [event.chunk for event in look.events]
        wanted = [None if before < 0 else int(what) for what, before in expected]
        require(chunks == wanted, "a follower heard", chunks, "and not", wanted)
        require(look.job.state == job.state, "a follower was told", look.job.state, "not", job.state)
        if look.events:
            self.read_to[job.name, job.first_token] = look.events[-1].id, heard + len(look.events)

    def _correct(self, job: Job, labels: dict[int, str]) -> None:
        answer = self._run(self.store.correct(job.name, {i: text or None for i, text in labels.items()}))
        self._same("correct", answer, self.model.correct(job.name, labels))

    def _retry(self, job: Job, lane: Lane) -> None:
        """Every image that failed is there, by its name."""
        stored = self._run(self.store.job(job.name))
        parts: Any = self._run(failed_parts(self.store, stored))
        wanted = [(image.decode(), image) for image in _failing(job)]
        found = [(part.name, bytes(part.file)) for part in parts]
        require(found == wanted, "a retry would send", found, "and not", wanted)
        files = tuple(image for _, image in wanted)
        self._submit(Sent(job.owner, "r", lane, job.model, files, (len(files),)))

    # -- workers

    @precondition(lambda self: self.model.jobs)
    @rule(
        who=st.integers(0, WORKERS - 1),
        model=st.sampled_from([MODELS[0], *MODELS]),
        budget=st.sampled_from([1, 4, 8, 100]),
    )
    def claim(self, who: int, model: str, budget: int) -> None:
        """A worker wakes and takes what is due."""
        self.did = "claim"
        if not self.hands[who]:
            self._claim(who, model, budget)

    def _claim(self, who: int, model: str, budget: int) -> list[Claim]:
        scores = {m: at for lane in keys.LANES for m, at in self.seen.scores(keys.due(model, lane)).items()}
        claims = self.ledger.claim(model, budget)
        after = Snapshot.take(self.server.client)
        self.model.claimed(model, budget, claims, scores)
        self.model.dropped(model, self._no_longer(after, claims))
        self.hands[who] += claims
        return claims

    def _no_longer(self, after: Snapshot, claims: Sequence[Claim]) -> list[tuple[str, int]]:
        """Chunks that the model has under way and the ledger has not."""
        jobs = [job for job in self.model.jobs.values() if not self.model.over(job)]
        return [
            (job.name, c)
            for job in jobs
            for c, part in enumerate(job.parts)
            if part.due is not None and f"d:{c}" not in after.hash(f"{keys.job(job.name)}:run")
        ]

    @precondition(lambda self: any(self.hands))
    @rule(which=SOME, unlucky=st.sampled_from([None, None, None, 0, 1, 2]))
    def read(self, which: int, unlucky: int | None) -> None:
        """A worker reads what it has in hand; should it be unlucky, it dies with an image in hand."""
        self.did = "read"
        self._read(self._pick([who for who, claims in enumerate(self.hands) if claims], which), unlucky)

    def _read(self, who: int, unlucky: int | None = None) -> None:
        claims, self.hands[who] = self.hands[who], []
        try:
            if claims[0].deliveries > 1:
                commits = [self._read_warily(claim, unlucky) for claim in claims]
            else:
                commits = [self._read_at_once(claim) for claim in claims]
        except Death:
            return
        self.stale += claims
        expected = [
            self.model.commit(each.claim, each.results, each.failed, each.kept) for each in commits
        ]
        self._same("commit", self.ledger.commit(commits), expected)

    def _read_at_once(self, claim: Claim) -> Commit:
        images = _images(claim)
        if any(b"poison" in image for image in images):
            self._note_death(claim)
            raise Death
        return _commit(claim, images)

    def _read_warily(self, claim: Claim, unlucky: int | None) -> Commit:
        """As the engine does: see worker/engine.py."""
        wariness = Wariness(self.ledger, claim, MAX_DEATHS)
        images, given_up = _images(claim), set()
        for index, image in enumerate(images):
            failure, known = wariness.check(index), self.model.suspects(claim, index, given_up)
            self._same("wariness", failure is not None, known + 1 >= MAX_DEATHS)
            if failure:
                require(b"poison" in image, "an innocent image was given up:", claim.name, index)
                given_up.add(index)
            elif b"poison" in image:
                self._note_death(claim)
                raise Death
            elif index == unlucky and self._may_die(claim):
                raise Death
        return _commit(claim, images, given_up)

    def _note_death(self, claim: Claim) -> None:
        """A poisonous image killed: no more often than it takes to find all those of its chunk."""
        part = self.model.held(claim)
        if part:
            part.lost += 1
            poisons = sum(b"poison" in image for image in part.images)
            require(part.lost <= 1 + 2 * poisons, "too many died of", claim.name, claim.chunk)

    def _may_die(self, claim: Claim) -> bool:
        """Once a chunk: an image in whose company two die is guilty by rule."""
        part = self.model.held(claim)
        if part is None or part.unlucky:
            return False
        part.unlucky = True
        return True

    @precondition(lambda self: self.model.jobs)
    @rule(who=st.integers(0, WORKERS - 1))
    def work(self, who: int) -> None:
        """A worker goes once around: what is due, and at once what comes of it."""
        self.did = "work"
        if not self.hands[who] and self._claim(who, MODELS[0], 8):
            self._read(who)

    @precondition(lambda self: any(self.hands))
    @rule(which=SOME, how=st.sampled_from(["crash", "release"]))
    def leave(self, which: int, how: str) -> None:
        """A worker is gone, or told to stop; what is left of it may still do this and that: see `late`."""
        self.did = how
        who = self._pick([who for who, claims in enumerate(self.hands) if claims], which)
        claims, self.hands[who] = self.hands[who], []
        self.stale += claims
        if how == "release":
            self.ledger.release(claims)
            for claim in claims:
                self.model.release(claim)

    @precondition(lambda self: any(self.hands))
    @rule()
    def renew(self) -> None:
        """Those who are alive keep what they have."""
        self.did = "renew"
        claims = [claim for hand in self.hands for claim in hand]
        self._same("renew", self.ledger.renew(claims), self.model.renew(claims))

    @precondition(lambda self: self.stale)
    @rule(
        which=SOME,
        how=st.sampled_from(["commit", "commit", "commit other", "renew", "release", "suspect"]),
    )
    def late(self, which: int, how: str) -> None:
        """What was thought dead, or done already, comes back: only a lease that is still its own counts."""
        self.did = f"{how} late"
        claim = self._pick(self.stale, which)
        if how == "renew":
            self._same(how, self.ledger.renew([claim]), self.model.renew([claim]))
        elif how == "release":
            self.ledger.release([claim])
            self.model.release(claim)
        elif how == "suspect" and self.model.held(claim) is None:
            self._same(how, self.ledger.suspect(claim, which % claim.count, NONE), 0)
        elif how.startswith("commit"):
            self._commit_late(claim, how != "commit")

    def _commit_late(self, claim: Claim, other: bool) -> None:
        """The same results as ever; or others, where it is too late for them."""
        commit = _commit(claim, _images(claim), _poisons(claim))
        job = self.model.standing(claim.name)
        if other and job and claim.chunk < len(job.parts) and job.parts[claim.chunk].results is not None:
            commit = Commit(claim, commit.results + b"{}", commit.succeeded, commit.failed)
        expected = self.model.commit(claim, commit.results, commit.failed, commit.kept)
        self._same("a late commit", self.ledger.commit([commit]), [expected])

    # -- the world

    @precondition(lambda self: self.model.jobs and self.model.now < LATEST_S)
    @rule(seconds=st.sampled_from([400, 900, 900, 900, 6_000]))
    def wait(self, seconds: int) -> None:
        """Leases run out; in the longest, jobs whose life is brief, and the grace of their images."""
        self.did = f"wait {seconds}"
        self._wait(seconds)

    def _wait(self, seconds: int) -> None:
        pass_over(self.server.client, seconds)
        self.model.wait(seconds)

    @precondition(lambda self: self.model.jobs)
    @rule(what=st.sampled_from(["nothing", "nothing", "bells", "scripts", "gateway", "Redis"]))
    def upkeep(self, what: str) -> None:
        """Somebody rings for what is due, and buries what is over, whatever was lost just before: Celery's
        messages, Redis's scripts, a gateway before it submitted, or Redis itself, killed."""
        self.did = f"lose {what}"
        client = self.server.client
        if what == "bells":
            client.delete("webhooks", *(f"drain.{model}" for model in MODELS))
        elif what == "scripts":
            client.script_flush()
        elif what == "gateway":
            self.uploads += 1
            self._run(self.entrance.stage(f"upload{self.uploads}", 0, [Chunk(1, pack([b""]), ("a",))]))
        elif what == "Redis" and self.kills:
            self.kills -= 1
            self.server.kill()
        due = {model: len(list(self.model.due(model))) for model in MODELS}
        self._same("upkeep", self.ledger.upkeep(MODELS), self.model.bury())
        for model, number in due.items():
            bells = client.llen(f"drain.{model}")
            require(bells >= min(1, number), number, "chunks are due and", bells, "bells ring")

    # -- the end

    def teardown(self) -> None:
        """Whatever was done, all ends: every image has its result, and everything goes with its time."""
        try:
            self._finish()
            self._judge_whole()
            self._wait(2 * LONG_S)
            while self.model.bury():
                pass
            while self.ledger.upkeep(MODELS):
                pass
            judge(self.model, Snapshot.take(self.server.client))
        except redis.RedisError as error:
            raise Broken(f"the ledger cannot be read: {error}") from error

    def _finish(self) -> None:
        for _ in range(60):
            self.seen = Snapshot.take(self.server.client)
            judge(self.model, self.seen)
            if self._claim_all():
                continue
            if not any(job.open and not self.model.over(job) for job in self.model.jobs.values()):
                return
            self._wait(700)
            for hand in self.hands:
                self.stale += hand
                hand.clear()
            self._same("upkeep", self.ledger.upkeep(MODELS), self.model.bury())
        raise Broken("jobs do not end: " + str([job.name for job in self.model.open_jobs()]))

    def _claim_all(self) -> bool:
        done = False
        for model in MODELS:
            self.seen = Snapshot.take(self.server.client)
            if self._claim(0, model, 8):
                self._read(0)
                done = True
        return done

    def _judge_whole(self) -> None:
        """By the judge of whole systems, as far as there is a ledger only."""
        jobs = self._standing()
        client = self.server.client
        accepted = [
            Accepted(job.name.partition("/")[2], [None] * job.total, job.owner, job.state == "canceled")
            for job in jobs
        ]
        whole = Look(System(self.server.url, ()), Evidence(accepted, whole=False), client)
        for check in (lost, changed, wrong, miscounted, misordered):
            found = list(check(whole))
            require(not found, found)

    # -- what they share

    def _run(self, work: Any) -> Any:
        return self.server.run(work)

    def _same(self, what: str, said: T, expected: T) -> None:
        require(said == expected, what, "said", said, "and should say", expected)

    def _pick(self, some: Sequence[T], which: int) -> T:
        return some[which % len(some)]

    def _standing(self) -> list[Job]:
        return [job for _, job in sorted(self.model.jobs.items()) if not self.model.over(job)]

    def _read_jobs(self) -> list[Job]:
        return [job for job in self._standing() if job.events]

    def _signature(self) -> int:
        """The model's state as far as rules tell it apart."""
        jobs = sorted(
            (
                job.owner,
                job.lane,
                job.state,
                self.model.over(job),
                job.keep,
                [_stage(self.model, part) for part in job.parts],
            )
            for job in self.model.jobs.values()
        )
        return hash(repr((jobs, [len(hand) for hand in self.hands])))


def _stage(model: Model, part: Part) -> str:
    if part.results is not None:
        return "failed" if part.failed else "read"
    if part.due is None:
        return "dropped" if part.dropped else "waiting"
    held = "leased" if part.token is not None else "due"
    return f"{held} {part.due <= model.now} {min(part.deliveries, 3)} {sorted(part.suspects)}"


def _images(claim: Claim) -> list[bytes]:
    content: Any = unpack(claim.payload)
    return [bytes(image) for image in content]


def _poisons(claim: Claim) -> set[int]:
    return {index for index, image in enumerate(_images(claim)) if b"poison" in image}


def _failing(job: Job) -> list[bytes]:
    images = [image for part in job.parts if part.results is not None for image in part.images]
    return [image for image in images if b"good" not in image]


def _result(index: int, image: bytes, given_up: set[int]) -> Result:
    """What an image always gives: its bytes decide, so another image's result would show."""
    if index in given_up:
        return Failure(WORKER_LOST, "workers were lost while they read this image")
    if b"bad" in image:
        return Failure(UNDECODABLE, "damaged")
    return Answer((crc32(image) % 47, 1), (0.5, 0.25), False)


def _commit(claim: Claim, images: list[bytes], given_up: set[int] | None = None) -> Commit:
    """As the reader makes it: see worker/reading.py."""
    results = [_result(index, image, given_up or set()) for index, image in enumerate(images)]
    failures = count_failures(results)
    failed = failures.total()
    kept = b"" if claim.options.keep_images or not failed else pack_failed(images, results)
    return Commit(claim, pack_results(results, 2), len(results) - failed, failed, kept, failures)
