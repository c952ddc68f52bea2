"""What the comparison of norms says, in sentences; each is computed from outcomes."""

from math import log
from statistics import linear_regression, mean

from ...tables import percent
from ..rates import ends
from ..statistics import compared, lead, points
from .ladders import NORMS, Ladders, Place

BATCH, GROUP, NONE = NORMS


def findings(ladders: Ladders) -> list[str]:
    """Which norm is ahead where, which depends less on the batch size, what no norm costs, the rates."""
    return [
        _summary(ladders),
        *(_at(ladders, batch) for batch in ladders.batches),
        _dependence(ladders),
        *(_best_batch(ladders, norm) for norm in (BATCH, GROUP)),
        _without(ladders),
        *(_rates(ladders, norm) for norm in NORMS),
        *ends(ladders.tuned, lambda place: f"{NORMS[place.norm]} at {place.batch}"),
    ]


def _summary(ladders: Ladders) -> str:
    won: dict[str, list[str]] = {BATCH: [], GROUP: [], "neither": []}
    for batch in ladders.batches:
        ahead = lead(ladders.shares(BATCH, batch), ladders.shares(GROUP, batch))
        winner = (BATCH if ahead.mean > 0 else GROUP) if ahead.clear else "neither"
        won[winner].append(str(batch))
    parts = [
        f"{NORMS.get(name, name)} at {', '.join(batches)}" for name, batches in won.items() if batches
    ]
    return f"Ahead by more than the spread over seeds, by batch size: {'; '.join(parts)}."


def _at(ladders: Ladders, batch: int) -> str:
    ahead = lead(ladders.shares(BATCH, batch), ladders.shares(GROUP, batch))
    return f"At batch size {batch}, {compared(NORMS[BATCH], NORMS[GROUP], ahead)}."


def _means(ladders: Ladders, norm: str) -> dict[int, float]:
    return {batch: mean(ladders.shares(norm, batch)) for batch in ladders.batches}


def _dependence(ladders: Ladders) -> str:
    ranges = {norm: _range(_means(ladders, norm)) for norm in (BATCH, GROUP)}
    less, more = sorted(ranges, key=lambda norm: ranges[norm])
    return (
        f"{NORMS[less]} depends less on the batch size: its best and worst are {points(ranges[less])} "
        f"apart, those of {NORMS[more]} {points(ranges[more])}."
    )


def _range(shares: dict[int, float]) -> float:
    return max(shares.values()) - min(shares.values())


def _best_batch(ladders: Ladders, norm: str) -> str:
    shares = _means(ladders, norm)
    top, bottom = max(shares, key=lambda each: shares[each]), min(shares, key=lambda each: shares[each])
    return (
        f"On equally many images, {NORMS[norm]} reads best at batch size {top} ({percent(shares[top])}) "
        f"and worst at {bottom} ({percent(shares[bottom])})."
    )


def _without(ladders: Ladders) -> str:
    gains = []
    for batch in ladders.batches:
        better = max((BATCH, GROUP), key=lambda norm: mean(ladders.shares(norm, batch)))
        ahead = lead(ladders.shares(better, batch), ladders.shares(NONE, batch))
        gains.append(f"{100 * ahead.mean:+.2f} at {batch} ({'' if ahead.clear else 'not '}clear)")
    return f"The better norm against none, in points by batch size: {', '.join(gains)}."


def _rates(ladders: Ladders, norm: str) -> str:
    places = [Place(norm, batch) for batch in ladders.batches]
    rates = {place.batch: place.rate(ladders.best(place)) for place in places}
    each = ", ".join(f"{rate:g} at {batch}" for batch, rate in rates.items())
    text = f"Best rates of {NORMS[norm]}, by batch size: {each}"
    if len(rates) < 2:
        return f"{text}."
    power = linear_regression(
        [log(batch) for batch in rates], [log(rate) for rate in rates.values()]
    ).slope
    return f"{text}; they go as the batch size to the power of {power:.2f} (the root would be 0.50)."
