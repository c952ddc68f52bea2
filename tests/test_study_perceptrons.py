"""The sweep of fully connected networks in made-up worlds: it finds what is best and says what is so."""

import re

import pytest

from training.study.chapter import Chapter
from training.study.perceptrons.factors import FACTORS, Setting, trial
from training.study.perceptrons.section import perceptrons
from training.study.rounds import FULL, QUICK, Scale, comparing, confirming
from training.study.trials.trial import Trial

from worlds import likes, live

BEST = Setting(256, 2, 3e-3, 64, "gelu", "dropout 0.2")
BEST_NETWORK = trial(BEST, 26, comparing(0.5, FULL), 0).network
ACTIVATIONS = {"relu": 0.2, "gelu": 0.3, "silu": 0.1, "tanh": 0.0, "sigmoid": -0.4}


def additive(one: Trial) -> float:
    """A world in which factors add up and BEST is best."""
    network = one.network
    return (
        1.0
        + 0.2 * likes(network["hidden"][0], BEST.neurons)
        + 0.3 * likes(len(network["hidden"]), BEST.layers)
        + 0.5 * likes(one.learning_rate, BEST.rate)
        + 0.1 * likes(one.batch, BEST.batch)
        + ACTIVATIONS[network["activation"]]
        - abs(network["dropout"] - 0.2)
        - one.weight_decay
        - 0.3 * network["normalized"]
    )


def entangled(one: Trial) -> float:
    """A world in which deep networks want a low rate, and need one."""
    layers = len(one.network["hidden"])
    return additive(one) - 1.5 * (layers > 1) * -likes(one.learning_rate, 3e-4)


def told(odds: object, scale: Scale = FULL, noise: float = 0.01) -> tuple[str, Chapter]:
    _, chapter = live(perceptrons(scale, 26), odds, noise)  # type: ignore[arg-type]
    return "\n".join(chapter.findings), chapter


@pytest.mark.parametrize("scale", [FULL, QUICK, Scale(images=384, seeds=1)])
def test_every_trial_has_a_name_of_its_own(scale: Scale) -> None:
    requests, chapter = live(perceptrons(scale, 26), additive)
    trials = [one for request in requests for one in request]
    assert len({one.key for one in trials}) == len({(one.name, one.seed) for one in trials})
    assert all(one.section == "perceptrons" and one.network["classes"] == 26 for one in trials)
    assert all(request for request in requests)
    assert all(finalist for finalist in chapter.finalists.values())
    for table in chapter.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_screening_tries_25_settings_of_which_none_is_twice() -> None:
    requests, _ = live(perceptrons(FULL, 26), additive)
    assert len({one.name for one in requests[0]}) == 25
    assert len(requests[0]) == 50


def test_the_best_of_15625_is_found_where_factors_add_up() -> None:
    _, chapter = told(additive)
    best, _ = chapter.finalists.values()
    assert len(best) == 5
    expected = trial(BEST, 26, confirming(2.0, FULL), 0)
    assert best[0].trial == expected


def test_the_better_of_two_is_found_where_they_do_not() -> None:
    text, chapter = told(entangled)
    best, _ = chapter.finalists.values()
    network = best[0].trial.network
    assert len(network["hidden"]) == 1 or best[0].trial.learning_rate == 3e-4
    assert "the prediction was" in text


def test_the_array_is_told_by_its_own_seeds_only() -> None:
    """The seeds that are added to its best run for the comparison do not change the table."""
    _, chapter = told(lambda one: additive(one) + 3 * (one.seed == 2))
    (runs,) = [table for table in chapter.tables if table.title == "The runs of the array"]
    assert all(float(row[-1].split()[0]) < 2 for row in runs.rows)


def test_what_matters_most_is_named() -> None:
    text, _ = told(lambda one: -2 * (one.network["activation"] == "tanh"))
    assert "activation matters most: it explains 100.0 %" in text
    assert "tanh worst" in text
    text, _ = told(lambda one: likes(one.batch, 32), noise=0)
    assert "batch size matters most: it explains 100.0 %" in text
    assert "Batch size: over the array 32 is best" in text
    assert "with more of it accuracy falls throughout" in text


@pytest.mark.parametrize(
    ("best", "course"), [(32, "falls"), (512, "rises"), (128, "rises and then falls")]
)
def test_the_way_of_a_factor_is_told(best: int, course: str) -> None:
    text, _ = told(lambda one: likes(one.network["hidden"][0], best), noise=0)
    assert f"Neurons a layer: over the array {best} is best" in text
    assert f"with more of it accuracy {course}" in text
    assert ("an end of what was tried for neurons a layer" in text) == (best != 128)


def test_a_prediction_that_was_a_run_already_is_said_to_be() -> None:
    assert "also the best run of the array" in told(lambda one: 1.0, noise=0)[0]
    text, _ = told(additive)
    assert "also the best run of the array" not in text
    assert "ahead of the best run of the array" in text


def test_a_prediction_is_not_said_to_hold_by_seeds_that_differ_too_much_to_tell() -> None:
    text = told(additive, Scale(100_000, seeds=2), noise=1.5)[0]
    assert "the prediction held" not in text
    assert re.search(r"the prediction was \d+\.\d+ points too (high|low)\.", text)


def test_a_prediction_that_holds_is_said_to_hold() -> None:
    scales = [Scale(images, seeds=3) for images in range(100_000, 150_000, 10_000)]
    texts = [told(additive, scale, noise=0.05)[0] for scale in scales]
    assert sum("the prediction held" in text for text in texts) >= 4  # it is a 95 % interval


@pytest.mark.parametrize(("surprise", "words"), [(1.0, "too low"), (-1.0, "too high")])
def test_a_prediction_that_fails_is_said_to_fail(surprise: float, words: str) -> None:
    best = trial(BEST, 26, comparing(0.5, FULL), 0)
    text, _ = told(lambda one: additive(one) + surprise * (one.name == best.name))
    assert f"points {words}, more than the interval allows" in text


def test_the_factor_that_costs_most_around_the_best_is_named() -> None:
    text, _ = told(additive)
    assert "the wrong learning rate costs most" in text
    assert "batch size matters least" in text
    text, _ = told(lambda one: -0.01 * abs(one.learning_rate - 1e-2) + likes(one.batch, 32), noise=0)
    assert "the wrong batch size costs most" in text


def test_a_neighbour_that_is_better_than_the_centre_is_told_and_taken() -> None:
    def odds(one: Trial) -> float:
        return additive(one) + 2 * (one.network == BEST_NETWORK and one.batch == 512)

    text, chapter = told(odds)
    assert "There, batch size 512 is" in text
    assert "the combination is" in text
    best, _ = chapter.finalists.values()
    assert best[0].trial.batch == 512
    text, _ = told(additive)
    assert "There," not in text
    assert "No change of one factor reads better" in text


def test_an_order_that_longer_training_turns_round_is_told() -> None:
    def odds(one: Trial) -> float:
        return additive(one) - (one.name == f"confirmed: {BEST}")

    text, _ = told(odds)
    assert "On fewer images the runner-up had been ahead." in text
    assert "had been ahead" not in told(additive)[0]


def test_chance_is_not_told_as_a_lead() -> None:
    """All settings are alike: whoever leads does so by noise, and hardly ever clearly."""
    clear = 0
    for images in range(200_000, 200_010):
        text, _ = told(lambda one: 1.0, Scale(images, 3), noise=0.1)
        (line,) = [each for each in text.splitlines() if each.startswith("Against the runner-up")]
        clear += "more than the spread" in line
    assert clear < 4


def test_every_factor_has_a_plot_of_all_its_levels() -> None:
    _, chapter = told(additive)
    assert [plot.name for plot in chapter.plots] == [f"perceptrons-{factor}" for factor in FACTORS]
    for plot, levels in zip(chapter.plots, FACTORS.values(), strict=True):
        (series,) = plot.series
        assert [len(each) for each in series.y] == [3] * 5
        assert list(series.x) == (list(range(5)) if plot.ticks else list(levels))
