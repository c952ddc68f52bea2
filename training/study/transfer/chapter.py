"""The chapter on transfer: for each network a table and a plot by the amount of images learned from."""

from collections.abc import Sequence
from statistics import mean

from ...tables import TextTable
from ..chapter import Chapter, Plot, Series
from ..statistics import told
from ..trials.trial import Outcome
from .arms import Arm, Arms, Body, trained
from .findings import findings

INTRODUCTION = (
    "A network whose features were learned on another task is given a new last layer, and either only"
    " that is trained (frozen) or everything is (fine-tuned); beside it the same network is trained "
    "from scratch. All arms of a network are shown equally many images, however few different ones "
    "these are drawn from: the first of each class, the same for every seed. The learning rate of "
    "each arm is tuned at each amount, by a seed that is in no other figure, on a ladder of steps of "
    "three that goes on where the best is at its end. The 47-class network learned this project's own"
    " letters, with finer labels: on those its figures are an upper bound, and no transfer to "
    "letters it never saw. The digits network learned MNIST: another alphabet than letters, drawn by "
    "other rules; for letters it is the fair test of transfer. ResNet-18 learned photographs of "
    "ImageNet; a glyph is framed to 32x32, repeated to three colours and scaled as its photographs "
    "were."
)


def tell(found: Arms) -> Chapter:
    """The chapter; the best arm of each network at all images goes to the test set."""
    finalists: dict[str, Sequence[Outcome]] = {}
    for body in found.bodies:
        way = found.best(body, 0)
        finalists[f"{body.title}, {way}"] = found.found[Arm(body.name, way, 0)]
    return Chapter(
        title="Transfer from other tasks",
        introduction=INTRODUCTION,
        findings=findings(found),
        tables=[_table(found, body) for body in found.bodies],
        plots=[_plot(found, body) for body in found.bodies if len(body.amounts) > 1],
        finalists=finalists,
    )


def _table(found: Arms, body: Body) -> TextTable:
    columns = (
        "arm",
        "images a class",
        "rate",
        "validation accuracy",
        "parameters trained",
        "processor s",
    )
    rows = [
        (
            way,
            amount_name(amount),
            f"{found.found[arm][0].trial.learning_rate:g}",
            told(found.shares(body, way, amount)),
            f"{trained(found.found[arm][0]):,}",
            f"{mean(each.seconds for each in found.found[arm]):.1f}",
        )
        for way in body.ways
        for amount in body.amounts
        for arm in [Arm(body.name, way, amount)]
    ]
    return TextTable(f"{body.title}, {body.images:,} images shown to each", columns, rows)


def _plot(found: Arms, body: Body) -> Plot:
    places = range(len(body.amounts))
    series = [
        Series(way, places, [found.shares(body, way, amount) for amount in body.amounts])
        for way in body.ways
    ]
    caption = f"{body.title}: accuracy by images a class to learn from, at {body.images:,} shown."
    name, ticks = f"transfer-{body.name.replace('/', '-')}", [*map(amount_name, body.amounts)]
    return Plot(name, caption, "images a class", series, ticks=ticks)


def amount_name(amount: int) -> str:
    """0 is all."""
    return str(amount) if amount else "all"
