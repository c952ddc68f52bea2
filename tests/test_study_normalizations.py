"""The comparison of norms in made-up worlds."""

from collections.abc import Callable
from math import sqrt

import pytest

from training.study.chapter import Chapter
from training.study.normalizations.section import normalizations
from training.study.rounds import FULL, QUICK, Scale
from training.study.trials.trial import Trial

from worlds import likes, live

RATE = 1e-2


def rooted(one: Trial) -> float:
    """What every world here has: a best rate that goes with the root of the batch."""
    return 2 + likes(one.learning_rate, RATE * sqrt(one.batch / 32))


def groups_for_few(one: Trial) -> float:
    """BatchNorm suffers from small batches, and is otherwise a little better."""
    shift = {"batch": 0.2 - 2 / one.batch, "group": 0.0, "none": -0.5}
    return rooted(one) + shift[one.network["norm"]]


def the_other_way(one: Trial) -> float:
    """GroupNorm suffers from small batches."""
    shift = {"group": 0.2 - 2 / one.batch, "batch": 0.0, "none": -0.5}
    return rooted(one) + shift[one.network["norm"]]


def told(odds: Callable[[Trial], float], noise: float = 0.01) -> tuple[str, Chapter]:
    _, chapter = live(normalizations(FULL, 26), odds, noise)
    return "\n".join(chapter.findings), chapter


@pytest.mark.parametrize("scale", [FULL, QUICK, Scale(images=384, seeds=1)])
def test_every_trial_is_asked_once_named_once_and_shown_as_much(scale: Scale) -> None:
    requests, chapter = live(normalizations(scale, 26), groups_for_few)
    trials = [one for request in requests for one in request]
    assert len({one.key for one in trials}) == len(trials)
    assert len({(one.name, one.seed) for one in trials}) == len(trials)
    assert len({one.images for one in trials}) == 1
    assert all(one.images % one.batch == 0 for one in trials)
    assert not chapter.finalists
    for table in chapter.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_the_best_rate_is_found_for_every_norm_and_batch() -> None:
    *_, last = live(normalizations(FULL, 26), groups_for_few)[0]
    for one in last:
        assert one.learning_rate == pytest.approx(RATE * sqrt(one.batch / 32), rel=0.05)


def test_the_seed_that_tunes_is_not_told() -> None:
    *tuning, last = live(normalizations(FULL, 26), groups_for_few)[0]
    assert {one.seed for request in tuning for one in request} == {3}
    assert {one.seed for one in last} == {0, 1, 2}


@pytest.mark.parametrize("direction", [1, -1])
def test_a_ladder_goes_on_beyond_its_end_twice(direction: int) -> None:
    asked, chapter = live(
        normalizations(FULL, 26), lambda one: direction * likes(one.learning_rate, 1e9) / 10
    )
    assert [len(each) for each in asked] == [60, 15, 15, 45]
    rates = {one.batch: one.learning_rate for one in asked[-1]}
    assert rates[32] == (0.32 if direction > 0 else 1e-4)
    assert "Still best at an end of the rates that were tried: BatchNorm at 2," in chapter.findings[-1]


def test_a_ladder_with_its_best_inside_does_not_go_on() -> None:
    requests, chapter = live(normalizations(FULL, 26), groups_for_few)
    assert [len(each) for each in requests] == [60, 45]
    assert not any("Still best at an end" in each for each in chapter.findings)


@pytest.mark.parametrize(
    ("odds", "few", "many"),
    [(groups_for_few, "GroupNorm", "BatchNorm"), (the_other_way, "BatchNorm", "GroupNorm")],
)
def test_who_is_ahead_where_is_told(odds: Callable[[Trial], float], few: str, many: str) -> None:
    text, _ = told(odds)
    assert (
        f"{few} at 2, 8; {many} at 32, 128, 512" in text
        or f"{many} at 32, 128, 512; {few} at 2, 8" in text
    )
    assert f"At batch size 2, {few} is " in text
    assert f"At batch size 512, {many} is " in text
    assert f"{few} depends less on the batch size" in text


@pytest.mark.parametrize(("best", "worst"), [(512, 2), (2, 512)])
def test_the_batch_at_which_a_norm_reads_best_is_told(best: int, worst: int) -> None:
    text, _ = told(lambda one: rooted(one) + 0.3 * likes(one.batch, best))
    assert f"GroupNorm reads best at batch size {best} (" in text
    assert f"worst at {worst} (" in text


def test_norms_that_are_alike_are_not_told_apart() -> None:
    text, _ = told(rooted, noise=0.1)
    (line, *_) = text.splitlines()
    assert "neither at" in line
    assert line.count("Norm") < 2


def test_the_power_of_the_best_rates_is_told() -> None:
    assert "to the power of 0.50" in told(groups_for_few)[0]
    flat, _ = told(lambda one: likes(one.learning_rate, 4e-3))
    assert "to the power of 0.50" not in flat


@pytest.mark.parametrize(("shift", "sign"), [(-1.0, "+"), (1.0, "-")])
def test_what_no_norm_costs_is_told(shift: float, sign: str) -> None:
    text, _ = told(lambda one: rooted(one) + shift * (one.network["norm"] == "none"))
    (line,) = [each for each in text.splitlines() if each.startswith("The better norm against none")]
    assert line.count(f"{sign}") == 5
    assert line.count("(clear)") == 5


def test_curves_are_told_for_the_smallest_and_the_largest_batch() -> None:
    _, chapter = told(groups_for_few)
    names = [plot.name for plot in chapter.plots]
    assert names[:3] == ["normalizations-batch", "normalizations-curve-2", "normalizations-curve-512"]
    assert names[3:] == [f"normalizations-rate-{batch}" for batch in (2, 8, 32, 128, 512)]
    for series in chapter.plots[1].series:
        assert [len(each) for each in series.y] == [3] * 8
        assert series.x[-1] == 512 * round(FULL.images / 5 / 512)
