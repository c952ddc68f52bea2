"""Repeated submissions: the stored form of their key, and a lock that lets in one at a time."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress

import redis

from worker.ledger.submissions import LOCK_S, Submissions

from .problems import Problem
from .spellings import LONGEST_KEY


def key_digest(key: str | None) -> str | None:
    """The stored form of an Idempotency-Key. Raises `malformed-request`."""
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        detail = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters."
        raise Problem("malformed-request", detail)
    return hashlib.sha256(key.encode()).hexdigest()


def exclusive(
    submissions: Submissions, owner: str, digest: str | None
) -> AbstractAsyncContextManager[None]:
    """A context for one request at a time under the same key or id. Raises `request-in-progress`."""
    return _exclusive(submissions, owner, digest) if digest else nullcontext()


@asynccontextmanager
async def _exclusive(submissions: Submissions, owner: str, digest: str) -> AsyncIterator[None]:
    request = secrets.token_hex(16)
    if not await submissions.lock(owner, digest, request):
        raise Problem("request-in-progress", "Wait for its answer.", retry_after=1)
    renewal = asyncio.create_task(_renew(submissions, owner, digest, request))
    try:
        yield
    finally:
        renewal.cancel()
        with suppress(redis.RedisError):  # the lock expires soon anyway
            await submissions.unlock(owner, digest, request)


async def _renew(submissions: Submissions, owner: str, digest: str, request: str) -> None:
    """Keep the lock for this request, however long its upload takes."""
    while True:
        await asyncio.sleep(LOCK_S / 3)
        with suppress(redis.RedisError):
            await submissions.lock(owner, digest, request)
