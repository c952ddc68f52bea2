"""Webhooks as the model knows them: the endpoints, and the letters that are owed to them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chaos.ledger_model.jobs import Job

ENDINGS = {
    "succeeded": "job.completed",
    "partially_failed": "job.completed",
    "failed": "job.failed",
    "canceled": "job.canceled",
    "expired": "job.expired",
}


@dataclass
class Letter:
    """A webhook that must be sent."""

    owner: str
    hook: str
    job: str
    type: str
    id: str = ""
    state: str = "pending"
    due: int = 0
    token: int | None = None
    tries: int = 0

    @property
    def about(self) -> tuple[str, ...]:
        """Who is told of what, by which the ledger's letters are recognized."""
        return self.owner, self.hook, self.job, self.type


@dataclass
class Hook:
    """An endpoint and the events that it wants."""

    owner: str
    id: str
    events: tuple[str, ...]
    enabled: bool = True


def letters_about(job: Job, state: str, hooks: Iterable[Hook], now: int) -> Iterator[Letter]:
    """The letters that are owed once `job` has ended in `state`."""
    for hook in hooks:
        if hook.owner == job.owner and hook.enabled and ENDINGS[state] in hook.events:
            yield Letter(job.owner, hook.id, job.name, ENDINGS[state], due=now)
