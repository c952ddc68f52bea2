"""Coverage of what may happen: the distinct states of the model, and transitions between them."""

from chaos.ledger_model.jobs import Part
from chaos.ledger_model.model import Model


class Census:
    """Which states and transitions were seen."""

    def __init__(self) -> None:
        self.states: set[int] = set()
        self.transitions: set[tuple[int, str, int]] = set()
        self.steps = self.examples = 0

    def note(self, before: int, did: str, after: int) -> None:
        """Note a step."""
        self.steps += 1
        self.states.add(after)
        self.transitions.add((before, did, after))

    def __str__(self) -> str:
        return (
            f"{self.examples:,} examples, {self.steps:,} steps, {len(self.states):,} distinct states,"
            f" {len(self.transitions):,} distinct transitions"
        )


def signature(model: Model, hands: list[int]) -> int:
    """A hash of the model's state as far as the rules distinguish it; `hands` has the number of claims
    of each worker."""
    jobs = sorted(
        (
            job.owner,
            job.lane,
            job.state,
            model.over(job),
            job.keep,
            [_stage(model, part) for part in job.parts],
        )
        for job in model.jobs.values()
    )
    letters = sorted((one.hook, one.state, one.tries) for one in model.letters)
    return hash(repr((jobs, hands, letters)))


def _stage(model: Model, part: Part) -> str:
    if part.results is not None:
        return "failed" if part.failed else "read"
    if part.due is None:
        return "dropped" if part.dropped else "waiting"
    held = "leased" if part.token is not None else "due"
    return f"{held} {part.due <= model.now} {min(part.deliveries, 3)}"
