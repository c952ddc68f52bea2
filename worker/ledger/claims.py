"""A chunk that a worker has in hand, and its results; and how the scripts pass both."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from .jobs import Options

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Claim:
    """A chunk that is ours for one lease. `deliveries` includes this one: if it is over 1, a worker
    died. `labels` are those of the network for which its job was accepted."""

    name: str
    chunk: int
    token: int
    deliveries: int
    count: int
    options: Options
    payload: bytes
    labels: str
    waited_ms: int = 0

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """The claim in a row of claim.lua; its numbers may be text (see bells.lua)."""
        name, chunk, token, deliveries, count, options, payload, labels, waited_ms = row
        numbers, how = (int(chunk), int(token), int(deliveries), int(count)), Options.from_json(options)
        return cls(name.decode(), *numbers, how, payload or b"", labels.decode(), int(waited_ms))


def handed(entry: bytes) -> list[Claim]:
    """The claims with which a worker was woken (see bells.lua); none if it was woken with a model."""
    if not entry.startswith(b"\0"):
        return []
    fields, at = list[bytes](), 1
    while at < len(entry):
        (length,) = _LENGTH.unpack_from(entry, at)
        at += _LENGTH.size + length
        fields.append(entry[at - length : at])
    return [Claim.from_row(row) for row in zip(*[iter(fields)] * 9, strict=True)]


@dataclass(frozen=True)
class Commit:
    """The results of a claimed chunk. `kept` are the packed images that a retry will need, `failures`
    the numbers of failed images by type."""

    claim: Claim
    results: bytes
    succeeded: int
    failed: int
    kept: bytes = b""
    failures: Mapping[str, int] = field(default_factory=dict)


def commit_args(commits: Sequence[Commit], measured: Mapping[str, int]) -> list[str | bytes | int]:
    """The arguments of commit.lua."""
    args: list[str | bytes | int] = [len(measured), *_flat(measured)]
    for each in commits:
        claim = each.claim
        args += [claim.name, claim.chunk, claim.token, each.results, each.succeeded, each.failed]
        args += [each.kept, len(each.failures), *_flat(each.failures)]
    return args


def _flat(pairs: Mapping[str, int]) -> list[str | int]:
    return [each for pair in pairs.items() for each in pair]
