"""The comparison of convolutional networks in made-up worlds."""

from collections.abc import Callable

import pytest

from training.study.convolutions.section import convolutions
from training.study.rounds import FULL, QUICK, Scale
from training.study.trials.trial import Trial

from worlds import likes, live


def told(odds: Callable[[Trial], float], noise: float = 0.01) -> str:
    return "\n".join(live(convolutions(FULL, 26), odds, noise)[1].findings)


def layers(one: Trial) -> int:
    return len(one.network["widths"])


@pytest.mark.parametrize("scale", [FULL, QUICK, Scale(images=384, seeds=1)])
def test_every_trial_is_asked_once_and_named_once(scale: Scale) -> None:
    requests, chapter = live(convolutions(scale, 26), layers)
    trials = [one for request in requests for one in request]
    assert len({one.key for one in trials}) == len(trials)
    assert len({(one.name, one.seed) for one in trials}) == len(trials)
    assert all(one.section == "convolutions" and one.network["classes"] == 26 for one in trials)
    assert len(chapter.finalists) == 3
    for request in requests:
        assert len({(one.images, one.batch) for one in request}) == 1
    for table in chapter.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize(("sign", "verb", "best"), [(1, "brings", 3), (-1, "costs", 1)])
def test_what_a_layer_brings_is_told(sign: int, verb: str, best: int) -> None:
    text = told(lambda one: sign * layers(one))
    assert f"At equal width, layer 2 {verb}" in text
    assert f"At equal width, layer 3 {verb}" in text
    assert "3 of these 3 differences are more than the spread" in text
    assert f"Best, confirmed over 5 seeds on {FULL.images // 2:,} images each: {best} layer" in text


def test_layers_that_bring_nothing_are_not_said_to() -> None:
    text = told(lambda one: 1.0, noise=0.1)
    assert "3 of these 3" not in text


@pytest.mark.parametrize(("sign", "first"), [(1, "2 layers"), (-1, "1 layer of")])
def test_depth_is_compared_at_about_equal_cost(sign: int, first: str) -> None:
    lines = told(lambda one: sign * layers(one)).splitlines()
    (line, other) = [each for each in lines if each.startswith("At about equal cost")]
    assert line.split("multiply-accumulates), ")[1].startswith(first)
    assert "(303 k and 389 k" in line
    assert "(5.35 M and 5.57 M" in other


@pytest.mark.parametrize(("sign", "first"), [(1, "+"), (-1, "-")])
def test_what_a_kernel_brings_and_costs_is_told(sign: int, first: str) -> None:
    text = told(lambda one: sign * one.network["kernel"] / 2)
    assert f"Kernel 7 instead of 3 brings {first}" in text
    assert "for 3.6, 5.3, 5.4 times the multiply-accumulates" in text


def test_the_cheapest_that_is_as_good_is_named() -> None:
    text = told(lambda one: (layers(one) > 1) + 0.01 * layers(one) + 0.1 * one.seed, noise=0)
    assert "The best for its cost is 2 layers of 8-16, kernel 3" in text
    text = told(lambda one: sum(one.network["widths"]) * (one.network["kernel"] == 3) / 9)
    assert "Every cheaper network is behind the best (3 layers of 32-64-128, kernel 3)" in text


def test_networks_that_no_cheaper_one_beats_are_named() -> None:
    text = told(lambda one: -layers(one), noise=0)
    (line,) = [each for each in text.splitlines() if each.startswith("No cheaper network")]
    assert line.count("kernel") == 1
    assert "1 layer of 8, kernel 3 (97.2 k, 26.89 %)" in line
    text = told(layers)
    (line,) = [each for each in text.splitlines() if each.startswith("No cheaper network")]
    assert "3 layers of 8-16-32, kernel 3" in line


def test_a_better_rate_is_told_and_used_for_its_depth_only() -> None:
    def odds(one: Trial) -> float:
        return likes(one.learning_rate, 2e-3 if layers(one) == 2 else 6e-3)

    _, chapter = live(convolutions(FULL, 26), odds)
    rates = {
        layers(those[0].trial): those[0].trial.learning_rate for those in chapter.finalists.values()
    }
    assert rates == {1: 6e-3, 2: 2e-3, 3: 6e-3}
    assert "clearly better where it was checked (0.002 at depth 2)" in "\n".join(chapter.findings)
    assert "No rate that was checked is clearly better than 0.006" in told(layers, noise=0)


def test_plots_hold_every_size() -> None:
    _, chapter = live(convolutions(FULL, 26), layers)
    macs, depth, kernel = chapter.plots
    assert sum(len(series.x) for series in macs.series) == 15
    assert [len(series.y) for series in depth.series] == [3, 3, 3]
    assert [list(series.x) for series in kernel.series] == [[3, 5, 7]] * 3
