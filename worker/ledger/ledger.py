"""The ledger as a worker sees it: claim, renew, commit, release. Each is one atomic Lua script."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import redis

from . import keys
from .claims import Claim, Commit, commit_args, handed
from .doorbell import message, sender_message
from .scripts import source

LINGER_MS = 500
"""For this long after finding nothing, a worker is woken by a submission, at once and without Celery."""

LATE_S = 0.05
"""Added to the wait, since a worker that is woken at the last moment must still hear it."""

SCRIPTS = ("claim", "renew", "commit", "release", "suspect", "absolve", "turn", "upkeep", "beat")


class Ledger:
    """A worker's side of the ledger, over one Redis."""

    def __init__(self, client: redis.Redis, lease_ms: int, worker: str = "") -> None:
        """`worker` is the id under which this worker claims and sends its heartbeat."""
        self.worker = worker
        self._client = client
        self._lease = lease_ms
        self._scripts = {name: client.register_script(source(name)) for name in SCRIPTS}

    def claim(self, model: str, budget: int, others: Sequence[str] | None = None) -> list[Claim]:
        """Due chunks of `model`: about `budget` images, by their weight, or 16 MiB, and at least one
        chunk of each lane that has any.

        A worker that finds none and names the `others` that it serves must call `rung` next.
        """
        rows = self._scripts["claim"](args=self._claim_args(model, budget, others))
        return [Claim.from_row(row) for row in rows]

    def _claim_args(self, model: str, budget: int, others: Sequence[str] | None) -> list[str | int]:
        args: list[str | int] = [model, budget, self._lease, self.worker]
        return args if others is None else [*args, LINGER_MS, *others]

    def rung(self) -> tuple[str, list[Claim]]:
        """Wait to be woken, up to LINGER_MS. Return the model that is due, and the chunks of it that
        were already claimed for this worker; '' if nobody woke it."""
        woken: Any = self._client.blpop([keys.wake(self.worker)], LINGER_MS / 1000 + LATE_S)
        if not woken:
            return "", []
        claims = handed(woken[1])
        return claims[0].options.model if claims else woken[1].decode(), claims

    def renew(self, claims: Iterable[Claim]) -> int:
        """Prolong the leases of `claims`; return how many are still ours."""
        args: list[str | int] = [self._lease]
        for claim in claims:
            args += [claim.name, claim.chunk, claim.token]
        return int(self._scripts["renew"](args=args))

    def commit(self, commits: Sequence[Commit], measured: Mapping[str, int]) -> list[str]:
        """Record the results of chunks; return 'new', 'duplicate', 'different' or 'gone' for each.

        What was `measured` is added in the same call, if any chunk is new.
        """
        verdicts = self._scripts["commit"](args=commit_args(commits, measured))
        return [verdict.decode() for verdict in verdicts]

    def turn(
        self,
        commits: Sequence[Commit],
        measured: Mapping[str, int],
        model: str,
        budget: int,
        others: Sequence[str] | None = None,
    ) -> tuple[list[str], list[Claim]]:
        """Commit, then claim, in one call and one sync of the journal; return verdicts and claims."""
        done, claim_args = commit_args(commits, measured), self._claim_args(model, budget, others)
        verdicts, rows = self._scripts["turn"](args=[len(done), *done, len(claim_args), *claim_args])
        return [verdict.decode() for verdict in verdicts], [Claim.from_row(row) for row in rows]

    def release(self, claims: Iterable[Claim]) -> None:
        """Give claims back unread; the delivery does not count against them."""
        for claim in claims:
            self._scripts["release"](args=[claim.name, claim.chunk, claim.token])

    def suspect(self, claim: Claim, what: int | str, *over: int | str) -> int:
        """Note that an image or a block is in hand, and that those in `over` no longer are; return how
        many workers died with it in hand."""
        args: list[str | int] = [claim.name, claim.chunk, claim.token, what, *over]
        return int(self._scripts["suspect"](args=args))

    def absolve(self, claim: Claim, noted: Iterable[str]) -> None:
        """Take back what this worker noted with `suspect`: it lives, but could not read on."""
        self._scripts["absolve"](args=[claim.name, claim.chunk, claim.token, *noted])

    def suspects(self, claim: Claim) -> Mapping[str, int]:
        """How many workers died over this chunk, by the image or block that they had in hand."""
        noted: Any = self._client.hgetall(keys.suspects(claim.name, claim.chunk))
        return {what.decode(): len(tokens.split()) for what, tokens in noted.items()}

    def upkeep(self, models: Iterable[str]) -> int:
        """Ring for what waits, turn expired jobs into tombstones; return how many had expired."""
        args: list[str | bytes | int] = [sender_message(), self._lease]
        for model in models:
            args += [model, message(model)]
        return int(self._scripts["upkeep"](args=args))

    def heartbeat(self, facts: Mapping[str, str]) -> None:
        """Tell the ledger that this worker is alive, and `facts` about it."""
        told = {**facts, "lease": str(self._lease)}
        self._scripts["beat"](args=[keys.WORKERS, self.worker, *chain.from_iterable(told.items())])

    def farewell(self) -> None:
        """Tell the ledger that this worker is gone."""
        with self._client.pipeline() as pipe:
            pipe.zrem(keys.WORKERS, self.worker)
            pipe.delete(keys.worker(self.worker))
            pipe.execute()
