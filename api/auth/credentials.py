"""API keys in their stored form: one line per key, `ID:SHA256 owner=... scopes=... until=...`.

The key itself, `ink_ID_SECRET`, is never stored. Fields that a line omits have their defaults.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Self

SCOPES = {
    "submit": "send jobs and single images",
    "read": "see jobs, results, images and events",
    "manage": "cancel, retry, correct and delete",
    "webhooks": "see and change webhook endpoints and deliveries",
    "operate": "see the queue and the workers",
}
"""What a key may be used for. Any key may list the models."""

_PAIR = re.compile(r"([a-z0-9]{8}):([0-9a-f]{64})")
_COMMENT = re.compile(r"(?:^|\s)#")
_OWNER = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class BadKeys(ValueError):
    """Keys cannot be parsed; the message says where, and reveals nothing of them."""


@dataclass(frozen=True)
class Credential:
    """What is stored of a key. All keys of an owner share the owner's jobs."""

    id: str
    sha256: str
    owner: str
    scopes: frozenset[str] = frozenset(SCOPES)
    until: datetime | None = None
    """The key is valid up to this moment, always with a time zone; None: until it is revoked."""

    @classmethod
    def new(cls, owner: str, **fields: Any) -> tuple[str, Self]:
        """A fresh key and its credential; with an empty `owner` the key's id is the owner."""
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        key = f"ink_{key_id}_{secret}"
        return key, cls(key_id, digest(key), owner or key_id, **fields)

    def live(self, now: datetime) -> bool:
        """Whether the key is still valid."""
        return self.until is None or now <= self.until

    def line(self) -> str:
        """The line that stores it."""
        said = [f"{self.id}:{self.sha256}"]
        if self.owner != self.id:
            said.append(f"owner={self.owner}")
        if self.scopes != frozenset(SCOPES):
            said.append(f"scopes={','.join(each for each in SCOPES if each in self.scopes)}")
        if self.until:
            said.append(f"until={self.until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return " ".join(said)


def digest(key: str) -> str:
    """The hash that is stored of a key. Keys are 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_owner(text: str) -> str:
    """An owner's name. Raises ValueError."""
    if not _OWNER.fullmatch(text):
        raise ValueError("an owner has up to 32 characters of a-z, 0-9, - and _")
    return text


def read_scopes(text: str) -> frozenset[str]:
    """Comma-separated scopes. Raises ValueError."""
    names = frozenset(text.split(","))
    if not names <= SCOPES.keys():
        raise ValueError(f"scopes are {', '.join(SCOPES)}, separated by commas")
    return names


def read_until(text: str) -> datetime:
    """2027-01-31 (all of that day) or 2027-01-31T12:00:00Z; UTC. Raises ValueError."""
    try:
        if len(text) == len("2027-01-31"):
            return datetime.combine(date.fromisoformat(text), time.max, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("write 2027-01-31 or 2027-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


FIELDS: Mapping[str, Callable[[str], Any]] = {
    "owner": read_owner,
    "scopes": read_scopes,
    "until": read_until,
}
"""The fields of Credential that may follow ID:SHA256 in a line, and the functions that parse them."""


def read_credentials(text: str, source: str) -> dict[str, Credential]:
    """Every key in `text` by id, in order; `#` begins a comment.

    Raises BadKeys, which names `source` and the line.
    """
    known: dict[str, Credential] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            for each in _in_line(_COMMENT.split(line)[0].split()):
                if each.id in known:
                    raise ValueError("an id occurs twice")
                known[each.id] = each
        except ValueError as error:
            raise BadKeys(f"{source}, line {number}: {error}") from None
    return known


def _in_line(words: Sequence[str]) -> list[Credential]:
    """The keys of a line, each with the fields after it. Raises ValueError."""
    known: list[Credential] = []
    for word in words:
        if pair := _PAIR.fullmatch(word):
            known.append(Credential(pair[1], pair[2], owner=pair[1]))
        elif known and "=" in word:
            known[-1] = _with_field(known[-1], *word.split("=", 1))
        else:
            raise ValueError("this is not ID:SHA256; make keys with `inkqueue keys`")
    return known


def _with_field(known: Credential, name: str, value: str) -> Credential:
    if name not in FIELDS:
        raise ValueError(f"unknown field; there are {', '.join(FIELDS)}")
    return replace(known, **{name: FIELDS[name](value)})
