"""What people are shown of an upload: never large, whatever was sent."""

import numpy as np
import pytest

from model.drawn import draw, glyph
from model.layout import Box
from model.previews import LONGEST, SIDE, Mark, beside, boxed, enlarged

SHAPES = [(1, 1), (1, 4000), (4000, 1), (64, 64), (300, 200), (2400, 3100), (1, 1_000_000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_are_bounded(shape: tuple[int, int]) -> None:
    upload = np.full(shape, 200, np.uint8)
    assert beside(upload, np.zeros((28, 28), np.uint8)).shape == (SIDE, 2 * SIDE + 16)
    picture = boxed(upload, [Mark(Box(0, 0, shape[1], shape[0]), "W", True)])
    assert max(picture.shape[:2]) <= LONGEST
    assert min(picture.shape[:2]) >= 1


def test_the_glyph_stands_beside_the_upload_pixel_by_pixel(rng: np.random.Generator) -> None:
    upload, seen = draw("g", rng), glyph("g", rng)
    picture = beside(upload, seen)
    assert (picture[:, SIDE + 16 :][8::16, 8::16] == seen).all()
    assert picture[:, :SIDE].min() < 100 < 200 < picture[:, :SIDE].max()
    assert (enlarged(seen)[8::16, 8::16] == seen).all()


def test_each_mark_has_a_box_where_it_is_and_a_label_above_it() -> None:
    upload = np.full((600, 1000), 255, np.uint8)
    bare = boxed(upload, [Mark(Box(300, 200, 100, 80))])
    named = boxed(upload, [Mark(Box(300, 200, 100, 80), "W")])
    rows, columns = np.nonzero((bare != 255).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (200, 280, 300, 400)
    label = np.nonzero((named != bare).any(axis=2))
    assert label[0].max() < 205
    assert label[1].min() >= 300


def test_what_is_uncertain_has_another_colour() -> None:
    upload, box = np.full((600, 1000), 255, np.uint8), Box(300, 200, 100, 80)
    sure, unsure = (boxed(upload, [Mark(box, "W", uncertain)]) for uncertain in (False, True))
    assert (sure[200, 350] != unsure[200, 350]).any()
