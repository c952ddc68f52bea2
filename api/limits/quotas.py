"""Quotas of one caller: requests a second, queued images, bytes of uploads and open event streams.

By default there is no quota. The settings INKQUEUE_QUOTA_... are for every caller, INKQUEUE_QUOTAS for
those it names: `OWNER:requests=50,burst=100,queued=10000 OTHER:streams=5`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import inf

from worker.settings import BadSettings

from ..settings import GatewaySettings


@dataclass(frozen=True)
class Quota:
    """One caller's quota; 0: no limit.

    `requests` a second, in bursts of up to `burst`; `queued` images and event `streams` on all gateways;
    `bytes` of uploads in progress at one gateway, whose disk and memory they take.
    """

    requests: float = 0.0
    burst: int = 0
    queued: int = 0
    bytes: int = 0
    streams: int = 0

    @property
    def tokens(self) -> int:
        """Requests that may come at once."""
        return max(1, self.burst or round(self.requests))


KINDS = {each.name: float if each.name == "requests" else int for each in fields(Quota)}


class Quotas:
    """Everybody's quota. Raises BadSettings."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._default = Quota(
            settings.quota_requests,
            settings.quota_burst,
            settings.quota_queued,
            settings.quota_bytes,
            settings.quota_streams,
        )
        self._own: Mapping[str, Quota] = dict(
            _read(word, self._default) for word in settings.quotas.split()
        )
        self.count_requests = any(each.requests for each in (self._default, *self._own.values()))
        """Whether anybody's requests are counted."""

    def of(self, owner: str) -> Quota:
        """The quota of a caller."""
        return self._own.get(owner, self._default)


def _read(word: str, default: Quota) -> tuple[str, Quota]:
    owner, _, text = word.partition(":")
    try:
        given = dict(pair.split("=") for pair in text.split(","))
        values = {name: KINDS[name](value) for name, value in given.items()}
    except (KeyError, ValueError) as error:
        reason = f"{word!r} is not OWNER:NAME=NUMBER,... of {', '.join(KINDS)}"
        raise BadSettings(f"INKQUEUE_QUOTAS: {reason}") from error
    if not owner or not all(0 <= value < inf for value in values.values()):
        reason = f"{word!r} names no owner, or a negative or infinite number"
        raise BadSettings(f"INKQUEUE_QUOTAS: {reason}")
    return owner, replace(default, **values)  # type: ignore[arg-type]
