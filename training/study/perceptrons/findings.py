"""What the sweep of fully connected networks says, in sentences; each is computed from outcomes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

from ...tables import percent
from ..rounds import accuracies, ranked
from ..statistics import compared, interval, lead, points, tells, told
from .factors import FACTORS, TITLES, Setting, Sweep, level


def findings(sweep: Sweep) -> list[str]:
    """The sentences, in the order in which the sweep found them."""
    return [
        _importance(sweep),
        *(_direction(each, levels) for each, levels in zip(FACTORS, sweep.effects.levels, strict=True)),
        *_prediction(sweep),
        *_variation(sweep),
        _combination(sweep),
        *_confirmation(sweep),
        *_ends(ranked(sweep.confirmed)[0]),
    ]


def _importance(sweep: Sweep) -> str:
    shares = dict(zip(FACTORS, sweep.effects.shares, strict=True))
    first, *others = sorted(shares, key=lambda each: -shares[each])
    rest = ", ".join(f"{TITLES[each]} {percent(shares[each], 1)}" for each in others)
    return (
        f"Over the array, {TITLES[first]} matters most: it explains {percent(shares[first], 1)} of the "
        f"variance; {rest}; the seed {percent(sweep.effects.noise, 1)}."
    )


def _direction(factor: str, levels: Mapping[Any, float]) -> str:
    best, worst = max(levels, key=lambda each: levels[each]), min(levels, key=lambda each: levels[each])
    way = "" if isinstance(best, str) else f"; with more of it accuracy {_course(list(levels.values()))}"
    return (
        f"{TITLES[factor].capitalize()}: over the array {level(best)} is best "
        f"({percent(levels[best], 1)}) and {level(worst)} worst ({percent(levels[worst], 1)}){way}."
    )


def _course(shares: Sequence[float]) -> str:
    steps = [later - earlier for earlier, later in pairwise(shares)]
    if all(step >= 0 for step in steps):
        return "rises throughout"
    if all(step <= 0 for step in steps):
        return "falls throughout"
    top = shares.index(max(shares))
    single = all(step >= 0 for step in steps[:top]) and all(step <= 0 for step in steps[top:])
    return "rises and then falls" if single else "goes up and down"


def _prediction(sweep: Sweep) -> Iterator[str]:
    measured = accuracies(sweep.compared[sweep.predicted])
    expected = sweep.effects.predict(sweep.predicted)
    middle, low, high = interval(measured)
    missed = expected - middle
    verdict = f"the prediction was {points(missed)} too {'high' if missed > 0 else 'low'}"
    if tells(low, high):
        held = low <= expected <= high
        verdict = "the prediction held" if held else f"{verdict}, more than the interval allows"
    yield (
        f"If factors added up in log-odds, the best setting would be {sweep.predicted}, at "
        f"{percent(expected)}. Measured: {told(measured)}; {verdict}."
    )
    if sweep.predicted == sweep.seen:
        yield "That setting is also the best run of the array."
        return
    ahead = lead(measured, accuracies(sweep.compared[sweep.seen]))
    run = f"the best run of the array ({sweep.seen})"
    yield f"On equally many images, {compared('it', run, ahead)}."


def _variation(sweep: Sweep) -> Iterator[str]:
    around = {factor: sweep.along(factor) for factor in FACTORS}
    losses = {factor: _loss(sweep.centre, factor, levels) for factor, levels in around.items()}
    most, least = max(losses, key=lambda each: losses[each]), min(losses, key=lambda each: losses[each])
    yield (
        f"Around {sweep.centre}, the wrong {TITLES[most]} costs most, up to {points(losses[most])}; "
        f"{TITLES[least]} matters least, {points(losses[least])} at worst."
    )
    for factor, levels in around.items():
        here = getattr(sweep.centre, factor)
        best = max(levels, key=lambda each: mean(levels[each]))
        ahead = lead(levels[best], levels[here])
        if ahead.clear:
            yield f"There, {compared(f'{TITLES[factor]} {level(best)}', level(here), ahead)}."


def _loss(centre: Setting, factor: str, levels: Mapping[Any, Sequence[float]]) -> float:
    return max(0.0, mean(levels[getattr(centre, factor)]) - min(mean(each) for each in levels.values()))


def _combination(sweep: Sweep) -> str:
    if sweep.combined == sweep.centre:
        return "No change of one factor reads better than that setting."
    ahead = lead(accuracies(sweep.compared[sweep.combined]), accuracies(sweep.compared[sweep.centre]))
    return (
        f"With the best level of every factor at once ({sweep.combined}), "
        f"{compared('the combination', 'the setting it started from', ahead)}."
    )


def _confirmation(sweep: Sweep) -> Iterator[str]:
    first, second = ranked(sweep.confirmed)
    best, other = accuracies(sweep.confirmed[first]), accuracies(sweep.confirmed[second])
    yield (
        f"Best, confirmed over {len(best)} seeds on {sweep.confirmed[first][0].trial.images:,} images "
        f"each: {first}, {told(best)}."
    )
    ahead = compared("it", "the other", lead(best, other))
    yield f"Against the runner-up ({second}, {told(other)}), {ahead}."
    short = {each: mean(accuracies(sweep.compared[each])) for each in (first, second)}
    if short[first] < short[second]:
        yield "On fewer images the runner-up had been ahead."


def _ends(best: Setting) -> Iterator[str]:
    ends = [
        f"{TITLES[factor]} ({level(here)})"
        for factor, here in best._asdict().items()
        if not isinstance(here, str) and here in (FACTORS[factor][0], FACTORS[factor][-1])
    ]
    if ends:
        at = ", ".join(ends)
        yield f"The best lies at an end of what was tried for {at}: beyond it may be better still."
