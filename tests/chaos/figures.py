"""A campaign in figures, and which of them break a promise."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from .notes import Notes
from .recovery import Heir, Outages, Recovery, claims_of, commits_of, heirs_of, percentile, recoveries
from .schedule import KILLS, fingerprint
from .stage import Stage
from .stock import Quota
from .storm import Terms, Toll
from .wards import Ward
from ledgers import read_stats

RECOVERY_SLACK_S = 1.0
REDIS_BACK_S = 5.0
"""Nothing recovers while Redis is away; this long after Redis is killed, commits should go on."""


@dataclass(frozen=True)
class Run:
    """What a campaign left behind; `fire_s` is the time until the last client was done."""

    terms: Terms
    stage: Stage
    toll: Toll
    quota: Quota
    notes: Notes
    webhooks: int
    fire_s: float
    whole_s: float


def figures_of(run: Run) -> dict[str, Any]:
    """Everything that is printed of a run."""
    return sent(run) | struck(run) | recovered(run) | told(run)


def sent(run: Run) -> dict[str, Any]:
    """What clients sent, and how fast."""
    return {
        "seed": run.terms.seed,
        "schedule": fingerprint(run.terms.seed, run.terms.intensity),
        "images": run.quota.taken + len(run.notes.accepted[0].expected),
        "jobs": len(run.notes.accepted),
        "of these": dict(run.notes.done),
        "seconds under fire": round(run.fire_s, 1),
        "seconds in all": round(run.whole_s, 1),
        "images a second": round(run.quota.taken / run.fire_s),
    }


def struck(run: Run) -> dict[str, Any]:
    """What was done to the system."""
    wards = run.stage.warden.wards
    delays = [delay for ward in wards for delay in ward.restarts_s]
    return {
        "strikes": dict(sorted(run.toll.strikes.items())),
        "upkeep loops killed": sum(run.toll.strikes[kind] for kind in ("worker", "gateway", "sender")),
        "restarts": len(delays),
        "restart delay p50 s": round(percentile(delays, 0.5), 3),
        "ended by themselves": own_deaths(wards),
    }


def recovered(run: Run) -> dict[str, Any]:
    """How the chunks of killed workers recovered, and how long it took."""
    stats = read_stats(run.stage.redis_url)
    with run.stage.client() as client:
        commits = commits_of(client, [job.name for job in run.notes.accepted])
    claims = claims_of(ward.log for ward in run.stage.workers)
    found = recoveries(run.toll.worker_kills, claims, commits)
    heirs = heirs_of(found, claims)
    calm = [each for each in found if not disturbed(run, each, heirs.get(each.chunk))]
    took = [each.took_s for each in calm]
    taken = [heirs[each.chunk].at - each.at for each in calm if each.chunk in heirs]
    times = sorted(commits.values())
    backs = [first_after(times, at) - at for at in run.toll.redis_kills]
    return {
        "chunks": len(commits),
        "chunks delivered again": stats.get("chunks_reclaimed", 0),
        "second commits absorbed": stats.get("commits_duplicate", 0),
        "second commits that differ": stats.get("commits_different", 0),
        "chunks in killed hands": len(found),
        "of these undisturbed by another fault": len(calm),
        "killed to taken over p50 s": round(percentile(taken, 0.5), 2),
        "killed to taken over p99 s": round(percentile(taken, 0.99), 2),
        "recovery p50 s": round(percentile(took, 0.5), 2),
        "recovery p99 s": round(percentile(took, 0.99), 2),
        "recovery max s": round(max(took, default=0.0), 2),
        "recovery p99 s, disturbed too": round(percentile([e.took_s for e in found], 0.99), 2),
        "Redis killed to next commit p50 s": round(percentile(backs, 0.5), 2),
        "Redis killed to next commit max s": round(max(backs, default=0.0), 2),
    }


def disturbed(run: Run, one: Recovery, heir: Heir | None) -> bool:
    """Whether Redis was killed while a chunk waited, or the links of its heir were hurt: then the time
    is not that for which the death of a worker alone holds up a chunk."""
    since, until = one.at, one.at + one.took_s
    if Outages([(at, at + REDIS_BACK_S) for at in run.toll.redis_kills]).touch(since, until):
        return True
    names = [ward.name for ward in run.stage.workers if heir and heir.pid in ward.pids]
    return any(Outages(run.toll.hurt[name]).touch(since, until) for name in names)


def told(run: Run) -> dict[str, Any]:
    """What clients and receivers were told."""
    answers: Counter[str] = Counter()
    for (status, kind, _), number in sorted(run.notes.answers.counted.items()):
        answers[f"{status} {kind}".strip()] += number
    return {
        "answers": dict(answers),
        "followers": len(run.notes.heard),
        "webhooks": run.webhooks,
        "gateway memory MB": [_memory_mb(ward) for ward in run.stage.gateways],
    }


def own_deaths(wards: Sequence[Ward]) -> dict[str, int]:
    """How many processes ended that were not killed by us, by name and exit code."""
    found: Counter[str] = Counter()
    for ward in wards:
        for code, number in ward.deaths.items():
            own = number - ward.kills if code == -9 else number
            if own > 0:
                found[f"{ward.name} with {code}"] += own
    return dict(found)


def first_after(times: Sequence[float], at: float) -> float:
    """The first of `times` after `at`; `at` itself if there is none."""
    return next((each for each in times if each > at), at)


def promises_broken(figures: dict[str, Any], terms: Terms) -> list[str]:
    """Every figure that breaks a promise, or falls short of the strikes that were asked for."""
    limit, differ = terms.cast.lease_ms / 1000 + RECOVERY_SLACK_S, figures["second commits that differ"]
    broken = [
        f"few: {figures['strikes'].get(kind, 0)} {kind} kills of {count}"
        for kind, count in terms.intensity.counts().items()
        if kind in KILLS and figures["strikes"].get(kind, 0) < count
    ]
    if figures["recovery p99 s"] > limit:
        broken.append(f"slow: recovery took {figures['recovery p99 s']} s at p99, not {limit:.0f} s")
    if differ:
        broken.append(f"wrong: {differ} second commits said something else than the first")
    return broken


def _memory_mb(ward: Ward) -> int:
    return int(psutil.Process(ward.pid).memory_info().rss) >> 20 if ward.pid else 0
