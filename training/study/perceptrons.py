"""The sweep of fully connected networks: screened by an array, varied around the best, confirmed.

Six factors of five levels make 15,625 settings; some fifty of them are trained.
"""

from collections.abc import Iterable, Sequence
from statistics import mean

from .chapter import Scale, Section
from .design import main_effects, orthogonal_array
from .factors import FACTORS, Setting, neighbours, trial
from .perceptron_chapter import tell
from .rounds import Found, Request, accuracies, ask, confirming_seeds
from .sweep import Sweep
from .trial import Outcome

COMPARED = 0.5
CONFIRMED = 2.0
"""Images of a comparison and of a confirmation, in units of the scale's."""

SCREENING_SEEDS = 2


def perceptrons(scale: Scale, classes: int) -> Section:
    """The section. Screening and comparisons show as many images, so that all settings can be ranked."""
    lab = Lab(scale, classes)
    screened = yield from lab.compare(screening(), min(SCREENING_SEEDS, scale.seeds))
    effects = main_effects({setting: accuracies(those) for setting, those in screened.items()})
    predicted, seen = Setting(*effects.best()), best_of(screened)
    compared = yield from lab.compare((seen, predicted), scale.seeds)
    centre = best_of(compared)
    around = [each for factor in FACTORS for each in neighbours(centre, factor)]
    compared |= yield from lab.compare(around, scale.seeds)
    combined = Setting(*(getattr(_best_along(centre, factor, compared), factor) for factor in FACTORS))
    compared |= yield from lab.compare([combined], scale.seeds)
    two = sorted(compared, key=lambda each: mean(accuracies(compared[each])), reverse=True)[:2]
    confirmed = yield from lab.confirm(two)
    return tell(Sweep(screened, effects, compared, seen, predicted, centre, combined, confirmed))


def screening() -> list[Setting]:
    """The runs of the orthogonal array."""
    every = tuple(FACTORS.values())
    runs = orthogonal_array(len(every[0]))
    return [Setting(*(levels[at] for levels, at in zip(every, run, strict=True))) for run in runs]


def best_of(found: Found[Setting]) -> Setting:
    """The setting of the highest mean accuracy."""
    return max(found, key=lambda setting: mean(accuracies(found[setting])))


def _best_along(centre: Setting, factor: str, compared: Found[Setting]) -> Setting:
    return best_of({each: compared[each] for each in neighbours(centre, factor)})


class Lab:
    """Trains settings, none of them twice on the same images by the same seed."""

    def __init__(self, scale: Scale, classes: int) -> None:
        self.scale, self.classes = scale, classes
        self.known: dict[Setting, list[Outcome]] = {}

    def compare(self, settings: Iterable[Setting], seeds: int) -> Request[Setting]:
        """All `seeds` of each setting, asking for those that are not known yet."""
        wanted = list(dict.fromkeys(settings))
        images = round(COMPARED * self.scale.images)
        lacking = {each: range(len(self.known.get(each, ())), seeds) for each in wanted}
        new = yield from ask(
            {
                each: [trial(each, self.classes, images, seed, "compared") for seed in numbers]
                for each, numbers in lacking.items()
            }
        )
        for each, outcomes in new.items():
            self.known.setdefault(each, []).extend(outcomes)
        return {each: self.known[each][:seeds] for each in wanted}

    def confirm(self, settings: Sequence[Setting]) -> Request[Setting]:
        """Longer, by more seeds."""
        images, seeds = round(CONFIRMED * self.scale.images), range(confirming_seeds(self.scale))
        return (
            yield from ask(
                {
                    each: [trial(each, self.classes, images, seed, "confirmed") for seed in seeds]
                    for each in settings
                }
            )
        )
