"""Deliveries as the gateway lists them: what was sent where, how each attempt went; and redelivery."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import redis.asyncio

from ..ledger import keys
from ..ledger.scripts import source

PAGE = 100
"""Deliveries that are read at a time. Those that arrived expire before those that failed, so there may
be large gaps."""

State = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True)
class Attempt:
    """How an attempt went. `at` is ms since 1970; without a `status` there was no answer."""

    at: int
    took_ms: int | None = None
    status: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One message to one receiver. `job` is the job's internal name; `due` is None once it is over."""

    id: str
    hook: str
    job: str
    type: str
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
        """The deliveries about a job, newest first."""
        return await self._listed(keys.job_deliveries(name), most)

    async def of_hook(self, owner: str, hook: str, most: int) -> list[Delivery]:
        """The deliveries to an endpoint, newest first."""
        return await self._listed(keys.hook_deliveries(owner, hook), most)

    async def find(self, delivery: str) -> Delivery | None:
        """One delivery."""
        return (await self._known([delivery])).get(delivery)

    async def redeliver(self, name: str, delivery: str) -> str:
        """Send it again: 'pending', 'sending', 'missing'; 'disabled' or 'deleted' if its endpoint is."""
        answer: bytes = await self._redeliver(args=[name, delivery])
        return answer.decode()

    async def _listed(self, key: str, most: int) -> list[Delivery]:
        """The deliveries of a list that still exist; the others are removed from it."""
        listed: dict[str, Delivery] = {}
        while len(listed) < most:
            newest: Any = await self._client.zrevrange(key, len(listed), len(listed) + PAGE - 1)
            ids = [each.decode() for each in newest]
            known = await self._known(ids)
            if forgotten := [each for each in ids if each not in known]:
                await self._client.zrem(key, *forgotten)
            listed |= known
            if len(ids) < PAGE:
                break
        return list(listed.values())[:most]

    async def _known(self, ids: Sequence[str]) -> dict[str, Delivery]:
        """Those of these deliveries that still exist, by id."""
        async with self._client.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(keys.delivery(each))
                pipe.lrange(keys.attempts(each), 0, -1)
            answers = await pipe.execute()
        found = zip(ids, answers[::2], answers[1::2], strict=True)
        return {each: Delivery.from_hash(each, fields, tried) for each, fields, tried in found if fields}
