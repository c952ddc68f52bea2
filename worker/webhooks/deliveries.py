"""Deliveries as the gateway lists them: what was sent where, how each attempt went, and once more."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import redis.asyncio

from .. import keys
from ..scripts import source

State = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True)
class Attempt:
    """How one attempt went. `at` is ms since 1970; without `status` there was no answer."""

    at: int
    took_ms: int | None = None
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One message to one receiver. `job` is the job's name inside; `due` is None once it is over."""

    id: str
    hook: str
    job: str
    type: str
    url: str | None
    state: State
    reason: str | None
    created: int
    due: int | None
    attempts: tuple[Attempt, ...]

    @classmethod
    def from_hash(cls, id: str, fields: Mapping[bytes, bytes], attempts: Sequence[bytes]) -> Self:
        """The delivery in a hash as HGETALL answers it."""
        get = {key.decode(): value.decode() for key, value in fields.items()}
        return cls(
            id=id,
            hook=get["hook"],
            job=get["job"],
            type=get["type"],
            url=get["url"] or None,
            state=get["state"],  # type: ignore[arg-type]
            reason=get.get("reason") or None,
            created=int(get["created"]),
            due=int(get["due"]) if "due" in get else None,
            attempts=tuple(Attempt(**json.loads(each)) for each in attempts),
        )


class Deliveries:
    """A gateway's view of the outbox, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._redeliver = client.register_script(source("redeliver"))

    async def of_job(self, name: str, most: int) -> list[Delivery]:
        """What tells of a job, newest first."""
        return await self._listed(keys.job_deliveries(name), most)

    async def of_hook(self, owner: str, hook: str, most: int) -> list[Delivery]:
        """What goes to an endpoint, newest first."""
        return await self._listed(keys.hook_deliveries(owner, hook), most)

    async def find(self, delivery: str) -> Delivery | None:
        """One delivery."""
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.delivery(delivery))
            pipe.lrange(keys.attempts(delivery), 0, -1)
            fields, attempts = await pipe.execute()
        return Delivery.from_hash(delivery, fields, attempts) if fields else None

    async def redeliver(self, name: str, delivery: str) -> str:
        """Send it again: 'pending', 'sending', 'missing'; 'disabled' or 'deleted' is its endpoint."""
        answer: bytes = await self._redeliver(args=[name, delivery])
        return answer.decode()

    async def _listed(self, key: str, most: int) -> list[Delivery]:
        ids: Any = await self._client.zrevrange(key, 0, most - 1)
        found = [await self.find(each.decode()) for each in ids]
        return [each for each in found if each]
