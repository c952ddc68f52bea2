"""A sheet on a table is read like the sheet alone; bold letters are no sheets."""

import cv2
import numpy as np
import pytest

from model.drawn import STROKES, glyph
from model.files.images import Grey
from model.ink.finding import find_all, on_sheet
from model.ink.mask import strip
from model.ink.normalization import normalize
from model.ink.tabletop import sheets

WIDTH = 26
"""Pixels of table around a sheet of 84."""


def on_table(sheet: Grey, shade: int, degrees: float, sides: str = "tblr") -> Grey:
    """`sheet`, turned, on a table of this shade: at its top, bottom, left, right, or some of them."""
    large = cv2.copyMakeBorder(sheet, 10, 10, 10, 10, cv2.BORDER_REPLICATE)
    height, width = large.shape
    middle = (width / 2 + WIDTH, height / 2 + WIDTH)
    around = cv2.copyMakeBorder(large, *[WIDTH] * 4, cv2.BORDER_CONSTANT, value=(shade,))
    turn = cv2.getRotationMatrix2D(middle, degrees, 1)
    picture = cv2.warpAffine(around, turn, around.shape[::-1], borderValue=(shade,))
    top, bottom, left, right = (0 if side in sides else WIDTH + 12 for side in "tblr")
    seen = picture[top : len(picture) - bottom, left : picture.shape[1] - right]
    return np.asarray(seen).astype(np.uint8)


def paper(label: str, light: bool = True) -> Grey:
    """`label` by a pen on light paper, or in chalk on dark."""
    bright = glyph(label, np.random.default_rng(3), 64) / 255
    return (235 - bright * 190 if light else 50 + bright * 180).astype(np.uint8)


def likeness(one: Grey, other: Grey) -> float:
    """1 for glyphs that are equal, about 0 for unrelated ones."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def alone(sheet: Grey, degrees: float) -> Grey:
    """`sheet`, turned, and larger."""
    large = cv2.copyMakeBorder(sheet, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
    middle = (large.shape[1] / 2, large.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1)
    turned = cv2.warpAffine(large, turn, large.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned).astype(np.uint8)


def share_read(shade: int, degrees: float, sides: str = "tblr", light: bool = True) -> float:
    """Of all characters, drawn on a sheet on a table: whose glyph is what it is without the table."""
    found = []
    for label in STROKES:
        sheet = paper(label, light)
        glyph, usual = (
            normalize(picture, "emnist")
            for picture in (on_table(sheet, shade, degrees, sides), alone(sheet, degrees))
        )
        found.append(glyph.flags == usual.flags and likeness(glyph.pixels, usual.pixels) > 0.9)
    return float(np.mean(found))


@pytest.mark.parametrize("degrees", [0, 3, -6, 10, -15])
@pytest.mark.parametrize("shade", [0, 60, 120, 160])
def test_a_pen_on_paper_on_a_table(shade: int, degrees: float) -> None:
    assert share_read(shade, degrees) > 0.85


@pytest.mark.parametrize("sides", ["l", "b", "tl", "br", "lr", "tlb"])
@pytest.mark.parametrize("shade", [0, 120])
def test_a_table_on_some_sides_only(shade: int, sides: str) -> None:
    assert share_read(shade, 4, sides) > 0.85


@pytest.mark.parametrize("shade", [120, 160, 240])
def test_chalk_on_a_dark_sheet_on_a_lighter_table(shade: int) -> None:
    assert share_read(shade, 6, light=False) > 0.85


@pytest.mark.parametrize("margin", [0, 2])
@pytest.mark.parametrize("pen", [1, 9, 17])
@pytest.mark.parametrize("label", "OQD0B8")
def test_a_letter_that_fills_the_picture_is_no_sheet(label: str, pen: int, margin: int) -> None:
    bold = cv2.dilate(glyph(label, np.random.default_rng(1), 96), np.ones((pen, pen), np.uint8))
    ink = np.pad(strip(np.asarray(bold // 160 * 200).astype(np.uint8)), margin)
    for picture in (235 - ink, 20 + ink):
        assert not list(sheets(picture))


def test_a_bold_letter_of_few_corners_is_no_sheet() -> None:
    ink = np.zeros((100, 100), np.uint8)
    for corners, shade in (
        (((30, 10), (70, 40), (70, 85), (30, 85)), 200),
        (((42, 30), (58, 45), (58, 72), (42, 72)), 0),
    ):
        cv2.fillPoly(ink, [np.array(corners, np.int32)], (shade,))
    assert not list(sheets(235 - ink))


@pytest.mark.parametrize("crossbar", [False, True])
@pytest.mark.parametrize(("left", "top"), [(40, 20), (40, 0), (0, 20), (40, 40)])
@pytest.mark.parametrize(("across", "along"), [(6, 6), (14, 14), (20, 20), (20, 14), (12, 20)])
def test_a_box_shaped_figure_is_no_sheet(
    across: int, along: int, left: int, top: int, crossbar: bool
) -> None:
    ink = np.zeros((140, 140), np.uint8)
    ink[top : top + 100, left : left + 60] = 200
    ink[top + along : top + 100 - along, left + across : left + 60 - across] = 0
    if crossbar:
        ink[top + 50 - along // 2 : top + 50 + along // 2, left : left + 60] = 200
    for picture in (235 - ink, 20 + ink):
        assert not list(sheets(picture))
        assert cv2.boundingRect(find_all([picture])[0].mask)[2:] == pytest.approx((60, 100), abs=4)


def test_a_straight_stroke_in_the_middle_of_a_tall_sheet_is_read() -> None:
    sheet = np.full((84, 44), 235, np.uint8)
    sheet[20:64, 18:26] = 45
    (found,) = find_all([on_table(sheet, 45, 0)])
    assert cv2.boundingRect(found.mask)[2:] == pytest.approx((8, 44), abs=2)


@pytest.mark.parametrize("at", ["t", "b", "l", "r"])
def test_a_stroke_that_runs_off_the_paper_makes_no_sheet_of_the_rest(at: str) -> None:
    scan = paper("T")
    row, column = {"t": (0, 30), "b": (63, 30), "l": (30, 0), "r": (30, 63)}[at]
    cv2.line(scan, (30, 30), (column, row), 45, 6)
    assert not list(sheets(scan))


def test_a_blank_sheet_on_a_table_is_left_as_it_was() -> None:
    picture = on_table(np.full((64, 64), 235, np.uint8), 60, 6)
    (found,) = find_all([picture])
    assert on_sheet(picture, found) is found
