"""A campaign: clients send while strikes fall, until all is sent and enough has been struck; then the
judge speaks. The ledger of it says what was done, what came of it, and what is broken.
"""

import contextlib
import heapq
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import redis

from api.client import Client
from worker import keys
from worker.doorbell import TAG, message, queue

from .callers import Caller, Notes, Pool, Quota, quiet_run
from .faults import Cut, Fault
from .invariants import Evidence, Receiver, System, violations
from .proxy import Proxy
from .recovery import Kill, Outages, claims_of, commits_of, percentile, recoveries
from .schedule import KILLS, Intensity, Strike, fingerprint, schedule
from .stage import Cast, Stage, standing
from .wards import Ward
from receivers import Receiver as Listener
from receivers import running_receiver
from samples import glyphs

DISTINCT = 1000
"""Different images; a job is made of some of them."""

REPLY_LOST_SHARE = 0.2
READY_WAIT_S = 20.0
CLAIM_WAIT_S = 1.0
RECOVERY_SLACK_S = 1.0


@dataclass(frozen=True)
class Terms:
    """What a campaign is asked for. It may last `limit_s` at most."""

    seed: int
    images: int
    clients: int
    cast: Cast
    intensity: Intensity
    bulk: tuple[int, int]
    limit_s: float


@dataclass
class Toll:
    """What was done so far."""

    strikes: Counter[str] = field(default_factory=Counter)
    worker_kills: list[Kill] = field(default_factory=list)
    redis_kills: list[float] = field(default_factory=list)

    def share(self, intensity: Intensity) -> float:
        """How much of the kills asked for were made: of the kind that lags behind most."""
        wanted = {kind: count for kind, count in intensity.counts().items() if kind in KILLS and count}
        return min((self.strikes[kind] / count for kind, count in wanted.items()), default=1.0)


@dataclass(frozen=True)
class Ledger:
    """The campaign in figures, and what is broken."""

    figures: dict[str, Any]
    broken: list[str]


class Storm(threading.Thread):
    """Strikes as the schedule says, until told to stop."""

    def __init__(self, stage: Stage, terms: Terms, toll: Toll) -> None:
        super().__init__(name="storm", daemon=True)
        self._stage, self._terms, self._toll = stage, terms, toll
        self._redis = stage.client()
        self._healing: list[tuple[float, str]] = []
        self._ill: set[str] = set()
        self._over = threading.Event()

    def run(self) -> None:
        begin, late = time.monotonic(), 0.0
        for strike in schedule(self._terms.seed, self._terms.intensity):
            while not self._over.is_set() and time.monotonic() - begin - late < strike.at:
                self._heal()
                time.sleep(0.01)
            if self._over.is_set():
                break
            before = time.monotonic()
            self._strike(strike)
            late += time.monotonic() - before
        self._heal(everything=True)

    def calm(self) -> None:
        """Strike no more, and mend the links."""
        self._over.set()
        self.join()
        self._redis.close()

    def _strike(self, strike: Strike) -> None:
        if strike.kind in KILLS:
            self._kill(strike.kind, strike.aim)
        elif strike.kind == "blackout":
            for kind in KILLS:
                for aim in range(len(self._stage.wards(kind))):
                    self._kill(kind, aim, patient=False)
            self._toll.strikes["blackout"] += 1
        elif strike.kind.startswith("bells"):
            self._tamper_with_bells(strike)
        else:
            self._hurt_link(strike)

    def _kill(self, kind: str, aim: int, *, patient: bool = True) -> None:
        """Kill the `aim`-th of those that are ready. Of several another is left: where a machine starts
        them slower than they are killed, nothing would be done but starting."""
        wards = self._stage.wards(kind)
        least = min(2, len(wards)) if patient else 1
        end = time.monotonic() + (READY_WAIT_S if patient else 0.0)
        while len(ready := [ward for ward in wards if ward.ready]) < least:
            if time.monotonic() > end or self._over.is_set():
                return
            time.sleep(0.01)
        if kind == "worker" and patient:
            self._await_claims()
        ward = ready[aim % len(ready)]
        pid, at = ward.pid, ward.kill()
        self._toll.strikes[kind] += 1
        if kind == "worker":
            self._toll.worker_kills.append(Kill(pid, at))
        elif kind == "redis":
            self._toll.redis_kills.append(at)

    def _await_claims(self) -> None:
        """Until workers have chunks in their hands, or have had none for a while: to kill idle ones
        shows nothing."""
        end = time.monotonic() + CLAIM_WAIT_S
        dues = [keys.due(self._terms.cast.model, lane) for lane in keys.LANES]
        with contextlib.suppress(redis.RedisError):
            while time.monotonic() < end and not self._over.is_set():
                now = time.time() * 1000
                if any(self._redis.zcount(due, now, "+inf") for due in dues):
                    return

    def _tamper_with_bells(self, strike: Strike) -> None:
        model = self._terms.cast.model
        try:
            if strike.kind == "bells lost":
                self._toll.strikes["bells lost"] += self._redis.llen(queue(model))
                self._redis.delete(queue(model))
            else:
                bell = message(model).replace(TAG.encode(), f"doubled-{strike.seed}".encode())
                self._redis.lpush(queue(model), bell, bell)
                self._toll.strikes["bells doubled"] += 2
        except redis.RedisError:
            return  # Redis is down, and with it the bells

    def _hurt_link(self, strike: Strike) -> None:
        """What befalls one process's links; one thing at a time."""
        names = sorted(self._stage.proxies)
        name = names[strike.aim % len(names)]
        if name in self._ill:
            return
        proxy = self._stage.proxies[name]
        if strike.kind in ("fin", "rst"):
            proxy.cut(reset=strike.kind == "rst")
        elif strike.kind == "black hole":
            proxy.swallow()
        else:
            hurt(proxy, strike)
        self._toll.strikes[f"link: {strike.kind}"] += 1
        self._ill.add(name)
        heapq.heappush(self._healing, (time.monotonic() + strike.lasts_s, name))

    def _heal(self, *, everything: bool = False) -> None:
        while self._healing and (everything or self._healing[0][0] <= time.monotonic()):
            _, name = heapq.heappop(self._healing)
            self._stage.proxies[name].restore()
            self._ill.discard(name)


def hurt(proxy: Proxy, strike: Strike) -> None:
    """From now on some commands fail, or all come late."""
    rng = random.Random(strike.seed)
    if strike.kind == "delay":
        most = rng.uniform(0.02, 0.3)
        proxy.delay = lambda: rng.uniform(0.0, most)
        return
    cuts = {"lost reply": Cut.AFTER, "cut before": Cut.BEFORE, "cut in reply": Cut.MIDDLE}

    def plan(_: object) -> Fault | None:
        return cuts[strike.kind] if rng.random() < REPLY_LOST_SHARE else None

    proxy.plan = plan


def run(terms: Terms, watch: Callable[[Toll, Quota, Notes], None]) -> Ledger:
    """The whole campaign; `watch` is called now and then while it runs."""
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        standing(Path(folder) / "stage", terms.cast) as stage,
        running_receiver() as listener,
    ):
        return Campaign(terms, stage, listener).run(watch)


class Campaign:
    """One run on a stage that stands."""

    def __init__(self, terms: Terms, stage: Stage, listener: Listener) -> None:
        self._terms, self._stage, self._listener = terms, stage, listener
        self._toll, self._notes = Toll(), Notes(stage.redis_url)
        ahead = max(2 * terms.bulk[1], terms.images // 20)
        share = lambda: self._toll.share(terms.intensity)  # noqa: E731
        self._quota = Quota(terms.images, ahead, share)

    def run(self, watch: Callable[[Toll, Quota, Notes], None]) -> Ledger:
        """Quiet first, then the storm, then the judge."""
        owner, key = next(iter(self._stage.owners.items()))
        with Client(self._stage.urls[0], key) as client:
            secret = client.webhooks.create(self._listener.url).secret
        images = glyphs(DISTINCT, np.random.default_rng(self._terms.seed))
        pool, quiet = quiet_run(self._stage.urls[0], key, owner, self._terms.cast.model, images)
        self._notes.accept(quiet, "quiet jobs")
        began = time.monotonic()
        with self._storm():
            callers = self._call(pool)
            late = self._watch(callers, watch)
        fire_s = time.monotonic() - began
        broken = [f"client: {each} is not done after {self._terms.limit_s:.0f} s" for each in late]
        broken += self._settle()
        whole_s = time.monotonic() - began
        broken += self._notes.complaints + self._judge(Receiver(owner, secret, self._heard()), not late)
        figures = self._figures(fire_s, whole_s)
        return Ledger(figures, broken + too_slow(figures, self._terms))

    @contextmanager
    def _storm(self) -> Iterator[None]:
        storm = Storm(self._stage, self._terms, self._toll)
        storm.start()
        try:
            yield
        finally:
            storm.calm()

    def _call(self, pool: Pool) -> list[Caller]:
        owners = list(self._stage.owners.items())
        callers = [
            Caller(
                number,
                self._terms.seed,
                self._terms.cast.model,
                self._stage.urls[number % len(self._stage.urls)],
                *owners[number % len(owners)],
                pool,
                self._quota,
                self._notes,
                self._terms.bulk,
            )
            for number in range(self._terms.clients)
        ]
        for caller in callers:
            caller.start()
        return callers

    def _watch(self, callers: list[Caller], watch: Callable[[Toll, Quota, Notes], None]) -> list[str]:
        """Until all callers are done and enough was struck; the callers who never were."""
        end = time.monotonic() + self._terms.limit_s
        while time.monotonic() < end:
            watch(self._toll, self._quota, self._notes)
            alive = [caller.name for caller in callers if caller.is_alive()]
            if not alive and self._toll.share(self._terms.intensity) >= 1:
                return []
            time.sleep(0.2)
        self._quota.off.set()
        return alive

    def _settle(self) -> list[str]:
        try:
            self._stage.warden.wait_ready(60)
        except TimeoutError as error:
            return [f"lost: a minute after the storm: {error}"]
        return []

    def _heard(self) -> list[tuple[dict[str, str], bytes]]:
        self._wait_for_outbox()
        return [(each.headers, each.body) for each in list(self._listener.messages)]

    def _wait_for_outbox(self) -> None:
        end = time.monotonic() + 60
        with self._stage.client() as client:
            while client.zcard("ink:outbox") and time.monotonic() < end:
                time.sleep(0.1)

    def _judge(self, receiver: Receiver, whole: bool) -> list[str]:
        stage = self._stage
        wards = (stage.store, *stage.gateways, *stage.workers, *stage.senders)
        system = System(
            stage.redis_url,
            stage.urls,
            stage.owners,
            [ward.pid for ward in wards],
            {ward.pid: ward.descriptors for ward in wards},
            stage.temporary,
        )
        notes = self._notes
        evidence = Evidence(
            notes.accepted, notes.answers.counted, notes.seen, notes.heard, [receiver], whole
        )
        return violations(system, evidence, wait_s=60)

    def _figures(self, fire_s: float, whole_s: float) -> dict[str, Any]:
        notes, stage = self._notes, self._stage
        with stage.client() as client:
            stats = {k.decode(): int(v) for k, v in client.hgetall("ink:stats").items()}
            commits = commits_of(client, [job.name for job in notes.accepted])
        logs = [ward.log for ward in stage.workers]
        found = recoveries(self._toll.worker_kills, claims_of(logs), commits)
        times = sorted(commits.values())
        backs = [first_after(times, at) - at for at in self._toll.redis_kills]
        outages = Outages(
            [(at, at + took) for at, took in zip(self._toll.redis_kills, backs, strict=True)]
        )
        calm = [each.took_s for each in found if not outages.touch(each.at, each.at + each.took_s)]
        return {
            "seed": self._terms.seed,
            "schedule": fingerprint(self._terms.seed, self._terms.intensity),
            "images": self._quota.taken + DISTINCT,
            "jobs": len(notes.accepted),
            "images by kind of job": dict(notes.done),
            "seconds under fire": round(fire_s, 1),
            "seconds in all": round(whole_s, 1),
            "images a second": round(self._quota.taken / fire_s),
            "strikes": dict(sorted(self._toll.strikes.items())),
            "restarts": sum(len(ward.restarts_s) for ward in stage.warden.wards),
            "restart delay p50 s": round(percentile(self._delays(), 0.5), 3),
            "ended by themselves": self._deaths(),
            "chunks": len(commits),
            "chunks delivered again": stats.get("chunks_reclaimed", 0),
            "second commits absorbed": stats.get("commits_duplicate", 0),
            "second commits that differ": stats.get("commits_different", 0),
            "chunks in killed hands": len(found),
            "of these while Redis stayed": len(calm),
            "recovery p50 s": round(percentile(calm, 0.5), 2),
            "recovery p99 s": round(percentile(calm, 0.99), 2),
            "recovery max s": round(max(calm, default=0.0), 2),
            "recovery p99 s, Redis killed too": round(percentile([e.took_s for e in found], 0.99), 2),
            "Redis killed to next commit p50 s": round(percentile(backs, 0.5), 2),
            "Redis killed to next commit max s": round(max(backs, default=0.0), 2),
            "answers": {
                f"{s} {kind}".strip(): n for (s, kind, _), n in sorted(notes.answers.counted.items())
            },
            "followers": len(notes.heard),
            "webhooks": len(self._listener.messages),
            "gateway memory MB": [_memory(ward) for ward in stage.gateways],
        }

    def _delays(self) -> list[float]:
        return [delay for ward in self._stage.warden.wards for delay in ward.restarts_s]

    def _deaths(self) -> dict[str, int]:
        """How processes ended that were not killed by us, by what they are and their exit code."""
        found: Counter[str] = Counter()
        for ward in self._stage.warden.wards:
            for code, number in ward.deaths.items():
                own = number - ward.kills if code == -9 else number
                if own > 0:
                    found[f"{ward.name} with {code}"] += own
        return dict(found)


def first_after(times: list[float], at: float) -> float:
    """The first of `times` after `at`; `at` itself if there is none."""
    return next((each for each in times if each > at), at)


def too_slow(figures: dict[str, Any], terms: Terms) -> list[str]:
    """What took longer than was promised, or was struck less often than was asked for."""
    broken = []
    limit = terms.cast.lease_ms / 1000 + RECOVERY_SLACK_S
    if figures["recovery p99 s"] > limit:
        broken.append(f"slow: recovery took {figures['recovery p99 s']} s at p99, not {limit:.0f} s")
    if figures["second commits that differ"]:
        broken.append(
            f"wrong: {figures['second commits that differ']} second commits said something else"
        )
    for kind, count in terms.intensity.counts().items():
        if kind in KILLS and figures["strikes"].get(kind, 0) < count:
            broken.append(f"few: {figures['strikes'].get(kind, 0)} {kind} kills of {count}")
    return broken


def _memory(ward: Ward) -> int:
    return int(psutil.Process(ward.pid).memory_info().rss) >> 20 if ward.pid else 0
