"""The search for a learning rate: rungs of a ladder, and further ones while the best is at an end.

A section says which rate a rung is, and which are tried first.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

from .rounds import Setting, ask
from .trials.trial import Outcome, Trial

MOST = 6
"""How many rungs are tried, those at first included."""


def best(rungs: dict[int, float]) -> int:
    """The rung of the highest accuracy; the lowest of those that tie."""
    return max(sorted(rungs), key=lambda rung: rungs[rung])


def beyond(rungs: dict[int, float]) -> list[int]:
    """The rungs to try next: one beyond the best if that is at an end.

    Empty once MOST were tried.
    """
    if len(rungs) >= MOST:
        return []
    top = best(rungs)
    return [top - 1] * (top == min(rungs)) + [top + 1] * (top == max(rungs))


def tune(
    first: Mapping[Setting, Iterable[int]], trial: Callable[[Setting, int], Trial]
) -> Generator[list[Trial], list[Outcome], dict[Setting, dict[int, float]]]:
    """The accuracies of each setting by rung: of its `first` rungs, then beyond them (see `beyond`).

    It is a part of a section, as a Request is; `trial` makes the training of a setting at a rung.
    """
    tuned: dict[Setting, dict[int, float]] = {setting: {} for setting in first}
    lacking = first
    while wanted := [(setting, rung) for setting, rungs in lacking.items() for rung in rungs]:
        found = yield from ask({pair: [trial(*pair)] for pair in wanted})
        for (setting, rung), (outcome,) in found.items():
            tuned[setting][rung] = outcome.accuracy
        lacking = {setting: beyond(rungs) for setting, rungs in tuned.items()}
    return tuned


def ends(tuned: Mapping[Setting, dict[int, float]], name: Callable[[Setting], str]) -> Iterator[str]:
    """A sentence on the settings for which a rate beyond those that were tried might be better, if any.

    `tuned` is as `tune` returns it.
    """
    found = [
        name(setting)
        for setting, rungs in tuned.items()
        if rungs and best(rungs) in (min(rungs), max(rungs))
    ]
    if found:
        yield f"Still best at an end of the rates that were tried: {', '.join(found)}."
