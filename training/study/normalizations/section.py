"""BatchNorm (Ioffe & Szegedy 2015) against GroupNorm (Wu & He 2018) over batch sizes, and neither.

Every training sees equally many images; the learning rate is tuned for each norm at each batch size.
"""

from ..rates import best, tune
from ..rounds import Scale, Section, ask
from ..trials.trial import Trial
from .chapter import tell
from .ladders import BATCHES, NORMS, RUNGS, Ladders, Place

SHOWN = 0.2
"""Images shown to each network, as a share of the scale's."""
WIDTHS, KERNEL = (16, 32), 3
CURVE = 8
"""Points of a curve that is reported."""


def normalizations(scale: Scale, classes: int) -> Section:
    """The section. A seed of its own tunes the rates, so that no seed both chooses and is reported."""
    shown = SHOWN * scale.images
    batches = [batch for batch in BATCHES if batch <= shown]
    images = max(batches) * round(shown / max(batches))
    places = [Place(norm, batch) for norm in NORMS for batch in batches]
    tuned = yield from tune(
        dict.fromkeys(places, RUNGS),
        lambda place, rung: trial(place, rung, classes, images, scale.seeds, points=1),
    )
    found = yield from ask(
        {
            place: [
                trial(place, best(tuned[place]), classes, images, seed, CURVE)
                for seed in range(scale.seeds)
            ]
            for place in places
        }
    )
    return tell(Ladders(batches, tuned, found))


def trial(place: Place, rung: int, classes: int, images: int, seed: int, points: int) -> Trial:
    """One training at a place; the rates are tuned by trainings of one point."""
    layout = {
        "kind": "convolutions",
        "widths": list(WIDTHS),
        "kernel": KERNEL,
        "classes": classes,
        "norm": place.norm,
    }
    rate = place.rate(rung)
    stage = "curve" if points > 1 else "tuned"
    name = f"{stage}: {NORMS[place.norm]}, batch {place.batch}, rate {rate:g}"
    return Trial("normalizations", name, layout, images, place.batch, rate, seed=seed, points=points)
