"""What transfer gains, where that ends, and what it costs, in sentences computed from outcomes."""

from collections.abc import Iterator
from statistics import mean

from ...sets.sources import is_own
from ...tables import percent
from ..rates import ends
from ..statistics import Lead, compared, lead, points, told
from .arms import FROZEN, SCRATCH, STARTS, TUNED, Arm, Arms, Body, trained

NO_WEIGHTS = (
    "No ImageNet weights were given, so ResNet-18 was trained from scratch only. To have its transfer "
    "measured, give torchvision's weights file of ResNet-18 with --weights resnet18-f37072fd.pth."
)

MATTERS = 0.005
"""A gain that is worth the trouble, as a share of the images."""


def findings(found: Arms) -> list[str]:
    """For each network gains, where they end, frozen against fine-tuned, cost; then all together."""
    titles = {body.name: body.title for body in found.bodies}
    return [
        *(sentence for body in found.bodies for sentence in _of_body(found, body)),
        *_left_out(found),
        *_unsure(found),
        *_digits_against_letters(found),
        _at_all_images(found),
        *ends(found.tuned, lambda arm: f"{titles[arm.body]} {arm.way} {_at(arm.amount)}"),
    ]


def _of_body(found: Arms, body: Body) -> Iterator[str]:
    if not body.start:
        yield NO_WEIGHTS
        return
    for way in (TUNED, FROZEN):
        yield _gains(found, body, way)
    yield _end(found, body)
    for amount in dict.fromkeys((body.amounts[0], body.amounts[-1])):
        ahead = lead(found.shares(body, TUNED, amount), found.shares(body, FROZEN, amount))
        yield f"{body.title}, {_at(amount)}: {compared(TUNED, FROZEN, ahead)}."
    yield _cost(found, body)


def _gain(found: Arms, body: Body, way: str, amount: int) -> Lead:
    return lead(found.shares(body, way, amount), found.shares(body, SCRATCH, amount))


def _gains(found: Arms, body: Body, way: str) -> str:
    gains = {amount: _gain(found, body, way, amount) for amount in body.amounts}
    each = ", ".join(
        f"{100 * gain.mean:+.2f} with {amount or 'all'} ({'' if gain.clear else 'not '}clear)"
        for amount, gain in gains.items()
    )
    return f"{body.title}, {way}, against from scratch, in points by images a class: {each}."


def _end(found: Arms, body: Body) -> str:
    """From which amount on transfer gains nothing that matters."""
    gains = {
        amount: _gain(found, body, found.best_start(body, amount), amount) for amount in body.amounts
    }
    matter = [amount for amount, gain in gains.items() if gain.low >= MATTERS]
    least = points(MATTERS)
    if not matter:
        return f"{body.title}: at no amount does transfer surely gain {least} or more."
    if matter[-1] == body.amounts[-1]:
        return f"{body.title}: transfer still gains {points(gains[matter[-1]].mean)} {_at(matter[-1])}."
    after = body.amounts[body.amounts.index(matter[-1]) + 1]
    return (
        f"{body.title}: transfer surely gains {least} or more up to {matter[-1]} images a class; "
        f"{_at(after)} no longer."
    )


def _cost(found: Arms, body: Body) -> str:
    amount = body.amounts[-1]
    arms = {way: found.found[Arm(body.name, way, amount)] for way in (FROZEN, TUNED)}
    seconds = {way: mean(each.seconds for each in outcomes) for way, outcomes in arms.items()}
    heads, all_of_it = (trained(arms[way][0]) for way in (FROZEN, TUNED))
    return (
        f"{body.title}: frozen, {heads:,} of {all_of_it:,} parameters are trained, in "
        f"{percent(seconds[FROZEN] / seconds[TUNED], 0)} of the processor time of fine-tuning."
    )


def _left_out(found: Arms) -> Iterator[str]:
    """Which features are not tried, and why."""
    for name, title in STARTS.items():
        if name not in {body.name for body in found.bodies}:
            yield (
                f"{title}: left out, since it learned this very task, or may have learned images of "
                "this test set."
            )


def _unsure(found: Arms) -> Iterator[str]:
    """Which features may have been learned from the test images, if these are a person's own."""
    titles = [body.title for body in found.bodies if body.name in STARTS]
    if titles and is_own(found.measured_on):
        yield (
            f"Whether {' or '.join(titles)} learned from any of these test images, nobody can tell: "
            "what is said of their features holds only if they did not."
        )


def _digits_against_letters(found: Arms) -> Iterator[str]:
    """How much of the upper bound the fair transfer reaches, where images are fewest."""
    if [*_left_out(found)]:
        return
    bound, fair = found.bodies[0], found.bodies[1]
    amount = bound.amounts[0]
    most, gained = (_gain(found, body, found.best_start(body, amount), amount) for body in (bound, fair))
    if most.low > 0:
        yield (
            f"{_at(amount).capitalize()}, features of digits gain {100 * gained.mean:+.2f} points where "
            f"features of finer labelled letters gain {100 * most.mean:+.2f}: "
            f"{percent(gained.mean / most.mean, 0)} of that."
        )


def _at_all_images(found: Arms) -> str:
    each = []
    for body in found.bodies:
        way = found.best(body, 0)
        outcomes = found.found[Arm(body.name, way, 0)]
        cost = mean(outcome.seconds for outcome in outcomes)
        each.append(f"{body.title} {way} {told(found.shares(body, way, 0))} in {cost:.1f} s")
    return f"With all images, the best of each network on validation: {'; '.join(each)}."


def _at(amount: int) -> str:
    return f"with {amount} images a class" if amount else "with all images"
