"""The chapter on BatchNorm and GroupNorm: by batch size, over images seen, over the learning rate."""

from collections.abc import Sequence

from ...tables import TextTable
from ..chapter import Chapter, Plot, Series
from ..statistics import NOTE, told
from ..trials.trial import Outcome
from .findings import findings
from .ladders import NORMS, Ladders, Place

INTRODUCTION = (
    "BatchNorm scales by the mean and variance of the batch, so that what it does to an image depends "
    "on the images beside it, the less reliably the fewer there are; GroupNorm scales by those of the "
    "image itself, in groups of channels. A network of two convolutional layers is trained with each, "
    "and with neither for reference, at several batch sizes, on equally many images: a small batch "
    "takes more steps. The learning rate is tuned for each norm at each batch size, on a ladder that "
    "rises with the root of the batch size, and goes on where the best is at its end; it is tuned by a "
    "seed of its own, which is in no other figure."
)


def tell(ladders: Ladders) -> Chapter:
    """The chapter. None goes to the test set: these networks are for comparing norms, not for use."""
    ends = dict.fromkeys((ladders.batches[0], ladders.batches[-1]))
    return Chapter(
        title="BatchNorm and GroupNorm over batch sizes",
        introduction=INTRODUCTION,
        findings=findings(ladders),
        tables=[_accuracies(ladders), _rates(ladders)],
        plots=[
            _by_batch(ladders),
            *(_curves(ladders, batch) for batch in ends),
            *(_by_rate(ladders, batch) for batch in ladders.batches),
        ],
    )


def _accuracies(ladders: Ladders) -> TextTable:
    rows = [
        (title, *(told(ladders.shares(norm, batch)) for batch in ladders.batches))
        for norm, title in NORMS.items()
    ]
    return TextTable("Accuracy by batch size, each at its best rate", _columns(ladders), rows, [NOTE])


def _rates(ladders: Ladders) -> TextTable:
    places = {norm: [Place(norm, batch) for batch in ladders.batches] for norm in NORMS}
    rows = [
        (
            NORMS[norm],
            *(f"{each.rate(ladders.best(each)):g} of {len(ladders.tuned[each])}" for each in those),
        )
        for norm, those in places.items()
    ]
    return TextTable("The best rate, and of how many that were tried", _columns(ladders), rows)


def _columns(ladders: Ladders) -> list[str]:
    return ["norm", *[f"batch {batch}" for batch in ladders.batches]]


def _by_batch(ladders: Ladders) -> Plot:
    series = [
        Series(title, ladders.batches, [ladders.shares(norm, batch) for batch in ladders.batches])
        for norm, title in NORMS.items()
    ]
    caption = "Accuracy by batch size on equally many images, each at its best rate."
    return Plot("normalizations-batch", caption, "batch size", series, log_x=True)


def _curves(ladders: Ladders, batch: int) -> Plot:
    series = [_curve(title, ladders.found[Place(norm, batch)]) for norm, title in NORMS.items()]
    caption = f"Accuracy over images seen, batch size {batch}."
    return Plot(f"normalizations-curve-{batch}", caption, "images seen", series)


def _curve(title: str, outcomes: Sequence[Outcome]) -> Series:
    every = list(zip(*(each.points for each in outcomes), strict=True))
    accuracy = [[point.validation_accuracy for point in those] for those in every]
    return Series(title, [those[0].images for those in every], accuracy)


def _by_rate(ladders: Ladders, batch: int) -> Plot:
    series = []
    for norm, title in NORMS.items():
        place = Place(norm, batch)
        rungs = dict(sorted(ladders.tuned[place].items()))
        shares = [[share] for share in rungs.values()]
        series.append(Series(title, [place.rate(rung) for rung in rungs], shares))
    caption = f"Accuracy by learning rate, batch size {batch}, one seed."
    return Plot(f"normalizations-rate-{batch}", caption, "learning rate", series, log_x=True)
