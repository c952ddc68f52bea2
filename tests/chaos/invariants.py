"""The judge of every fault: what was accepted is there, once, right, for its owner, and nothing else is.

Give `violations` a running system that had its faults, and the evidence of what clients saw. It waits
until all is done, looks at the ledger itself and at every gateway, and says in words what is broken.

Results must be those of a quiet run: the same labels, and probabilities to 3e-6. With torch they are not
bit-equal: it sums in another order if a batch holds fewer than four images (48 for a cascade), and a
chunk that is delivered again is read image by image. Over all networks here, probabilities were measured
to differ by up to 1.1e-6. So two lower places that are equally likely may come in either order, but the
label of an image is never another, and a result that is *stored* never changes by a bit.
"""

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
import psutil
import redis
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.schemas.jobs import ItemOut
from worker.ledger import keys
from worker.ledger.jobs import JobState
from worker.ledger.journal import START
from worker.ledger.packing import unpack
from worker.ledger.results import Failure, Result
from worker.ledger.scripts import source

TOLERANCE = 3e-6
TERMINAL = {state.value for state in JobState if state.final}
PLANNED = (
    "storage-unavailable",
    "storage-unsafe",
    "memory-full",
    "no-resources",
    "not-ready",
    "queue-full",
    "too-many-clients",
    "too-many-documents",
)
"""The only problems that may come with a 503, each with Retry-After."""

EXPIRING = (
    "job",
    "stage",
    "lock",
    "idem",
    "delivery",
    "deliveries:",
    "done",
    "rate:",
    "sending",
    "streams:",
    "worker:",
)
"""Keys that must have an expiry, by how they begin."""

SPARE_FILES = 80
"""How many more descriptors a process may hold than at its start: connections to Redis, some sockets."""

TRIES, PAUSE_S = 5, 0.5
"""How often, and how many seconds apart, a gateway is asked until a planned 503 counts as its answer."""

MOST_LINES = 10
"""The most violations of one kind that are listed one by one."""


@dataclass(frozen=True)
class System:
    """Where the system runs. `keys` has the API key of every owner ({}: there are none).

    `processes` are all that should run, `descriptors` how many each had open at rest, `folder` is their
    TMPDIR; what is left out is not judged.
    """

    redis_url: str
    gateways: Sequence[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    processes: Sequence[int] = ()
    descriptors: Mapping[int, int] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Reading:
    """How an image is read in a quiet run: labels, best first, with probabilities; or why it failed."""

    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    failure: str = ""

    @classmethod
    def of(cls, item: ItemOut | Mapping[str, Any]) -> Self:
        """The reading in an item of the gateway or the client."""
        told = item if isinstance(item, Mapping) else item.model_dump()
        if error := told.get("error"):
            return cls(failure=error["type"])
        likely = told.get("top_k") or []
        return cls(tuple(each["label"] for each in likely), tuple(each["p"] for each in likely))

    @classmethod
    def stored(cls, result: Result, labels: str) -> Self:
        """The reading in a result of the ledger, of a network with these labels."""
        if isinstance(result, Failure):
            return cls(failure=result.type)
        return cls(tuple(labels[each] for each in result.classes), result.probabilities)

    def differs(self, other: Self) -> str:
        """How `other` differs from this reading; '' if it is the same."""
        if self.failure != other.failure:
            return f"is {_said(other)} and should be {_said(self)}"
        if self.labels[:1] != other.labels[:1] or len(self.labels) != len(other.labels):
            return f"is {_said(other)} and should be {_said(self)}"
        gap = max(map(abs, map(float.__sub__, self.probabilities, other.probabilities)), default=0.0)
        return f"has probabilities off by {gap:.1e}" if gap > TOLERANCE else ""


@dataclass(frozen=True)
class Accepted:
    """A job that a client was told is stored. `expected` has a Reading for each image, in order, or None
    for any terminal result. A `canceled` job may end unread; a `quiet` one is reported to no endpoint.
    """

    id: str
    expected: Sequence[Reading | None]
    owner: str = "anonymous"
    canceled: bool = False
    quiet: bool = False

    @property
    def name(self) -> str:
        """The name by which the ledger knows it."""
        return keys.job_name(self.owner, self.id)


@dataclass(frozen=True)
class Heard:
    """What one follower heard of a job: event ids, images with results, and the number of ends."""

    id: str
    events: Sequence[str] = ()
    images: Sequence[int] = ()
    completed: int = 1


@dataclass(frozen=True)
class Receiver:
    """What a webhook endpoint of an owner was sent: (headers, body) of every request."""

    owner: str
    secret: str
    messages: Sequence[tuple[Mapping[str, str], bytes]]


class Answers:
    """Counts what gateways answer: give `note` to httpx as a hook of responses."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[int, str, bool]] = Counter()

    def note(self, response: httpx.Response) -> None:
        """Count an answer. The body of a problem is read for its type."""
        kind = ""
        if response.status_code >= 400:
            body = orjson.loads(response.read() or b"{}")
            kind = str(body.get("type", "")).removeprefix("/problems/")
        self.counted[response.status_code, kind, "retry-after" in response.headers] += 1


class Witness:
    """Remembers every committed chunk as it was when first seen. `look` at the ledger now and then."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url)
        self.seen: dict[tuple[str, int], str] = {}

    def look(self, names: Sequence[str]) -> None:
        """Note the new chunks of these jobs. Raises redis.RedisError if there is no answer."""
        for name in names:
            out = keys.results(name)
            new = [c for c in self._redis.hkeys(out) if (name, int(c)) not in self.seen]
            for chunk, packed in zip(new, self._redis.hmget(out, new) if new else (), strict=True):
                if packed is not None:
                    self.seen[name, int(chunk)] = digest(packed)

    def close(self) -> None:
        """Close the link to Redis."""
        self._redis.close()


@dataclass
class Evidence:
    """What clients were told and saw. `whole`: the ledger never had any jobs but these."""

    accepted: Sequence[Accepted]
    answers: Mapping[tuple[int, str, bool], int] = field(default_factory=dict)
    seen: Mapping[tuple[str, int], str] = field(default_factory=dict)
    heard: Sequence[Heard] = ()
    receivers: Sequence[Receiver] = ()
    whole: bool = True


@dataclass(frozen=True)
class Standing:
    """A job as the ledger has it."""

    job: Accepted
    hash: Mapping[str, str]
    starts: Sequence[int]
    out: Mapping[int, bytes]
    events: Sequence[tuple[str, Mapping[str, str]]]
    left: Sequence[str]

    def count(self, counter: str) -> int:
        """One of its counters."""
        return int(self.hash.get(counter, 0))


class Look:
    """Everything that is judged, read once."""

    def __init__(self, system: System, evidence: Evidence, client: "redis.Redis") -> None:
        self.system, self.evidence, self.redis = system, evidence, client
        self.keys = sorted(key.decode() for key in client.scan_iter("ink:*", count=1000))
        self.stats = {k.decode(): int(v) for k, v in client.hgetall(keys.STATS).items()}
        found = [_standing(client, job) for job in evidence.accepted]
        self.jobs = [each for each in found if each.hash]
        self.missing = [each.job for each in found if not each.hash]

    def http(self, gateway: str, owner: str) -> httpx.Client:
        """A client of a gateway, as an owner."""
        key = self.system.keys.get(owner)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=gateway, headers=headers, timeout=60, verify=False)


Check = Callable[[Look], Iterator[str]]


def violations(system: System, evidence: Evidence, *, wait_s: float = 60.0) -> list[str]:
    """Everything that is broken, as `kind: what`; [] if all is well.

    Waits up to `wait_s` until all jobs have ended; those that have not by then are violations.
    """
    with redis.Redis.from_url(system.redis_url) as client:
        settle(client, evidence.accepted, wait_s, outbox=bool(evidence.receivers))
        look = Look(system, evidence, client)
        return [line for check in CHECKS for line in _some(check(look))]


def settle(client: "redis.Redis", jobs: Iterable[Accepted], wait_s: float, *, outbox: bool) -> None:
    """Wait up to `wait_s` until all jobs have ended and, with `outbox`, all webhooks are sent."""
    end, waiting = time.monotonic() + wait_s, [job.name for job in jobs]
    while time.monotonic() < end:
        states = [client.hget(keys.job(name), "state") for name in waiting]
        waiting = [n for n, s in zip(waiting, states, strict=True) if s and s.decode() not in TERMINAL]
        if not waiting and not (outbox and client.zcard("ink:outbox")):
            return
        time.sleep(0.1)


def lost(look: Look) -> Iterator[str]:
    """Every accepted job is there and over; every image has exactly one terminal result."""
    for job in look.missing:
        yield f"lost: job {job.id} was accepted and is not in the ledger"
    for each in look.jobs:
        state = each.hash["state"]
        if state not in TERMINAL:
            yield f"lost: job {each.job.id} is unfinished: {state}, {len(each.out)} chunks done"
            continue
        if each.count("total") != len(each.job.expected):
            yield f"lost: job {each.job.id} has {each.hash['total']} images of {len(each.job.expected)}"
        for chunk, size in enumerate(_sizes(each)):
            if chunk not in each.out and not each.job.canceled:
                yield f"lost: job {each.job.id} has no results of chunk {chunk}"
            elif chunk in each.out and len(unpack(each.out[chunk])) != size:
                yield f"lost: job {each.job.id}, chunk {chunk}: not one result for each of {size} images"


def changed(look: Look) -> Iterator[str]:
    """No result changes or vanishes once it is committed."""
    stored = {(each.job.name, chunk): each.out[chunk] for each in look.jobs for chunk in each.out}
    for (name, chunk), before in look.evidence.seen.items():
        now = stored.get((name, chunk))
        if now is None or digest(now) != before:
            what = "vanished" if now is None else "changed"
            yield f"changed: the results of {name}, chunk {chunk} {what} after they were committed"


def wrong(look: Look) -> Iterator[str]:
    """The ledger's results are those of the quiet run."""
    for each in look.jobs:
        labels = each.hash["labels"]
        for chunk, packed in each.out.items():
            for index, result in enumerate(unpack(packed), each.starts[chunk]):
                expected = each.job.expected[index] if index < len(each.job.expected) else None
                if expected and (how := expected.differs(Reading.stored(result, labels))):
                    yield f"wrong: job {each.job.id}, image {index} {how}"


def told_wrong(look: Look) -> Iterator[str]:
    """The gateways give the same results, each image once and in order."""
    for number, each in enumerate(look.jobs):
        gateway = look.system.gateways[number % len(look.system.gateways)]
        try:
            with look.http(gateway, each.job.owner) as http:
                answer = _asked_again(http, f"/v1/jobs/{each.job.id}/results?format=ndjson")
        except httpx.TransportError as error:
            yield f"lost: {gateway} does not tell the results of job {each.job.id}: {error!r}"
            continue
        if answer.status_code == 200:
            yield from _compare(each.job, [orjson.loads(line) for line in answer.content.splitlines()])
        else:
            yield f"lost: {gateway} answers {answer.status_code} for the results of job {each.job.id}"


def _asked_again(http: httpx.Client, path: str) -> httpx.Response:
    """The answer, or the last of TRIES if each is a planned 503. Raises httpx.TransportError."""
    for _ in range(TRIES - 1):
        with suppress(httpx.TransportError):
            answer = http.get(path)
            if not _is_planned(answer):
                return answer
        time.sleep(PAUSE_S)
    return http.get(path)


def _is_planned(answer: httpx.Response) -> bool:
    """Whether it is a 503 of a PLANNED kind, with Retry-After."""
    says_when = answer.status_code == 503 and "retry-after" in answer.headers
    return says_when and answer.json()["type"].removeprefix("/problems/") in PLANNED


def _compare(job: Accepted, items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if [item["index"] for item in items] != list(range(len(job.expected))):
        yield f"lost: job {job.id} tells {len(items)} results, not one for each of {len(job.expected)}"
        return
    for item, expected in zip(items, job.expected, strict=True):
        if item["status"] == "canceled" and job.canceled:
            continue
        if item["status"] not in ("succeeded", "failed"):
            yield f"lost: job {job.id}, image {item['index']} is told to be {item['status']}"
        elif expected and (how := expected.differs(Reading.of(item))):
            yield f"wrong: job {job.id}, image {item['index']} as told {how}"


def miscounted(look: Look) -> Iterator[str]:
    """The counters of a job equal its results; those of the ledger equal the sums over its jobs."""
    sums: Counter[str] = Counter()
    for each in look.jobs:
        failed = sum(isinstance(r, Failure) for packed in each.out.values() for r in unpack(packed))
        answers = sum(not isinstance(r, Failure) for packed in each.out.values() for r in unpack(packed))
        wanted = {"succeeded": answers, "failed": failed, "running": 0}
        wanted["canceled"] = each.count("total") - answers - failed if each.job.canceled else 0
        for counter, number in wanted.items():
            sums[f"images_{counter}"] += each.count(counter)
            if each.count(counter) != number:
                found = f"{each.count(counter)} images {counter}, there are {number}"
                yield f"miscounted: job {each.job.id} counts {found}"
        sums["images_accepted"] += each.count("total")
        sums["jobs_accepted"] += 1
    for counter in ("succeeded", "failed", "canceled", "accepted") if look.evidence.whole else ():
        found, number = look.stats.get(f"images_{counter}", 0), sums[f"images_{counter}"]
        if found != number:
            yield f"miscounted: the ledger counts {found} images {counter}, its jobs {number}"
    if look.evidence.whole and look.stats.get("jobs_accepted", 0) != sums["jobs_accepted"]:
        found = look.stats.get("jobs_accepted", 0)
        yield f"miscounted: the ledger accepted {found} jobs, clients know of {sums['jobs_accepted']}"


def misordered(look: Look) -> Iterator[str]:
    """A job's events have each chunk once, with the number of images done before; then the end, once."""
    for each in look.jobs:
        entries, sizes, done = each.events, _sizes(each), 0
        for event_id, event in entries[:-1] if entries and "end" in entries[-1][1] else entries:
            if "end" in event:
                yield f"events: job {each.job.id} was over at {event_id} and went on"
            elif int(event["n"]) != done:
                yield f"events: job {each.job.id}, {event_id} follows {event['n']} images, not {done}"
            done += sizes[int(event["c"])] if "c" in event else 0
        chunks = Counter(int(event["c"]) for _, event in entries if "c" in event)
        if sorted(chunks.elements()) != sorted(each.out):
            yield f"events: job {each.job.id} tells of {sum(chunks.values())} chunks of {len(each.out)}"
        ends = [event["end"] for _, event in entries if "end" in event]
        if ends != [each.hash["state"]]:
            yield f"events: job {each.job.id} is {each.hash['state']} and told its end as {ends}"
        yield from _misheard(look, each)


def _misheard(look: Look, each: Standing) -> Iterator[str]:
    ids = [event_id for event_id, _ in each.events]
    for heard in look.evidence.heard:
        if heard.id != each.job.id:
            continue
        if heard.events and list(heard.events) != ids:
            yield f"events: a follower of job {heard.id} heard {len(heard.events)} of {len(ids)} events"
        read = {i for c in each.out for i in range(each.starts[c], each.starts[c + 1])}
        if heard.images and sorted(heard.images) != sorted(read):
            twice = len(heard.images) - len(set(heard.images))
            missed = len(read - set(heard.images))
            yield f"events: a follower of job {heard.id} missed {missed} images, heard {twice} twice"
        if heard.completed != 1:
            yield f"events: a follower of job {heard.id} heard {heard.completed} times that it was over"


def untold(look: Look) -> Iterator[str]:
    """Every endpoint got a message about every job of its owner: at least once, under one id, signed."""
    for receiver in look.evidence.receivers:
        ids: dict[str, set[str]] = defaultdict(set)
        for headers, body in receiver.messages:
            try:
                job = verified(receiver.secret, headers, body)["data"]["id"]
            except WebhookVerificationError as error:
                yield f"webhook: a message to {receiver.owner} has no good signature: {error}"
                continue
            ids[job].add(headers["webhook-id"])
        for each in look.jobs:
            if each.job.owner != receiver.owner or each.job.quiet:
                continue
            if len(ids[each.job.id]) != 1:
                number = len(ids[each.job.id])
                yield f"webhook: the end of job {each.job.id} was told under {number} ids, not one"


def verified(secret: str, headers: Mapping[str, str], body: bytes) -> Any:
    """The content of a message, whatever its age, since it is judged long after it came.

    Raises WebhookVerificationError.
    """
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret).sign(headers["webhook-id"], sent, body.decode())
    if expected not in headers["webhook-signature"].split():
        raise WebhookVerificationError("it is not signed with the secret")
    return orjson.loads(body)


def leaked(look: Look) -> Iterator[str]:
    """Nothing is due, leased or queued any more, and everything that belongs to one job expires."""
    for key in look.keys:
        kind = key.removeprefix("ink:")
        if kind.startswith(("due:", "leases:", "line:", "outbox")) and (number := look.redis.zcard(key)):
            yield f"leaked: {number} still stand in {key}"
        if kind.startswith("load") and (number := int(look.redis.get(key) or 0)):
            yield f"leaked: {key} is {number} with nothing queued"
        if kind.startswith(EXPIRING) and look.redis.pttl(key) == -1:
            yield f"leaked: {key} has no expiry"
        if ":hands:" in kind:
            yield f"leaked: {key} is left of a job that is over"
    for counter, what in (("ink:open", "unfinished jobs"), ("ink:queued", "queued images")):
        for owner, number in look.redis.hgetall(counter).items():
            if int(number):
                yield f"leaked: {owner.decode()} is said to have {int(number)} {what}"
    yield from _unneeded(look)


def _unneeded(look: Look) -> Iterator[str]:
    for each in look.jobs:
        if held := [field for field in each.hash if field.startswith(("d:", "l:", "a:"))]:
            yield f"leaked: job {each.job.id} is over and has {', '.join(held)} under way"
        kept = {int(key.rsplit(":", 1)[1]) for key in each.left}
        read = {c for c, packed in each.out.items() if not any(map(_failed, unpack(packed)))}
        if kept & read and '"keep_images": true' not in each.hash["options"]:
            yield f"leaked: job {each.job.id} keeps the images of {len(kept & read)} chunks it has read"


def left_over(look: Look) -> Iterator[str]:
    """The processes that should run do, without zombies or orphans; files and descriptors are closed."""
    for pid in look.system.processes:
        if not psutil.pid_exists(pid):
            yield f"leaked: process {pid} should run and does not"
            continue
        process = psutil.Process(pid)
        if zombies := [c.pid for c in process.children() if c.status() == psutil.STATUS_ZOMBIE]:
            yield f"leaked: process {pid} has dead children {zombies}"
        before = look.system.descriptors.get(pid)
        if before is not None and process.num_fds() > before + SPARE_FILES:
            yield f"leaked: process {pid} has {process.num_fds()} descriptors, {before} at its start"
    if look.system.folder:
        for path in sorted(look.system.folder.rglob("*")):
            yield f"leaked: the temporary file {path.name}"
        for orphan in _orphans(look.system.folder, look.system.processes):
            yield f"leaked: process {orphan.pid} outlived its parent: {' '.join(orphan.cmdline())[:80]}"


def _orphans(folder: Path, processes: Sequence[int]) -> list[psutil.Process]:
    """Processes whose TMPDIR is `folder`, but which descend from none of `processes`."""
    known = {p for pid in processes if psutil.pid_exists(pid) for p in _family(psutil.Process(pid))}
    return [each for each in psutil.process_iter() if each not in known and _puts_into(each, folder)]


def _family(parent: psutil.Process) -> list[psutil.Process]:
    return [parent, *parent.children(recursive=True)]


def _puts_into(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("TMPDIR") == str(folder)
    except psutil.Error:
        return False


def unplanned(look: Look) -> Iterator[str]:
    """There is no answer of 500 or more except the planned 503, which say when to retry."""
    for (status, kind, comes_back), number in look.evidence.answers.items():
        if status >= 500 and (status != 503 or kind not in PLANNED):
            yield f"unplanned: {number} answers of {status} {kind}"
        elif status == 503 and not comes_back:
            yield f"unplanned: {number} answers of 503 {kind} without Retry-After"


ROUTES = ("", "/results", "/events", "/items/0", "/items/0/image", "/deliveries")


def exposed(look: Look) -> Iterator[str]:
    """For any other owner, a job looks as if it had never existed."""
    owners = list(look.system.keys)
    for number, each in enumerate(look.jobs):
        others = [owner for owner in owners if owner != each.job.owner]
        if not others:
            continue
        gateway = look.system.gateways[number % len(look.system.gateways)]
        with look.http(gateway, others[number % len(others)]) as http:
            for route in ROUTES:
                path, nowhere = f"/v1/jobs/{each.job.id}", f"/v1/jobs/{'x' * len(each.job.id)}"
                (status, theirs), nobodys = _refusal(http, path + route), _refusal(http, nowhere + route)
                same = (404, theirs.replace(path.encode(), nowhere.encode())) == nobodys
                if status != 404 or not same:
                    yield f"exposed: {route or 'the job'} of {each.job.id} answers {status}"


def _refusal(http: httpx.Client, path: str) -> tuple[int, bytes]:
    """The status and, if it is a refusal, the body; any other answer may be an endless stream."""
    with http.stream("GET", path) as answer:
        return answer.status_code, answer.read() if answer.is_error else b""


CHECKS: tuple[Check, ...] = (
    lost,
    changed,
    wrong,
    told_wrong,
    miscounted,
    misordered,
    untold,
    leaked,
    left_over,
    unplanned,
    exposed,
)


def digest(packed: bytes) -> str:
    """The digest by which a chunk's results are remembered."""
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


def told_of(client: "redis.Redis", name: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The events of a job, those that are noted late included (see follow.lua)."""
    client.register_script(source("follow"))(args=[name, START, 1])
    found: Any = client.xrange(f"{keys.job(name)}:events")
    return found


def _standing(client: "redis.Redis", job: Accepted) -> Standing:
    name = job.name
    fields, starts, out, events = (
        client.hgetall(keys.job(name)),
        client.get(keys.starts(name)),
        client.hgetall(keys.results(name)),
        told_of(client, name),
    )
    told = [(i.decode(), {k.decode(): v.decode() for k, v in entry.items()}) for i, entry in events]
    chunks = int(fields.get(b"chunks", 0))
    inputs = [keys.chunk_input(name, chunk) for chunk in range(chunks)]
    return Standing(
        job,
        {key.decode(): value.decode() for key, value in fields.items()},
        memoryview(starts).cast("I").tolist() if starts else [0, int(fields.get(b"total", 0))],
        {int(chunk): packed for chunk, packed in out.items()},
        told,
        [key for key in inputs if client.exists(key)],
    )


def _sizes(each: Standing) -> list[int]:
    return [after - first for first, after in zip(each.starts, each.starts[1:], strict=False)]


def _failed(result: Result) -> bool:
    return isinstance(result, Failure)


def _said(reading: Reading) -> str:
    return reading.failure or "".join(reading.labels[:1]) or "nothing"


def _some(lines: Iterator[str]) -> Iterator[str]:
    """The first MOST_LINES lines of each kind, and how many more there are."""
    counts: Counter[str] = Counter()
    for line in lines:
        kind = line.partition(":")[0]
        counts[kind] += 1
        if counts[kind] <= MOST_LINES:
            yield line
    for kind, number in counts.items():
        if number > MOST_LINES:
            yield f"{kind}: and {number - MOST_LINES} more"
