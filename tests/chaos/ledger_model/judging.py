"""Compares the ledger with the model: every key of it, after every step."""

from collections import Counter, defaultdict
from typing import Any

from worker.ledger import keys
from worker.ledger.keys import LANES

from chaos.ledger_model.broken import require
from chaos.ledger_model.jobs import Job, Part
from chaos.ledger_model.model import Model
from chaos.ledger_model.snapshot import Snapshot
from chaos.remains import LASTING

MODELS = ("balanced", "digits")
STAGED_MS = 900_000
SLACK_MS = 100_000
"""Real time that may pass besides the model's, which only passes in longer steps."""


def judge(model: Model, seen: Snapshot) -> None:
    """Raise Broken if the ledger differs from the model."""
    judge_jobs(model, seen)
    _judge_letters(model, seen)


def judge_jobs(model: Model, seen: Snapshot) -> None:
    """The same for everything but webhooks."""
    _judge_sums(model, seen)
    _judge_lives(model, seen)
    parts_of = _keys_of_jobs(seen)
    for name, job in model.jobs.items():
        parts = parts_of.pop(name, set())
        if job.buried:
            require(parts == {""}, "an expired job left more than a tombstone:", name, parts)
            require(seen.hash(keys.job(name))["state"] == b"expired", "not a tombstone:", name)
        elif not model.over(job):
            _judge_job(job, seen)
    require(not parts_of, "keys of jobs that are not there:", parts_of)


def _judge_sums(model: Model, seen: Snapshot) -> None:
    """Counters over all jobs are the sums over the jobs, and lists have the right members."""
    open_jobs = model.open_jobs()
    require(seen.number("ink:load") == model.load(), "ink:load is", seen.number("ink:load"))
    owners = {k: int(v) for k, v in seen.hash("ink:open").items() if int(v)}
    require(owners == Counter(job.owner for job in open_jobs), "ink:open is", owners)
    queued = {k: int(v) for k, v in seen.hash("ink:queued").items()}
    sums: Counter[str] = Counter()
    for job in open_jobs:
        sums[job.owner] += job.left
    require(not queued or queued == sums, "ink:queued is", queued)
    for name in MODELS:
        for lane in LANES:
            there = [job for job in open_jobs if (job.model, job.lane) == (name, lane)]
            load = seen.number(f"ink:load:{name}:{lane}")
            require(load == sum(job.left for job in there), name, lane, "has a load of", load)
            line = set(seen.scores(f"ink:line:{name}:{lane}"))
            require(line == {job.name for job in there}, name, lane, "has in line", line)
    alive = {job.name for job in model.jobs.values() if not job.buried}
    require(set(seen.scores("ink:expiry")) == alive, "ink:expiry is", seen.scores("ink:expiry"))
    for key in seen.values:
        if key.startswith(("ink:due:", "ink:leases:")):
            dead = {member.rpartition("#")[0] for member in seen.scores(key)} - alive
            require(not dead, key, "has chunks of jobs that are gone:", dead)
    listed = {name for key in seen.values if key.startswith("ink:owner:") for name in seen.scores(key)}
    require(listed == alive, "owners are said to have", listed)


def _judge_lives(model: Model, seen: Snapshot) -> None:
    """Every key of a job, upload or delivery expires by itself, and no key of a job before the job."""
    for key, life in seen.lives.items():
        kind = key.removeprefix("ink:")
        require(life > 0 or LASTING.fullmatch(key), key, "has no expiry")
        if kind.startswith("stage:"):
            require(life <= STAGED_MS, key, "is staged for", life)
        if kind.startswith("job:"):
            job = model.jobs.get(kind.split(":")[1])
            if job and not model.over(job):
                rest = (job.expires - model.now) * 1000
                require(life > rest - SLACK_MS, key, "goes before its job")
    for key, (name, _, until) in model.keys.items():
        if until > model.now + SLACK_MS / 1000:
            require(seen.hash(key).get("name") == name.encode(), "an idempotency key is forgotten:", key)


def _judge_job(job: Job, seen: Snapshot) -> None:
    """A job's counters, chunks, results, events and corrections are those of the model."""
    stored, out = seen.hash(keys.job(job.name)), seen.hash(keys.results(job.name))
    counts = {field: int(stored.get(field, 0)) for field in job.counts()}
    require(counts == job.counts(), job.name, "counts", counts, "and has", job.counts())
    require(stored["state"] == job.state.encode(), job.name, "is", stored["state"], "not", job.state)
    results = {str(c): part.results for c, part in enumerate(job.parts) if part.results is not None}
    require(out == results, job.name, "has other results than were committed:", out, results)
    for c, part in enumerate(job.parts):
        kept = seen.values.get(keys.chunk_input(job.name, c))
        require(kept == part.kept, job.name, "chunk", c, "keeps", kept, "and not", part.kept)
    _judge_way(job, seen)
    if len(job.parts) == 1:  # noted once somebody asks
        return
    told = [(f.get(b"c") or f.get(b"end"), int(f.get(b"n", -1))) for _, f in _events(job, seen)]
    require(told == [(w.encode(), n) for w, n in job.events], job.name, "told", told, "not", job.events)
    said = {int(k): v.decode() for k, v in seen.hash(keys.corrections(job.name)).items()}
    require(said == job.corrections, job.name, "is corrected as", said)


def _judge_way(job: Job, seen: Snapshot) -> None:
    """Each unread chunk is due, is leased, or waits for one before it to be done."""
    under_way = {c: part for c, part in enumerate(job.parts) if part.due is not None}
    run = seen.hash(keys.job(job.name))
    noted = {int(field[2:]) for field in run if field.startswith("d:")}
    require(noted == set(under_way), job.name, "has under way", noted, "not", set(under_way))
    due = seen.scores(f"ink:due:{job.model}:{job.lane}")
    mine = {int(m.rpartition("#")[2]) for m in due if m.rpartition("#")[0] == job.name}
    require(mine == set(under_way), job.name, "has due", mine, "not", set(under_way))
    leased = {m for m in seen.scores(f"ink:leases:{job.model}") if m.rpartition("#")[0] == job.name}
    given = {f"{job.name}#{c}" for c, part in under_way.items() if part.deliveries}
    require(leased == given, job.name, "has leases", leased, "not", given)
    for c, part in under_way.items():
        require(int(run.get(f"a:{c}", 0)) == part.deliveries, job.name, c, "miscounts deliveries")
        require(run.get(f"l:{c}") == _lease(part), job.name, c, "has another lease")
        suspects = seen.hash(keys.suspects(job.name, c))
        require(not suspects or part.deliveries > 0, job.name, c, "has suspects", suspects)
    if job.open:
        waiting = [c for c, part in enumerate(job.parts) if c >= job.next]
        least = min(job.window, len(under_way) + len(waiting))
        require(len(under_way) >= least or job.state == "canceling", job.name, "makes too little due")


def _lease(part: Part) -> bytes | None:
    return None if part.token is None else str(part.token).encode()


def _events(job: Job, seen: Snapshot) -> list[tuple[str, dict[bytes, bytes]]]:
    events: list[tuple[str, dict[bytes, bytes]]] = seen.values.get(f"{keys.job(job.name)}:events", [])
    return events


def _keys_of_jobs(seen: Snapshot) -> dict[str, set[str]]:
    """The parts of each job that are stored, by the job's name; its hash is the part ''."""
    found: dict[str, set[str]] = defaultdict(set)
    for key in seen.values:
        if key.startswith("ink:job:"):
            name, _, part = key.removeprefix("ink:job:").partition(":")
            found[name].add(part)
    return dict(found)


def name_letters(model: Model, seen: Snapshot) -> None:
    """Give the model's letters the ids that the ledger gave them. Raises Broken if one is too many."""
    known = {letter.id for letter in model.letters}
    for key, stored in seen.values.items():
        letter = key.removeprefix("ink:delivery:")
        if letter != key and not letter.endswith(":attempts") and letter not in known:
            about = _about(stored)
            unknown = [one for one in model.letters if not one.id and one.about == about]
            require(unknown, "a webhook that nobody is owed:", about)
            unknown[0].id = letter


def _judge_letters(model: Model, seen: Snapshot) -> None:
    """The ledger has every letter that the model has, once, in the same state."""
    name_letters(model, seen)
    for letter in model.letters:
        require(letter.id, "a webhook was never created:", letter)
        stored = seen.hash(keys.delivery(letter.id))
        require(stored.get("state") == letter.state.encode(), "a webhook is", stored, "not", letter)
        lane = seen.scores(f"ink:outbox:{letter.owner}/{letter.hook}")
        require((letter.id in lane) == (letter.state == "pending"), "not in its lane:", letter)


def _about(stored: dict[str, Any]) -> tuple[str, ...]:
    return tuple(stored[field].decode() for field in ("owner", "hook", "job", "type"))
