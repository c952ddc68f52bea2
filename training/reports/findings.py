"""What the figures say, in sentences that are all computed from them."""

from collections.abc import Iterator
from math import hypot, sqrt

from ..measures.calibration import RELIABLE
from ..measures.evaluate import Evaluation
from ..measures.metrics import confused_pairs, groups_in, per_class
from ..measures.significance import Duel, wilson
from ..tables import percent


def findings(found: Evaluation, validation: Evaluation | None) -> list[str]:
    """The sentences at the head of a report."""
    return [
        *_overall(found),
        *_classes(found),
        *_pairs(found),
        *_confidence(found),
        *(_chosen(found, validation) if validation else ()),
        *found.caveats,
    ]


def _overall(found: Evaluation) -> Iterator[str]:
    figures, (low, high) = found.accuracy, found.interval
    wrong = int((~found.answers.right).sum())
    yield (
        f"{percent(figures['top1'])} of {len(found.answers):,} images are read right (95 % interval "
        f"{percent(low)} to {percent(high)}); {wrong:,} are not. The right character is among the "
        f"first two guesses for {percent(figures['top2'])}, among the first three for "
        f"{percent(figures['top3'])}."
    )
    groups = groups_in(found.card.labels)
    if groups and wrong:
        among = (figures["merged"] - figures["top1"]) * len(found.answers) / wrong
        yield (
            f"{percent(among, 0)} of the mistakes are among look-alikes ({', '.join(groups)}); "
            f"taken as one character each, {percent(figures['merged'])} are right."
        )


def _classes(found: Evaluation) -> Iterator[str]:
    seen = [each for each in per_class(found.answers) if each.images]
    ordered = sorted(seen, key=lambda each: each.recall)
    missed = [f"{each.label} ({percent(each.recall, 1)})" for each in ordered[:5] if each.recall < 1]
    hardest = f"Hardest to read: {', '.join(missed)}. " if missed else ""
    good = sum(each.recall >= RELIABLE for each in ordered)
    yield (
        f"{hardest}{good} of {len(ordered)} characters are read right "
        f"{percent(RELIABLE, 0)} of the time or more."
    )


def _pairs(found: Evaluation) -> Iterator[str]:
    pairs, wrong = confused_pairs(found.answers), int((~found.answers.right).sum())
    if not pairs:
        return
    first, share = pairs[0], sum(each.mistakes for each in pairs) / wrong
    others = f"; the worst {len(pairs)} pairs make up {percent(share, 0)}" if len(pairs) > 1 else ""
    yield (
        f"Most confused: {first.first} and {first.second}, {percent(first.mistakes / wrong, 0)} of "
        f"all mistakes ({first.mistakes}){others}."
    )


def _confidence(found: Evaluation) -> Iterator[str]:
    sure, right = float(found.answers.confidence.mean()), found.accuracy["top1"]
    way = "above" if sure > right else "below"
    yield (
        f"Confidence is {percent(sure, 1)} on average, {100 * abs(sure - right):.1f} points {way} "
        f"the share that is right; the expected calibration error is {found.accuracy['ece']:.4f}."
    )
    kept = found.sure
    if not len(kept):
        yield "Every answer is flagged uncertain."
        return
    low, high = (float(each) for each in wilson(kept.sum(), len(kept)))
    place = "above" if low > RELIABLE else "below" if high < RELIABLE else "on either side of"
    yield (
        f"{percent(len(kept) / len(found.answers), 1)} of the answers are not flagged uncertain, and "
        f"{percent(kept.mean())} of these are right; the 95 % interval, {percent(low)} to "
        f"{percent(high)}, lies {place} the {percent(RELIABLE, 0)} that are aimed at."
    )


def _chosen(found: Evaluation, validation: Evaluation) -> Iterator[str]:
    test, other = found.accuracy["top1"], validation.accuracy["top1"]
    sides = ((test, len(found.answers)), (other, len(validation.answers)))
    error = hypot(*(sqrt(share * (1 - share) / count) for share, count in sides))
    way = "more" if other > test else "less"
    apart = f" ({abs(test - other) / error:.1f} standard errors)" if error else ""
    kept = validation.sure
    sure = f"; of those not flagged uncertain, {percent(kept.mean())} are" if len(kept) else ""
    yield (
        f"On the {len(validation.answers):,} validation images, on which temperature and threshold "
        f"were chosen, {percent(other)} are right, {100 * abs(other - test):.2f} points {way} than "
        f"on the test set{apart}{sure}."
    )


def verdict(name: str, other: str, duel: Duel) -> str:
    """A sentence that compares two networks on the same images."""
    clear = "more than chance explains" if duel.p < 0.05 else "which may well be chance"
    return (
        f"Of the same images, {duel.only_first:,} are read right by {name} alone and "
        f"{duel.only_second:,} by {other} alone, {clear} (exact McNemar test, p = {duel.p:.2g})."
    )
