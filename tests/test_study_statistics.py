"""Intervals over seeds, and the words for them."""

from math import isnan

import pytest

from training.study.statistics import compared, interval, lead, quantile, told


def test_the_interval_of_three_seeds_is_students() -> None:
    assert interval([0.1, 0.2, 0.3]) == pytest.approx((0.2, 0.2 - 0.2484, 0.2 + 0.2484), abs=1e-4)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    middle, low, high = interval([0.9])
    assert middle == 0.9
    assert isnan(low)
    assert isnan(high)
    assert told([0.9]) == "90.00 %"


def test_an_interval_that_tells_nothing_is_left_out() -> None:
    """Two seeds that differ by 22 points: half the interval would be 139 points."""
    assert told([0.388, 0.608]) == "49.80 %"
    assert told([0.70, 0.80]) == "75.00 %"
    assert told([0.998, 1.0]) == "99.90 % ± 1.27"


def test_the_ends_of_a_lead_are_within_what_shares_can_differ_by() -> None:
    assert compared("A", "B", lead([0.9, 0.1], [0.2, 0.6])).endswith("(95 % interval -100.00 to 100.00)")


def test_quantiles_fall_with_the_seeds_and_stay_above_the_normal_one() -> None:
    every = [quantile(degrees) for degrees in range(1, 40)]
    assert every == sorted(every, reverse=True)
    assert min(every) > 1.96
    assert isnan(quantile(0))


def test_a_lead_beyond_the_spread_is_clear_in_either_direction() -> None:
    above, below = [0.90, 0.91, 0.92], [0.80, 0.81, 0.82]
    assert lead(above, below).clear
    assert lead(below, above).clear
    assert lead(above, below).mean == pytest.approx(0.1)
    assert lead(above, below).low == pytest.approx(0.1 - 2.776 * 0.01 * (2 / 3) ** 0.5)


def test_a_lead_within_the_spread_is_not_clear() -> None:
    assert not lead([0.90, 0.80, 0.85], [0.89, 0.79, 0.84]).clear
    assert not lead([0.9], [0.1]).clear


def test_seeds_of_one_side_suffice_for_a_spread() -> None:
    assert lead([0.9], [0.80, 0.81, 0.82]).clear


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([0.90, 0.91], [0.80, 0.81], "A is 10.00 points ahead of B, more than the spread"),
        ([0.80, 0.81], [0.90, 0.91], "B is 10.00 points ahead of A, more than the spread"),
        ([0.80, 0.90], [0.79, 0.91], "A and B are level"),
        ([0.80, 0.90], [0.70, 0.98], "A is 1.00 points ahead of B, which may be the spread"),
        ([0.9], [0.8], "A is 10.00 points ahead of B, by one seed each"),
    ],
)
def test_words_follow_the_figures(first: list[float], second: list[float], words: str) -> None:
    assert compared("A", "B", lead(first, second)).startswith(words)


def test_the_interval_in_words_is_of_whoever_is_ahead() -> None:
    ends = "(95 % interval 6.96 to 13.04)"
    assert compared("A", "B", lead([0.90, 0.91], [0.80, 0.81])).endswith(ends)
    assert compared("A", "B", lead([0.80, 0.81], [0.90, 0.91])).endswith(ends)
