"""An owner's endpoints, as the gateway keeps them: where, for which events, with which secret."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import redis.asyncio

from ..ledger import keys
from ..ledger.scripts import source
from .events import Event
from .signing import new_secret

SCRIPTS = ("register", "amend", "rotate", "unregister")
CALLBACK = "callback"
"""The endpoint that every owner has without registering it: its secret signs for callback_urls."""


@dataclass(frozen=True)
class Endpoint:
    """A registered receiver. Times are ms since 1970; `reason` says why it was disabled."""

    id: str
    url: str
    events: tuple[Event, ...]
    description: str
    enabled: bool
    reason: str | None
    created: int
    delivered: int | None

    @classmethod
    def from_hash(cls, id: str, fields: Mapping[bytes, bytes]) -> Self:
        """The endpoint in a hash as HGETALL answers it."""
        get = {key.decode(): value.decode() for key, value in fields.items()}
        return cls(
            id=id,
            url=get["url"],
            events=tuple(Event(each) for each in get["events"].split(",")),
            description=get["description"],
            enabled=get["enabled"] == "1",
            reason=get.get("reason") or None,
            created=int(get["created"]),
            delivered=int(get["delivered"]) if "delivered" in get else None,
        )


class SecretsOverlap(Exception):
    """The secret before the current one still signs, until `until` (ms)."""

    def __init__(self, until: int) -> None:
        super().__init__(f"an older secret signs until {until}")
        self.until = until


class Endpoints:
    """A gateway's endpoints, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._scripts = {name: client.register_script(source(name)) for name in SCRIPTS}

    async def create(
        self, owner: str, url: str, events: Sequence[Event], description: str, most: int
    ) -> tuple[str, str] | None:
        """Id and secret of a new endpoint; None if the owner has `most` already."""
        hook, secret = f"wh_{secrets.token_hex(16)}", new_secret()
        fields = _fields(url=url, events=events, description=description, secret=secret)
        verdict = await self._scripts["register"](args=[owner, hook, most, *fields])
        return (hook, secret) if verdict == b"new" else None

    async def find(self, owner: str, hook: str) -> Endpoint | None:
        """One endpoint."""
        fields: Any = await self._client.hgetall(keys.hook(owner, hook))
        return Endpoint.from_hash(hook, fields) if b"url" in fields else None

    async def list(self, owner: str) -> list[Endpoint]:
        """All endpoints of an owner, oldest first."""
        hooks: Any = await self._client.zrange(keys.hooks(owner), 0, -1)
        found = [await self.find(owner, hook.decode()) for hook in hooks]
        return [each for each in found if each]

    async def amend(self, owner: str, hook: str, changes: Mapping[str, Any]) -> bool:
        """Change url, events, description or enabled; return whether there is such an endpoint."""
        return bool(await self._scripts["amend"](args=[owner, hook, *_fields(**changes)]))

    async def rotate(self, owner: str, hook: str, overlap_s: int) -> tuple[str, int | None] | None:
        """A new secret, and until when (ms) the old one signs as well; None: no such endpoint.

        Raises SecretsOverlap if an even older one still signs, unless `overlap_s` is 0.
        """
        secret = new_secret()
        verdict, until = await self._scripts["rotate"](args=[owner, hook, secret, overlap_s * 1000])
        if verdict == b"overlap":
            raise SecretsOverlap(until)
        return (secret, until or None) if verdict == b"new" else None

    async def delete(self, owner: str, hook: str) -> bool:
        """Delete an endpoint; return whether there was one."""
        return bool(await self._scripts["unregister"](args=[owner, hook, secrets.token_hex(8)]))


def _fields(**given: Any) -> Iterable[str]:
    """The given settings as they are stored: field and value, pair by pair."""
    fields = {}
    for name, value in given.items():
        fields[name] = ",".join(value) if name == "events" else str(value)
    if "enabled" in given:
        fields["enabled"] = "1" if given["enabled"] else "0"
        fields["reason"] = "" if given["enabled"] else "you disabled it"
    return chain.from_iterable(fields.items())
