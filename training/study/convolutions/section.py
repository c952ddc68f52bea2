"""One, two and three convolutional layers of several widths and kernels, on equally many images."""

from ..rounds import Outcomes, Scale, Section, Stage, accuracies, ask, comparing, confirming, ranked
from ..statistics import lead
from ..trials.trial import Trial
from .chapter import tell
from .sizes import DEPTHS, KERNEL, OTHER_RATES, RATE, WIDTH, Comparison, Size, sizes

COMPARED = 0.375
CONFIRMED = 0.5
"""Images of a comparison and of a confirmation, as multiples of the scale's."""

BATCH = 128


def convolutions(scale: Scale, classes: int) -> Section:
    """The section. The best of each depth is trained again, longer and with more seeds."""
    comparison, confirmation = comparing(COMPARED, scale), confirming(CONFIRMED, scale)
    usual = {(size, RATE): trials(size, RATE, classes, comparison) for size in sizes()}
    checks = {
        (size, rate): trials(size, rate, classes, comparison)
        for size in (Size(layers, WIDTH, KERNEL) for layers in DEPTHS)
        for rate in OTHER_RATES
    }
    checked = yield from ask(usual | checks)
    compared = {size: checked[size, RATE] for size in sizes()}
    rates = {layers: best_rate(checked, layers) for layers in DEPTHS}
    confirmed = yield from ask(
        {
            size: trials(size, rates[size.layers], classes, confirmation)
            for size in (best_of(compared, layers) for layers in DEPTHS)
        }
    )
    return tell(Comparison(compared, checked, rates, confirmed))


def trials(size: Size, rate: float, classes: int, stage: Stage) -> list[Trial]:
    """The trainings of one size at a `stage`, one for each seed."""
    name, layout = f"{stage.name}: {size}, rate {rate:g}", size.layout(classes)
    return [
        Trial("convolutions", name, layout, stage.images, BATCH, rate, seed=seed, points=stage.points)
        for seed in range(stage.seeds)
    ]


def best_of(compared: Outcomes[Size], layers: int) -> Size:
    """The size with this many layers that reads best."""
    return next(size for size in ranked(compared) if size.layers == layers)


def best_rate(checked: Outcomes[tuple[Size, float]], layers: int) -> float:
    """The usual rate, or the best one that is clearly better for the network checked at this depth."""
    size = Size(layers, WIDTH, KERNEL)
    usual = accuracies(checked[size, RATE])
    better = {
        rate: ahead.mean
        for rate in OTHER_RATES
        if (ahead := lead(accuracies(checked[size, rate]), usual)).clear and ahead.mean > 0
    }
    return max(better, key=lambda rate: better[rate], default=RATE)
