"""The sections of the study by name, and what they were sent, overheard for the report."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..registry import RUNS
from .chapter import Scale, Section
from .convolutions import convolutions
from .normalizations import normalizations
from .perceptrons import perceptrons
from .transfer import transfer
from .trial import Outcome

Begin = Callable[[Scale, str, Path | None, Path, str], Section]
"""Begins a section, from the scale, the labels, the file of ImageNet weights, the folder of runs and the
test set in words."""

SECTIONS: Mapping[str, Begin] = {
    "perceptrons": lambda scale, labels, *rest: perceptrons(scale, len(labels)),
    "convolutions": lambda scale, labels, *rest: convolutions(scale, len(labels)),
    "normalizations": lambda scale, labels, *rest: normalizations(scale, len(labels)),
    "transfer": transfer,
}


SPEED = "speed"
"""Not a section, but chosen like one: measured after the sections, with the machine to itself."""

NAMES = (*SECTIONS, SPEED)


def begin(
    names: Sequence[str],
    scale: Scale,
    labels: str,
    weights: Path | None = None,
    runs: Path = RUNS,
    measured_on: str = "",
) -> dict[str, Section]:
    """The sections called `names`, begun, in the order of SECTIONS."""
    chosen = {name: start for name, start in SECTIONS.items() if name in names}
    return {name: start(scale, labels, weights, runs, measured_on) for name, start in chosen.items()}


def overheard(section: Section, heard: dict[str, Outcome]) -> Section:
    """`section`, with every outcome that it is sent kept in `heard` by its trial's key."""
    try:
        trials = next(section)
        while True:
            outcomes = yield trials
            heard |= {each.trial.key: each for each in outcomes}
            trials = section.send(outcomes)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
