"""What the comparison of convolutional networks says, in sentences; each is computed from outcomes."""

from collections.abc import Iterator
from itertools import pairwise, product
from math import log
from statistics import mean

from ...tables import percent, short
from ..rounds import accuracies, ranked, training_seconds
from ..statistics import Lead, compared, lead, pareto_front, points, told
from .sizes import DEPTHS, KERNEL, RATE, WIDE_KERNELS, WIDTH, WIDTHS, Comparison, Size


def findings(found: Comparison) -> list[str]:
    """Depth, depth at equal cost, kernels, rates, the cheapest that will do, and the best."""
    return [
        *(_deeper(found, layers) for layers in DEPTHS[:-1]),
        *(_at_equal_cost(found, layers) for layers in DEPTHS[:-1]),
        *(_kernel(found, kernel) for kernel in WIDE_KERNELS),
        _rate(found),
        _front(found),
        _thrifty(found),
        *_confirmation(found),
    ]


def _ahead(found: Comparison, one: Size, other: Size) -> Lead:
    return lead(accuracies(found.compared[one]), accuracies(found.compared[other]))


def _deeper(found: Comparison, layers: int) -> str:
    gains = {
        width: _ahead(found, Size(layers + 1, width, KERNEL), Size(layers, width, KERNEL))
        for width in WIDTHS
    }
    each = ", ".join(f"{_signed(gain)} at {width}" for width, gain in gains.items())
    average = mean(gain.mean for gain in gains.values())
    return (
        f"At equal width, layer {layers + 1} {'brings' if average > 0 else 'costs'} {points(average)} "
        f"on average ({each} channels first); {_how_many(list(gains.values()))}."
    )


def _signed(gain: Lead) -> str:
    return f"{100 * gain.mean:+.2f}"


def _how_many(leads: list[Lead]) -> str:
    clear = sum(each.clear for each in leads)
    are = "is" if clear == 1 else "are"
    return f"{clear} of these {len(leads)} differences {are} more than the spread over seeds"


def _at_equal_cost(found: Comparison, layers: int) -> str:
    deeper = [size for size in found.compared if size.layers == layers + 1]
    flatter = [size for size in found.compared if size.layers == layers]
    one, other = min(product(deeper, flatter), key=lambda pair: abs(log(_times(found, *pair))))
    return (
        f"At about equal cost ({short(found.macs(one))} and {short(found.macs(other))} "
        f"multiply-accumulates), {compared(str(one), str(other), _ahead(found, one, other))}."
    )


def _times(found: Comparison, one: Size, other: Size) -> float:
    return found.macs(one) / found.macs(other)


def _kernel(found: Comparison, kernel: int) -> str:
    pairs = [(Size(layers, WIDTH, kernel), Size(layers, WIDTH, KERNEL)) for layers in DEPTHS]
    gains = [_ahead(found, *pair) for pair in pairs]
    macs = ", ".join(f"{_times(found, *pair):.1f}" for pair in pairs)
    seconds = [[training_seconds(found.compared[size]) for size in pair] for pair in pairs]
    return (
        f"Kernel {kernel} instead of {KERNEL} brings {', '.join(map(_signed, gains))} points at "
        f"{', '.join(map(str, DEPTHS))} layers, for {macs} times the multiply-accumulates and "
        f"{', '.join(f'{one / other:.1f}' for one, other in seconds)} times the processor time; "
        f"{_how_many(gains)}."
    )


def _rate(found: Comparison) -> str:
    changed = {layers: rate for layers, rate in found.rates.items() if rate != RATE}
    if not changed:
        return f"No rate that was checked is clearly better than {RATE:g}, at any depth."
    each = ", ".join(f"{rate:g} at depth {layers}" for layers, rate in changed.items())
    return (
        f"Another rate than {RATE:g} is clearly better where it was checked ({each}): there the "
        "comparison sells the depth short, and the confirmation uses the better rate."
    )


def _front(found: Comparison) -> str:
    front = pareto_front(found.compared, found.macs, lambda size: _mean(found, size))
    each = "; ".join(
        f"{size} ({short(found.macs(size))}, {percent(_mean(found, size))})" for size in front
    )
    return f"No cheaper network reads better than these, by multiply-accumulates: {each}."


def _mean(found: Comparison, size: Size) -> float:
    return mean(accuracies(found.compared[size]))


def _thrifty(found: Comparison) -> str:
    best = ranked(found.compared)[0]
    as_good = [size for size in found.compared if not _ahead(found, best, size).clear]
    thrifty = min([best, *as_good], key=found.macs)
    if thrifty == best:
        return f"Every cheaper network is behind the best ({best}) by more than the spread over seeds."
    behind, share = _ahead(found, best, thrifty).mean, _times(found, thrifty, best)
    return (
        f"The best for its cost is {thrifty}: {points(behind)} behind the best ({best}), which the "
        f"spread over seeds may explain, at {percent(share, 0)} of its "
        "multiply-accumulates."
    )


def _confirmation(found: Comparison) -> Iterator[str]:
    order = ranked(found.confirmed)
    first = order[0]
    best = accuracies(found.confirmed[first])
    images = found.confirmed[first][0].trial.images
    yield f"Best, confirmed over {len(best)} seeds on {images:,} images each: {first}, {told(best)}."
    for one, other in pairwise(order):
        ahead = lead(accuracies(found.confirmed[one]), accuracies(found.confirmed[other]))
        yield f"Trained longer, {compared(str(one), str(other), ahead)}."
