"""The orthogonal array, and what is read from it."""

from itertools import combinations, product

import pytest

from training.study.perceptrons.design import log_odds, main_effects, orthogonal_array

from worlds import share


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_any_two_columns_hold_every_pair_of_levels_once(levels: int) -> None:
    columns = list(zip(*orthogonal_array(levels), strict=True))
    assert len(columns) == levels + 1
    for one, other in combinations(columns, 2):
        assert sorted(zip(one, other, strict=True)) == list(product(range(levels), repeat=2))


def additive(run: tuple[int, ...]) -> float:
    """Odds to which the third factor adds most, the first nothing."""
    return 0.2 * run[1] - 0.5 * run[2] + 0.1 * (run[3] == 2)


def test_effects_that_add_up_are_found_and_predicted() -> None:
    runs = orthogonal_array(5)
    effects = main_effects([range(5)] * 6, {run: [share(additive(run))] * 2 for run in runs})
    assert effects.noise == 0
    assert sum(effects.shares) == pytest.approx(1)
    assert effects.shares[2] > effects.shares[1] > effects.shares[3] > 0
    assert effects.shares[0] == pytest.approx(0)
    assert effects.best()[1:4] == [4, 0, 2]
    for run in product((0, 4), repeat=6):
        assert log_odds(effects.predict(run)) == pytest.approx(additive(run))


def test_a_level_is_told_as_the_share_of_its_mean_odds() -> None:
    effects = main_effects([range(5)] * 6, {run: [share(additive(run))] for run in orthogonal_array(5)})
    steps = [log_odds(effects.levels[2][level]) for level in range(5)]
    assert [steps[0] - each for each in steps] == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_what_only_seeds_explain_is_noise() -> None:
    effects = main_effects([range(5)] * 6, {run: [0.4, 0.6] for run in orthogonal_array(5)})
    assert effects.noise == pytest.approx(1)
    assert effects.shares == pytest.approx([0] * 6)


def test_shares_of_seeds_and_factors_are_all_there_is() -> None:
    runs = orthogonal_array(5)
    effects = main_effects(
        [range(5)] * 6, {run: [share(additive(run)), share(additive(run) + 0.7)] for run in runs}
    )
    assert 0 < effects.noise < 1
    assert sum(effects.shares) + effects.noise == pytest.approx(1)


def test_all_or_nothing_has_odds_too() -> None:
    effects = main_effects([range(5)] * 6, {run: [float(run[0] > 2)] for run in orthogonal_array(5)})
    assert effects.best()[0] in (3, 4)
    assert 0 < effects.average < 1
