"""Judges what a claim handed out: the scripts are free to choose which of the due chunks go together."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from worker.ledger.claims import Claim

from chaos.ledger_model.broken import require
from chaos.ledger_model.jobs import Job, Part

Due: TypeAlias = Mapping[tuple[str, int], tuple[Job, Part]]
"""The chunks that are due, by the name of their job and their number."""


def judge_claims(due: Due, claims: Sequence[Claim], budget: int, scores: Mapping[str, float]) -> None:
    """Raise Broken if one of `claims` should not have been handed out, or another should have been;
    `scores` say when chunks (NAME#C) were due before."""
    _choice(due, claims, scores)
    _amount(due, claims, budget)


def _choice(due: Due, claims: Sequence[Claim], scores: Mapping[str, float]) -> None:
    """Only due chunks are taken, in their lane's order; a redelivered one comes first, and alone."""
    taken = [(claim.name, claim.chunk) for claim in claims]
    require(len(set(taken)) == len(taken), "a chunk was handed out twice in one claim:", taken)
    for each in taken:
        require(each in due, "a chunk was handed out that is not due:", each)
    returned = {each: scores[f"{each[0]}#{each[1]}"] for each in due if due[each][1].deliveries}
    if returned:
        first = [each for each, score in returned.items() if score == min(returned.values())]
        require(len(taken) == 1 and taken[0] in first, "what came back waits:", returned, taken)
        return
    for name, c in taken:
        job, part = due[name, c]
        require(not part.deliveries, "a chunk that came back went out among others:", name, c)
        for other, (rival, waiting) in due.items():
            if other not in taken and rival.lane == job.lane and not waiting.deliveries:
                require(
                    scores[f"{name}#{c}"] <= scores[f"{other[0]}#{other[1]}"],
                    f"{name}#{c} overtook {other[0]}#{other[1]}",
                )


def _amount(due: Due, claims: Sequence[Claim], budget: int) -> None:
    """No lane is left out, and no more than the budget is taken, except the first of each lane."""
    lanes = {due[claim.name, claim.chunk][0].lane for claim in claims}
    if not any(claim.deliveries > 1 for claim in claims):
        for job, part in due.values():
            require(part.deliveries or job.lane in lanes, "a lane was left out:", job.lane)
    firsts: dict[str, int] = {}
    for claim in claims:
        firsts.setdefault(due[claim.name, claim.chunk][0].lane, claim.count)
    rest = sum(claim.count for claim in claims) - sum(firsts.values())
    require(not rest or rest + min(firsts.values()) <= budget, "more than the budget:", claims)
