"""The sweep of fully connected networks: screened by an array, varied around the best, confirmed.

Six factors of five levels make 15,625 settings; some fifty of them are trained.
"""

from collections.abc import Iterable
from functools import partial

from ..rounds import (
    Outcomes,
    Request,
    Scale,
    Section,
    Stage,
    accuracies,
    ask,
    comparing,
    confirming,
    ranked,
)
from .chapter import tell
from .design import main_effects, orthogonal_array
from .factors import FACTORS, Setting, Sweep, neighbours, trial

COMPARED = 0.5
CONFIRMED = 2.0
"""Images of a comparison and of a confirmation, as multiples of the scale's."""

SCREENING_SEEDS = 2


def perceptrons(scale: Scale, classes: int) -> Section:
    """The section. Screening and comparisons show equally many images, so that all settings can be
    ranked."""
    comparison, confirmation = comparing(COMPARED, scale), confirming(CONFIRMED, scale)
    fewer = comparison._replace(seeds=min(SCREENING_SEEDS, scale.seeds))
    screened = yield from train(screening(), classes, fewer)
    shares = {setting: accuracies(outcomes) for setting, outcomes in screened.items()}
    effects = main_effects(tuple(FACTORS.values()), shares)
    predicted, seen = Setting(*effects.best()), ranked(screened)[0]
    compare = partial(train, classes=classes, stage=comparison)
    compared = yield from compare((seen, predicted))
    centre = ranked(compared)[0]
    compared |= yield from compare(each for factor in FACTORS for each in neighbours(centre, factor))
    combined = Setting(*(getattr(_best_along(centre, factor, compared), factor) for factor in FACTORS))
    compared |= yield from compare([combined])
    confirmed = yield from train(ranked(compared)[:2], classes, confirmation)
    return tell(Sweep(screened, effects, compared, seen, predicted, centre, combined, confirmed))


def screening() -> list[Setting]:
    """The runs of the orthogonal array."""
    every = tuple(FACTORS.values())
    runs = orthogonal_array(len(every[0]))
    return [Setting(*(levels[at] for levels, at in zip(every, run, strict=True))) for run in runs]


def train(settings: Iterable[Setting], classes: int, stage: Stage) -> Request[Setting]:
    """Ask for the outcomes of each setting at a `stage`; a trial that was asked for before is not
    trained again."""
    return ask(
        {each: [trial(each, classes, stage, seed) for seed in range(stage.seeds)] for each in settings}
    )


def _best_along(centre: Setting, factor: str, compared: Outcomes[Setting]) -> Setting:
    return ranked({each: compared[each] for each in neighbours(centre, factor)})[0]
