"""A small job in a real ledger, without gateway or worker: for tests of the Lua scripts."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

import redis.asyncio

from model.card import read_cards
from model.layout import Kind
from worker.connections.connection import connect, connect_async
from worker.ledger.admission import Limits, Verdict
from worker.ledger.chunks import Chunk, Files, PixelBlock, pack
from worker.ledger.claims import Claim, Commit
from worker.ledger.gauges import Gauges
from worker.ledger.jobs import Job, Lane, Options
from worker.ledger.journal import Journal
from worker.ledger.ledger import Ledger
from worker.ledger.packing import pack as pack_results
from worker.ledger.results import UNDECODABLE, Answer, Failure, Result
from worker.ledger.store import Store
from worker.ledger.submissions import Submission, Submissions

T = TypeVar("T")
LEASE_MS = 10_000
LABELS = read_cards()["balanced"].labels
NEW = ["ink:job:anonymous/new"]
"""By which a job would be known that was not taken before."""

LIMITS = Limits(
    owner="",
    max_queued=10_000,
    max_owner=0,
    max_open=100,
    window=3,
    memory=0,
    mark=1.0,
    server="",
)


def with_submissions(url: str, work: Callable[[Submissions], Awaitable[T]]) -> T:
    """What `work` returns, given the submissions on `url`."""
    return on_redis(url, lambda client: work(Submissions(client)))


def read_stats(url: str) -> dict[str, int]:
    """The ledger's counters."""
    return on_redis(url, lambda client: Gauges(client).stats())


def in_store(url: str, work: Callable[[Store], Awaitable[T]]) -> T:
    """What `work` returns, given a store on `url`."""

    return on_redis(url, lambda client: work(Store(client)))


def in_journal(url: str, work: Callable[[Journal], Awaitable[T]]) -> T:
    """What `work` returns, given a journal on `url`."""
    return on_redis(url, lambda client: work(Journal(client, Store(client))))


def submit(
    url: str,
    job_id: str,
    sizes: Sequence[int] = (2, 2, 2),
    *,
    lane: Lane = "bulk",
    owner: str = "anonymous",
    fingerprint: str = "same",
    ttl_s: int = 600,
    limits: Limits = LIMITS,
    idempotency: str | None = None,
    keep: bool = False,
    name: str = "",
    callback_url: str = "",
    quiet: bool = False,
    layout: Kind = "character",
    model: str = "balanced",
    staged: bool = True,
    files: bool = False,
) -> Verdict:
    """Submit a job of blank images, or of empty `files`, in chunks of these sizes; all images are called
    `name` if it is given. The chunks are `staged` first, or all is done in one call."""
    options = Options(model, keep_images=keep, layout=layout)
    job = Submission(
        owner,
        job_id,
        lane,
        options,
        LABELS,
        "sha",
        {},
        ttl_s,
        fingerprint,
        idempotency=idempotency,
        callback_url=callback_url,
        quiet=quiet,
    )

    async def work(submissions: Submissions) -> Verdict:
        token = secrets.token_hex(8)
        names = (name,) if name else ()
        contents = [Files([b""] * n) if files else PixelBlock(bytes(784 * n)) for n in sizes]
        packed = zip(sizes, map(pack, contents), strict=True)
        chunks = [Chunk(n, payload, names * n or None) for n, payload in packed]
        if not staged:
            return await submissions.enter(job, chunks, limits)
        await stage(submissions, token, chunks)
        verdict = await submissions.submit(job, token, sizes, limits)
        if verdict.kind != "new":
            await submissions.unstage(token, len(sizes))
        return verdict

    return with_submissions(url, work)


async def stage(submissions: Submissions, token: str, chunks: Sequence[Chunk]) -> None:
    """Stage all chunks of a job, whatever room there is."""
    await submissions.stage(token, NEW, 0, chunks, 0, 0, 1, replace(LIMITS, max_queued=0))


def read_job(url: str, job_id: str, owner: str = "anonymous") -> Job:
    """The job, which must be there."""
    job = in_store(url, lambda store: store.job(f"{owner}/{job_id}"))
    assert isinstance(job, Job)
    return job


class PlainLedger(Ledger):
    """A worker's side of the ledger; what it measured interests nobody, unless a test wants it to."""

    def commit(
        self, commits: Sequence[Commit], measured: Mapping[str, int] = MappingProxyType({})
    ) -> list[str]:
        """See Ledger."""
        return super().commit(commits, measured)


def ledger(url: str, worker: str = "", lease_ms: int = LEASE_MS) -> PlainLedger:
    """A worker's side of the ledger."""
    return PlainLedger(connect(url), lease_ms, worker)


def commit_of(
    claim: Claim, *, failed: int = 0, p: float = 0.5, uncertain: bool = False, kept: bytes = b""
) -> Commit:
    """Results for a claim: the first `failed` images fail."""
    results: list[Result] = [Failure(UNDECODABLE, "damaged") for _ in range(failed)]
    results += [Answer((1, 2), (p, 0.25), uncertain) for _ in range(claim.count - failed)]
    return Commit(claim, pack_results(results), claim.count - failed, failed, kept)


def finish(url: str) -> None:
    """Claim and commit until nothing is due."""
    worker = ledger(url)
    while claims := worker.claim("balanced", 100):
        worker.commit([commit_of(claim) for claim in claims])


PASS_OVER = """
local ms = tonumber(ARGV[1])
local function is_timed(key)
  for _, start in ipairs({'expiry', 'due', 'leases', 'outbox', 'deliver', 'sending'}) do
    if string.find(key, 'ink:' .. start, 1, true) == 1 then return true end
  end
  return false
end
for _, key in ipairs(redis.call('KEYS', 'ink:*')) do
  local kind, left = redis.call('TYPE', key).ok, redis.call('PTTL', key)
  if kind == 'zset' and is_timed(key) then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, -ms, member)
    end
  end
  for _, field in ipairs(kind == 'hash' and {'expires', 'since', 'due', 'sent'} or {}) do
    if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, -ms) end
  end
  if left > 0 then redis.call('PEXPIRE', key, left - ms) end
end
"""


def pass_over(client: "redis.Redis", seconds: int) -> None:
    """Shift all times back, as if so long had passed with everything off; keys that would have expired
    are gone."""
    client.eval(PASS_OVER, 0, 1000 * seconds)


def wait_out_lease(client: "redis.Redis") -> None:
    """Make every lease of a `ledger` expire."""
    pass_over(client, LEASE_MS // 1000 + 1)


def on_redis(url: str, work: Callable[[redis.asyncio.Redis], Awaitable[T]]) -> T:
    """What `work` returns, given a client on `url`."""

    async def run() -> T:
        client = connect_async(url)
        try:
            return await work(client)
        finally:
            await client.aclose()

    return asyncio.run(run())
