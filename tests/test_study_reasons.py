"""Why pairs are confused: each rule speaks where the evidence is for it, and not where it is against."""

from dataclasses import replace

import numpy as np
import pytest

from model.drawn import glyph
from model.engines.opening import open_predictor
from training.measures.answers import Answers
from training.measures.metrics import Pair, confused_pairs
from training.sets.data import Set
from training.study.report.evidence import evidence, neighbours
from training.study.report.reasons import Cases, Evidence, reason

MIXED = Evidence(
    Pair("G", "Q", 40),
    forth=22,
    back=18,
    confidence=0.6,
    second=0.7,
    uncertain_below=0.76,
    neighbours=0.01,
    rank=40,
    pairs=325,
)


def test_which_way_is_said_only_where_chance_does_not_explain_it() -> None:
    assert "Both ways: 22 times G is read as Q, 18 times Q as G." in reason(MIXED)
    back = reason(replace(MIXED, forth=8, back=32))
    assert "Mostly one way: 32 of 40 are Q read as G." in back
    assert "Both ways" in reason(replace(MIXED, forth=3, back=1)), "three of four may be chance"


@pytest.mark.parametrize(
    ("confidence", "second", "told"),
    [
        (0.6, 0.95, "ambiguous"),
        (0.6, 0.7, "is unsure (median confidence 60 %); its second guess"),
        (0.9, 0.95, "is sure of most (median confidence 90 %)"),
        (0.9, 0.3, "Odd images"),
        (0.6, 0.3, "Odd images"),
    ],
)
def test_how_sure_it_is_tells_ambiguous_ink_from_odd_images(
    confidence: float, second: float, told: str
) -> None:
    assert told in reason(replace(MIXED, confidence=confidence, second=second))


def test_likeness_goes_by_the_rank_among_all_pairs() -> None:
    assert "shapes" not in reason(MIXED), "neither alike nor unlike"
    assert "The shapes are alike: 20.0 %" in reason(replace(MIXED, neighbours=0.2, rank=2))
    assert "seldom alike" in reason(replace(MIXED, rank=200))
    assert "not alike: of 200 training images of each, none" in reason(
        replace(MIXED, neighbours=0.0, rank=300)
    )


def test_a_case_is_named_where_it_is_not_just_as_frequent_as_usual() -> None:
    def told(small: int, usual: float) -> str:
        return reason(replace(MIXED, cases=[Cases("G", 20, small, usual)]))

    assert "Of the mistaken G 19 of 20 are small letters, of all 50 %." in told(19, 0.5)
    assert "Of the mistaken G 18 of 20 are capital letters, of all 50 %." in told(2, 0.5)
    assert "Of the mistaken G" not in told(11, 0.5)
    assert "Of the mistaken G" not in told(19, 0.95)


def test_a_digit_is_named_where_many_are_taken_for_it() -> None:
    assert "takes 30 of the 40 images for a 9" in reason(replace(MIXED, digits=[("9", 30), ("2", 1)]))
    assert "digits" not in reason(replace(MIXED, digits=[("9", 3)]))


def drawn(letters: str, rng: np.random.Generator) -> Set:
    """A drawing of each character, labelled by its place among the capitals G and Q."""
    images = np.stack([glyph(each, rng) for each in letters])
    return Set(images, np.array(["GQ".index(each.upper()) for each in letters], np.uint8))


def test_neighbours_are_counted_on_images() -> None:
    rng = np.random.default_rng(0)
    one, two = (rng.integers(0, 2, (20, 28, 28), np.uint8) * 255 for _ in range(2))
    apart = np.concatenate([one[:1].repeat(20, 0), two[:1].repeat(20, 0)])
    labels = np.repeat(np.array([0, 1], np.uint8), 20)
    np.testing.assert_array_equal(neighbours(Set(apart, labels), 3), np.diag([2 / 2, 2 / 2, 0]) * 1.0)
    mixed = np.concatenate([one, one])  # every image has its twin in the other class
    assert neighbours(Set(mixed, labels), 3)[0, 1] == 1.0


def test_evidence_is_measured_on_the_images_of_the_mistakes() -> None:
    rng = np.random.default_rng(0)
    test = drawn("GGGGggggQQqq", rng)
    read = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1])
    rows = np.full((12, 2), 0.3, np.float32)
    rows[np.arange(12), read] = 0.7
    answers = Answers(rows, test.labels, "GQ")
    near = np.array([[0.9, 0.25], [0.25, 0.9]], np.float32)
    (pair,), other = confused_pairs(answers), open_predictor("balanced", threads=1)
    found = evidence(pair, answers, 0.8, test.images, near, other)
    assert (found.forth, found.back) == (3, 1)
    assert found.confidence == pytest.approx(0.7)
    assert (found.second, found.neighbours, found.rank, found.pairs) == (1.0, 0.25, 1, 1)
    (g,) = [each for each in found.cases if each.letter == "G"]
    assert g.images == 3
    assert g.small / g.images > g.usual, "the mistaken ones are small"
    alone = evidence(pair, answers, 0.8, test.images, near, None)
    assert not alone.cases
    assert not alone.digits
