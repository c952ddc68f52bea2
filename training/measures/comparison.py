"""Every shipped network and every finished run in one table, each on the test set of its task."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from model.card import BadCard, card_paths, weights_folder

from ..sets.data import BadData
from ..sets.own import OwnTest, read_test
from ..sets.tasks import task_of
from ..tables import TextTable, percent, short
from .evaluate import Evaluation, evaluate, open_network

COLUMNS = (
    "network",
    "from",
    "parameters",
    "MACs",
    "top-1 %",
    "top-2 %",
    "top-3 %",
    "ECE",
    "not uncertain",
    "images/s",
)


@dataclass(frozen=True)
class Contender:
    """A network by name and origin ("shipped" or "runs"), and the checkpoints of all its seeds."""

    name: str
    origin: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Result:
    """What was measured of a contender: an evaluation for each seed, or the reason why there is none."""

    contender: Contender
    seeds: tuple[Evaluation, ...] = ()
    reason: str = ""


def contenders(runs: Path) -> list[Contender]:
    """The shipped networks, then the finished runs by name, whatever their seed."""
    shipped = [Contender(path.stem, "shipped", (path,)) for path in card_paths(weights_folder())]
    seeds: dict[str, list[Path]] = defaultdict(list)
    for weights in sorted(runs.glob("*/*.safetensors")):
        seeds[weights.stem].append(weights)
    return shipped + [Contender(name, "runs", tuple(files)) for name, files in seeds.items()]


def compare(
    those: Sequence[Contender],
    data: Path,
    drawn: bool,
    tell: Callable[[str], None],
    threads: int = 0,
) -> list[Result]:
    """Measure each of `those`, calling `tell` at each step; what cannot be measured gets a reason."""
    results = []
    for number, contender in enumerate(those, 1):
        tell(
            f"{number}/{len(those)} {contender.name} ({contender.origin}, seeds: {len(contender.files)})"
        )
        try:
            seeds = tuple(measure(str(path), data, drawn, threads=threads) for path in contender.files)
            results.append(Result(contender, seeds))
        except (BadCard, BadData) as error:
            results.append(Result(contender, reason=str(error)))
    return results


def measure(
    name: str,
    data: Path,
    drawn: bool = False,
    runs: Path = Path(),
    threads: int = 0,
    own: OwnTest | None = None,
) -> Evaluation:
    """Evaluate the network meant by `name` on the test set of its task, or on a person's `own` images.

    Raises BadCard, BadData.
    """
    predictor, weights = open_network(name, runs, threads)
    return evaluate(predictor, weights, *read_test(task_of(predictor.card), data, drawn, own))


def table(results: Sequence[Result]) -> TextTable:
    """A row for each result; the notes say what could not be measured, and what the figures are."""
    measured = [each for each in results if each.seeds]
    notes = reasons(results)
    sets = dict.fromkeys(each.seeds[0].measured_on for each in measured)
    machines = dict.fromkeys(each.seeds[0].cost.machine for each in measured)
    notes += [f"Test set: {each}." for each in sets] + [f"Images a second: {each}." for each in machines]
    notes += dict.fromkeys(said for each in measured for one in each.seeds for said in one.caveats)
    notes.append(
        "In brackets the 95 % interval of top-1 (Wilson), or mean ± standard deviation over seeds. "
        "MACs: multiply-accumulates an image. ECE: expected calibration error, 15 bins. Not uncertain: "
        "the share of answers without that flag, and how many of these are right."
    )
    return TextTable("Networks", COLUMNS, [_row(each) for each in measured], notes)


def reasons(results: Sequence[Result]) -> list[str]:
    """A sentence for each reason why networks were not measured, with their names."""
    names: dict[str, list[str]] = defaultdict(list)
    for each in results:
        if each.reason:
            names[each.reason].append(each.contender.name)
    return [f"Not measured: {', '.join(those)}: {reason}" for reason, those in names.items()]


def _row(result: Result) -> tuple[str, ...]:
    first, figures = result.seeds[0], averages(result.seeds)
    right = percent(figures["accuracy_of_sure"]) if figures["coverage"] else "-"
    return (
        result.contender.name,
        result.contender.origin,
        f"{first.cost.parameters:,}",
        short(mean(each.cost.macs for each in result.seeds)),
        _top1(result.seeds),
        f"{100 * figures['top2']:.2f}",
        f"{100 * figures['top3']:.2f}",
        f"{figures['ece']:.4f}",
        f"{percent(figures['coverage'], 1)}: {right}",
        f"{mean(each.cost.images_per_second for each in result.seeds):,.0f}",
    )


def averages(seeds: Sequence[Evaluation]) -> dict[str, float]:
    """The figures of a card, each the mean over seeds; `accuracy_of_sure` over those ever sure."""
    every = [each.accuracy for each in seeds]
    ever = [figures for figures in every if figures["coverage"]] or every
    of = {"accuracy_of_sure": ever}
    return {name: mean(figures[name] for figures in of.get(name, every)) for name in every[0]}


def _top1(seeds: Sequence[Evaluation]) -> str:
    values = [100 * each.accuracy["top1"] for each in seeds]
    if len(values) > 1:
        return f"{mean(values):.2f} ± {stdev(values):.2f} ({len(values)} seeds)"
    low, high = seeds[0].interval
    return f"{values[0]:.2f} ({100 * low:.2f}-{100 * high:.2f})"


def records(results: Sequence[Result]) -> list[dict[str, object]]:
    """All results for a JSON file, every seed by itself."""
    return [
        {
            "name": each.contender.name,
            "from": each.contender.origin,
            "reason": each.reason,
            "seeds": [record(one) for one in each.seeds],
        }
        for each in results
    ]


def record(found: Evaluation) -> dict[str, object]:
    """One network for a JSON file."""
    return {
        "name": found.card.name,
        "measured_on": found.measured_on,
        "images": len(found.answers),
        **found.accuracy,
        "top1_interval": found.interval,
        **vars(found.cost),
    }
