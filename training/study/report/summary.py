"""The findings at the head of the study: which network wins, at what cost, and what layers bring."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean

from ...measures.evaluate import Evaluation
from ...measures.significance import mcnemar
from ...reports.findings import verdict
from ...tables import percent, short
from ..chapter import Chapter
from ..statistics import compared, lead, pareto_front, points, told
from .finalists import Finalist, chosen


def summary(chapters: Sequence[Chapter], finalists: Sequence[Finalist], best: Evaluation) -> list[str]:
    """Sentences, each computed; `finalists` are sorted, the best first."""
    return [
        *_winner(finalists, best),
        *_cost(finalists),
        *_layers(finalists),
        *_choice(finalists),
        *[f"{chapter.title}: {chapter.findings[0]}" for chapter in chapters if chapter.findings],
        *best.caveats,
    ]


def _winner(finalists: Sequence[Finalist], best: Evaluation) -> Iterator[str]:
    low, high = best.interval
    name, answers = best.card.name, best.answers
    yield (
        f"{name}, the network that is served, reads {percent(float(answers.right.mean()))} of "
        f"{len(answers):,} test images right (95 % interval {percent(low)} to {percent(high)}), with "
        f"{short(best.cost.parameters)} parameters and {short(best.cost.macs)} multiply-accumulates "
        "an image."
    )
    if not finalists:
        return
    first = chosen(finalists)
    yield (
        f"Of those trained for the study, {first.name} ({first.chapter}) is the best on validation: "
        f"{told(first.tested)} of the test set with {short(first.outcomes[0].parameters)} parameters "
        f"and {short(first.macs)} multiply-accumulates. "
        "By its first seed: " + verdict(name, first.name, mcnemar(answers.right, first.answers[0].right))
    )


def _cost(finalists: Sequence[Finalist]) -> Iterator[str]:
    """The finalists that read better than every cheaper one."""
    front = pareto_front(finalists, lambda each: each.macs, lambda each: mean(each.tested))
    if len(front) > 1:
        steps = [f"{each.name} ({short(each.macs)}: {percent(mean(each.tested))})" for each in front]
        yield (
            f"Worth their multiply-accumulates, since no cheaper one reads better: {', '.join(steps)}. "
            f"The most expensive is {points(mean(front[-1].tested) - mean(front[0].tested))} better "
            f"than the cheapest, for {front[-1].macs / front[0].macs:.1f} times the arithmetic."
        )


def _layers(finalists: Sequence[Finalist]) -> Iterator[str]:
    """What layers bring, by the finalist of each number of layers that was best on validation."""
    depths: dict[int, list[Finalist]] = defaultdict(list)
    for each in finalists:
        trial = each.outcomes[0].trial
        if trial.section == trial.network["kind"] == "convolutions":
            depths[len(trial.network["widths"])].append(each)
    deepening = [(depth, chosen(depths[depth])) for depth in sorted(depths)]
    for (few, one), (many, two) in pairwise(deepening):
        ahead = lead(two.tested, one.tested)
        pays = "pay" if ahead.mean > 0 and ahead.clear else "do not clearly pay"
        text = compared(f"a depth of {many}", f"a depth of {few}", ahead)
        yield f"{many} convolutional layers after {few} {pays}: on the test set {text}."


def _choice(finalists: Sequence[Finalist]) -> Iterator[str]:
    """Whether the choice on validation images is also the best on the test set."""
    if len(finalists) < 2:
        return
    choice = chosen(finalists)
    gaps = [mean(each.validated) - mean(each.tested) for each in finalists]
    widest = max(gaps, key=abs)
    right = (
        f"chose {choice.name}, which is also best on the test set"
        if choice is finalists[0]
        else f"chose {choice.name}; on the test set {finalists[0].name} is "
        f"{points(mean(finalists[0].tested) - mean(choice.tested))} better"
    )
    yield (
        f"Validation images {right}. Over {len(finalists)} finalists validation is "
        f"{points(mean(gaps))} {'above' if mean(gaps) > 0 else 'below'} the test on average, at most "
        f"{points(widest)} apart."
    )
