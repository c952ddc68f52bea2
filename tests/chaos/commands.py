"""The commands that a process of ours sends to Redis, each with a name that is the same in every run.

The name is the command and the script or kind of key it is about: `EVALSHA submit`, `SET ink:stage`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from worker.ledger import scripts
from worker.ledger.scripts.linking import SEQUENCES, SHARED, source

_SCRIPTED = {b"EVALSHA", b"EVAL"}
_KIND = re.compile(rb"^(ink:[a-z]+|[a-z_]+)")


@dataclass(frozen=True)
class Command:
    """One command on its way. `number` counts the commands of the whole proxy from 1, `link` is its
    connection's number."""

    parts: tuple[bytes, ...]
    number: int
    link: int

    @cached_property
    def name(self) -> str:
        """The command and what it is about."""
        verb = self.parts[0].upper()
        return f"{verb.decode()} {self._subject(verb)}".strip()

    def _subject(self, verb: bytes) -> str:
        if verb in _SCRIPTED:
            return _script_of(self.parts[1], digested=verb == b"EVALSHA")
        if verb in (b"SCRIPT", b"CLIENT", b"CONFIG"):
            return self.parts[1].upper().decode()
        kind = _KIND.match(self.parts[1]) if _is_keyed(verb, self.parts) else None
        return kind[0].decode() if kind else ""


def _is_keyed(verb: bytes, parts: Sequence[bytes]) -> bool:
    return len(parts) > 1 and verb not in (b"AUTH", b"HELLO", b"SELECT", b"INFO")


def _script_of(script: bytes, *, digested: bool) -> str:
    digest = script.decode() if digested else hashlib.sha1(script).hexdigest()
    return _digests().get(digest, "?")


@cache
def _digests() -> dict[str, str]:
    """The ledger's scripts by the digest under which Redis knows them."""
    found = {path.name for path in files(scripts).iterdir() if path.name.endswith(".lua")}
    own = {name.removesuffix(".lua") for name in found} - {*SHARED, "relief"}
    own |= {*SEQUENCES}
    return {hashlib.sha1(source(name).encode()).hexdigest(): name for name in own}
