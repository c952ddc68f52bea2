"""Photographs of glyphs: dark on light, in other sizes and pens, and still the character."""

import cv2
import numpy as np
import pytest

from model.drawn import glyph
from model.files.images import Grey
from model.ink.mask import stroke_width
from training.photograph import GREATEST_SIDE, LEAST_SIDE, enlarge, on_paper, with_pen


@pytest.fixture
def ink(rng: np.random.Generator) -> Grey:
    """A character 120 pixels a side, bright on black."""
    return glyph("R", rng, 120)


def photograph(drawn: Grey, rng: np.random.Generator) -> Grey:
    return on_paper(with_pen(enlarge(drawn, rng), rng), rng)


def test_a_photograph_is_dark_on_light_and_never_twice_the_same(rng: np.random.Generator) -> None:
    drawn = glyph("A", rng)
    before = drawn.copy()
    photos = [photograph(drawn, rng) for _ in range(40)]
    assert np.array_equal(drawn, before)
    sides = {len(photo) for photo in photos}
    assert LEAST_SIDE <= min(sides) < 60 < 110 < max(sides) <= GREATEST_SIDE
    assert all(photo.dtype == np.uint8 and photo.shape == (len(photo),) * 2 for photo in photos)
    assert all(np.median(photo) > photo.min() + 40 for photo in photos)
    assert len({photo.tobytes() for photo in photos}) == len(photos)


def test_the_same_generator_photographs_alike(rng: np.random.Generator) -> None:
    drawn = glyph("e", rng)
    one, other = (photograph(drawn, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, other)


def test_pens_grow_and_shrink_but_few_lines_break(ink: Grey, rng: np.random.Generator) -> None:
    written = [with_pen(ink, rng) for _ in range(40)]
    widths = [stroke_width(np.where(each > 127, np.uint8(255), np.uint8(0))) for each in written]
    assert min(widths) < 0.7 * stroke_width(ink)
    assert max(widths) > 1.4 * stroke_width(ink)
    broken = [
        cv2.connectedComponents(np.where(each > 40, np.uint8(255), np.uint8(0)))[0] > 2
        for each in written
    ]
    assert np.mean(broken) < 0.2


def test_a_pen_is_no_wider_where_the_line_was(rng: np.random.Generator) -> None:
    ring = np.zeros((120, 120), np.uint8)
    thin, thick = (cv2.circle(ring.copy(), (60, 60), 35, 255, width) for width in (6, 20))
    for seed in range(10):
        one, other = (with_pen(each, np.random.default_rng(seed)) for each in (thin, thick))
        assert abs(stroke_width(one) - stroke_width(other)) < 3


def test_hands_turn_and_stretch_but_keep_all_ink_inside(rng: np.random.Generator) -> None:
    drawn = glyph("H", rng)
    for _ in range(40):
        large = enlarge(drawn, rng)
        edge = np.concatenate([large[0], large[-1], large[:, 0], large[:, -1]])
        assert edge.max() < 128
        assert large.max() > 200


def test_blank_glyphs_stay_blank(rng: np.random.Generator) -> None:
    blank = np.zeros((28, 28), np.uint8)
    assert not with_pen(blank, rng).any()
    papers = [on_paper(blank, rng) for _ in range(20)]
    assert min(paper.min() for paper in papers) > 100
    for half in (np.s_[:14], np.s_[:, :14]):
        unlike = [abs(paper[half].mean() - paper.mean()) for paper in papers]
        assert max(unlike) > 4, "light falls off"
