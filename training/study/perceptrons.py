"""The sweep of fully connected networks: screened by an array, varied around the best, confirmed.

Six factors of five levels make 15,625 settings; some fifty of them are trained.
"""

from collections.abc import Iterable
from functools import partial

from .chapter import Scale, Section
from .design import main_effects, orthogonal_array
from .factors import FACTORS, Setting, neighbours, trial
from .perceptron_chapter import tell
from .rounds import Outcomes, Request, Stage, accuracies, ask, comparing, confirming, ranked
from .sweep import Sweep
from .trial import Outcome

COMPARED = 0.5
CONFIRMED = 2.0
"""Images of a comparison and of a confirmation, as multiples of the scale's."""

SCREENING_SEEDS = 2


def perceptrons(scale: Scale, classes: int) -> Section:
    """The section. Screening and comparisons show equally many images, so that all settings can be
    ranked."""
    lab = Lab(classes)
    compare = partial(lab.train, stage=comparing(COMPARED, scale))
    screened = yield from compare(screening(), seeds=min(SCREENING_SEEDS, scale.seeds))
    shares = {setting: accuracies(outcomes) for setting, outcomes in screened.items()}
    effects = main_effects(tuple(FACTORS.values()), shares)
    predicted, seen = Setting(*effects.best()), ranked(screened)[0]
    compared = yield from compare((seen, predicted), seeds=scale.seeds)
    centre = ranked(compared)[0]
    around = [each for factor in FACTORS for each in neighbours(centre, factor)]
    compared |= yield from compare(around, seeds=scale.seeds)
    combined = Setting(*(getattr(_best_along(centre, factor, compared), factor) for factor in FACTORS))
    compared |= yield from compare([combined], seeds=scale.seeds)
    confirmation = confirming(CONFIRMED, scale)
    confirmed = yield from lab.train(ranked(compared)[:2], confirmation, confirmation.seeds)
    return tell(Sweep(screened, effects, compared, seen, predicted, centre, combined, confirmed))


def screening() -> list[Setting]:
    """The runs of the orthogonal array."""
    every = tuple(FACTORS.values())
    runs = orthogonal_array(len(every[0]))
    return [Setting(*(levels[at] for levels, at in zip(every, run, strict=True))) for run in runs]


def _best_along(centre: Setting, factor: str, compared: Outcomes[Setting]) -> Setting:
    return ranked({each: compared[each] for each in neighbours(centre, factor)})[0]


class Lab:
    """Trains settings, none of them twice on the same images by the same seed."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.known: dict[tuple[Setting, Stage], list[Outcome]] = {}

    def train(self, settings: Iterable[Setting], stage: Stage, seeds: int) -> Request[Setting]:
        """The outcomes of the first `seeds` of each setting; asks for those that are not known yet."""
        those = list(dict.fromkeys(settings))
        known = {each: self.known.setdefault((each, stage), []) for each in those}
        lacking = {each: range(len(known[each]), seeds) for each in those}
        new = yield from ask(
            {
                each: [trial(each, self.classes, stage, seed) for seed in numbers]
                for each, numbers in lacking.items()
            }
        )
        for each in those:
            known[each].extend(new[each])
        return {each: known[each][:seeds] for each in those}
