"""One network in full, as tables: cost, accuracy, calibration, coverage, and every class."""

from collections.abc import Iterator

from ..tables import TextTable, percent, short
from .evaluate import Evaluation
from .metrics import groups_in, per_class
from .reliability import coverage_table


def scorecard(found: Evaluation) -> list[TextTable]:
    """Everything that `evaluate NAME` prints."""
    rows = [*_cost(found), *_accuracy(found), *_confidence(found)]
    notes = [
        f"Measured on: {found.measured_on}. Expected calibration error over 15 bins of equal width.",
        *found.caveats,
    ]
    return [TextTable(found.card.name, ("figure", "value"), rows, notes), _classes(found)]


def _cost(found: Evaluation) -> Iterator[tuple[str, str]]:
    cost = found.cost
    yield "parameters", f"{cost.parameters:,}"
    yield "multiply-accumulates an image", short(cost.macs)
    yield "weights file", f"{cost.bytes / 1e6:.2f} MB"
    yield "images a second", f"{cost.images_per_second:,.0f} ({cost.machine})"


def _accuracy(found: Evaluation) -> Iterator[tuple[str, str]]:
    figures, (low, high) = found.accuracy, found.interval
    yield "top-1 (95 % interval)", f"{percent(figures['top1'])} ({100 * low:.2f} to {100 * high:.2f})"
    yield "top-2", percent(figures["top2"])
    yield "top-3", percent(figures["top3"])
    if groups := groups_in(found.card.labels):
        yield f"top-1, {' '.join(groups)} merged", percent(figures["merged"])


def _confidence(found: Evaluation) -> Iterator[tuple[str, str]]:
    figures, card = found.accuracy, found.card
    yield "temperature", f"{card.temperature:.4f}"
    yield "negative log-likelihood", f"{figures['nll']:.4f}"
    yield "expected calibration error", f"{figures['ece']:.4f}"
    sure = f"{percent(figures['accuracy_of_sure'])} of {percent(figures['coverage'], 1)}"
    none = "every answer is uncertain"
    yield (
        f"right of those not uncertain (>= {card.uncertain_below:.4f})",
        sure if len(found.sure) else none,
    )
    for each in coverage_table(found.answers):
        yield (
            f"right of the surest {percent(each.share, 0)} (>= {each.threshold:.4f})",
            percent(each.accuracy),
        )


def _classes(found: Evaluation) -> TextTable:
    rows = [
        (
            each.label,
            str(each.images),
            percent(each.recall, 1),
            percent(each.precision, 1),
            each.taken_for,
        )
        for each in sorted(per_class(found.answers), key=lambda one: one.recall)
    ]
    columns = ("class", "images", "recall", "precision", "mostly taken for")
    return TextTable("Every class, worst recall first", columns, rows)
