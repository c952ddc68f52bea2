"""Strikes while clients send: kills, tampering with doorbells, harm to links, as the schedule says."""

import heapq
import random
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import redis

from worker.connections.connection import TIMEOUTS
from worker.ledger.doorbell import TAG, message, queue

from .faults import Cut, Fault
from .proxy import Proxy
from .recovery import Kill
from .schedule import KILLS, Intensity, Strike, schedule
from .stage import Cast, Stage
from .stock import Quota
from .wards import Ward

REPLY_LOST_SHARE = 0.2
READY_WAIT_S = 20.0
CLAIM_WAIT_S = 3.0
DRIFT = 0.1
TAIL = 4096


@dataclass(frozen=True)
class Terms:
    """The parameters of a campaign, which may last at most `limit_s`."""

    seed: int
    images: int
    clients: int
    cast: Cast
    intensity: Intensity
    bulk: tuple[int, int]
    limit_s: float


@dataclass
class Toll:
    """The strikes so far."""

    strikes: Counter[str] = field(default_factory=Counter)
    worker_kills: list[Kill] = field(default_factory=list)
    redis_kills: list[float] = field(default_factory=list)
    hurt: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """By ward: from when to when its links were hurt, or the effects may have been felt."""

    def share(self, intensity: Intensity) -> float:
        """The share of the wanted kills, of all kinds together, that were made."""
        wanted = _kills_wanted(intensity)
        made = sum(min(self.strikes[kind], count) for kind, count in wanted.items())
        return made / max(1, sum(wanted.values()))

    def suffices(self, intensity: Intensity) -> bool:
        """Whether as many kills of each kind were made as were wanted."""
        return all(self.strikes[kind] >= count for kind, count in _kills_wanted(intensity).items())


def _kills_wanted(intensity: Intensity) -> dict[str, int]:
    return {kind: count for kind, count in intensity.counts().items() if kind in KILLS}


class Storm(threading.Thread):
    """Strikes as the schedule says, until told to stop."""

    def __init__(self, stage: Stage, terms: Terms, toll: Toll, quota: Quota) -> None:
        super().__init__(name="storm", daemon=True)
        self._stage, self._terms, self._toll, self._quota = stage, terms, toll, quota
        self._drift, self._looked = 0.0, time.monotonic()
        self._redis = stage.client()
        self._healing: list[tuple[float, str]] = []
        self._ill: set[str] = set()
        self._over = threading.Event()
        self.failures: list[str] = []

    def run(self) -> None:
        try:
            self._rage()
        except Exception as error:
            self.failures.append(f"storm: it ended early: {error!r}")

    def _rage(self) -> None:
        for strike in schedule(self._terms.seed, self._terms.intensity):
            while not self._over.is_set() and self._clock() < strike.at:
                self._heal()
                time.sleep(0.01)
            if self._over.is_set():
                break
            self._heal()  # here too, since behind the schedule nothing waits above
            self._strike(strike)
        self._heal(everything=True)

    def _clock(self) -> float:
        """It advances with the images sent, and slowly with time, but at full speed if clients wait for
        it."""
        sent, now = self._quota.taken / self._quota.images, time.monotonic()
        idle = sent >= 1 or self._quota.holds_up
        self._drift += (now - self._looked) * (1.0 if idle else DRIFT)
        self._looked = now
        return sent * self._terms.intensity.span + self._drift

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
        """Kill the `aim`-th of those that are ready. If there are several, one more must be ready: on a
        machine that starts them slower than they are killed, nothing else would get done."""
        wards = self._stage.wards(kind)
        least = min(2, len(wards)) if patient else 1
        end = time.monotonic() + (READY_WAIT_S if patient else 0.0)
        while len(ready := [ward for ward in wards if ward.ready]) < least:
            if time.monotonic() > end or self._over.is_set():
                return
            time.sleep(0.01)
        if kind == "worker" and patient and aim % 4:
            ready = self._busy(ready) or ready
        ward = ready[aim % len(ready)]
        pid, at = ward.pid, ward.kill()
        self._toll.strikes[kind] += 1
        if kind == "worker":
            self._toll.worker_kills.append(Kill(pid, at))
        elif kind == "redis":
            self._toll.redis_kills.append(at)

    def _busy(self, wards: list[Ward]) -> list[Ward]:
        """The workers that have chunks in hand, as soon as any has; none if none has for a while. Three
        of four kills are of these, since killing an idle worker shows little."""
        end = time.monotonic() + CLAIM_WAIT_S
        while time.monotonic() < end and not self._over.is_set():
            if busy := [ward for ward in wards if holds_chunks(ward.log)]:
                return busy
            time.sleep(0.002)
        return []

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
        """Hurt one process's links, unless they are hurt already."""
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
        now = time.time()
        self._toll.hurt[name].append((now, now + strike.lasts_s + TIMEOUTS["socket_timeout"]))
        self._ill.add(name)
        heapq.heappush(self._healing, (time.monotonic() + strike.lasts_s, name))

    def _heal(self, *, everything: bool = False) -> None:
        while self._healing and (everything or self._healing[0][0] <= time.monotonic()):
            _, name = heapq.heappop(self._healing)
            self._stage.proxies[name].restore()
            self._ill.discard(name)


def holds_chunks(log: Path) -> bool:
    """Whether a worker's last log line about chunks since it was ready is a claim."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        tail = file.read()
    committed, ready = tail.rfind(b'"chunk.committed"'), tail.rfind(b'"worker.ready"')
    return tail.rfind(b'"chunk.claimed"') > max(committed, ready)


def hurt(proxy: Proxy, strike: Strike) -> None:
    """Have some commands fail, or all come late, from now on."""
    rng = random.Random(strike.seed)
    if strike.kind == "delay":
        most = rng.uniform(0.02, 0.3)
        proxy.delay = lambda: rng.uniform(0.0, most)
        return
    cuts = {"lost reply": Cut.AFTER, "cut before": Cut.BEFORE, "cut in reply": Cut.MIDDLE}

    def plan(_: object) -> Fault | None:
        return cuts[strike.kind] if rng.random() < REPLY_LOST_SHARE else None

    proxy.plan = plan
