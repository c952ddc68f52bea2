"""What pixels and ink say against an image: each flag where it belongs, none on good characters."""

import cv2
import numpy as np
import pytest

from model.drawn import STROKES, draw, inked
from model.files.images import Grey
from model.flags import NONE, Flag
from model.ink.mask import strip
from model.ink.normalization import normalize


def flags_of(grey: Grey) -> Flag:
    """As the service finds them."""
    return normalize(grey, "emnist").flags


def on_paper(ink: Grey, margin: int = 12, pen: int = 200) -> Grey:
    """Dark ink on light paper."""
    return 230 - (np.pad(ink, margin) * (pen / 255)).astype(np.uint8)


@pytest.mark.parametrize("label", STROKES)
def test_a_good_character_carries_no_flag(label: str, rng: np.random.Generator) -> None:
    for _ in range(5):
        assert flags_of(draw(label, rng)) == NONE


@pytest.mark.parametrize(
    "strokes",
    [
        "2,1 2,1.2|2,2.5 2,6",  # i
        "2.5,1 2.5,1.2|~2.5,2.5 2.5,6 1,7",  # j
        "0,0 0,6|4,0 4,6|1,3 3,3",  # H with its bar apart
        "0,0 0,6|4,0 1,3 4,6",  # K
        "0,0 0,6|1,3 4,3|1,0 4,0|1,6 4,6",  # E in four parts
        "2,0 2,2|2,4 2,6",  # a stroke that is broken
        "0,3 .5,0 2,2 3.5,0 4,3|5.5,2.1 5.5,3",  # a wide M and a low stroke
        "0,3 4,0|3,3 7,0",  # two slanted strokes, the end of one above the beginning of the other
    ],
)
def test_parts_of_one_character_are_not_several(strokes: str, rng: np.random.Generator) -> None:
    assert flags_of(on_paper(inked(strokes, rng, 64))) == NONE


def test_paper_is_blank() -> None:
    assert flags_of(np.full((40, 60), 217, np.uint8)) == Flag.BLANK


def test_faint_ink_is_flagged(rng: np.random.Generator) -> None:
    ink = inked(STROKES["B"], rng, 64)
    assert flags_of(on_paper(ink, pen=26)) == Flag.LOW_CONTRAST
    assert flags_of(on_paper(ink, pen=60)) == NONE


@pytest.mark.parametrize("side", [120, 250, 600])
@pytest.mark.parametrize("at", range(5))
def test_a_thin_stroke_of_dark_ink_is_not_faint(side: int, at: int) -> None:
    paper = np.full((side, side), 240, np.uint8)
    cv2.line(paper, (side // 2 + at, side // 10), (side // 2 + at, side - side // 10), 20, 2)
    assert flags_of(paper) == NONE


def test_two_characters_side_by_side_are_several(rng: np.random.Generator) -> None:
    two = np.hstack([inked(STROKES[each], rng, 64) for each in "AB"])
    assert flags_of(on_paper(two)) == Flag.SEVERAL_CHARACTERS


@pytest.mark.parametrize("side", range(4))
def test_a_character_cut_by_the_edge_is_flagged(side: int, rng: np.random.Generator) -> None:
    picture = np.rot90(on_paper(inked(STROKES["8"], rng, 64)), side)
    assert flags_of(np.ascontiguousarray(picture[:, : picture.shape[1] // 2])) == Flag.TOUCHES_EDGE


def test_a_stroke_that_ends_at_the_edge_is_not_cut_off() -> None:
    ink = np.zeros((64, 64), np.uint8)
    ink[10:14, 12:52] = ink[10:, 30:34] = 255
    assert flags_of(on_paper(ink, margin=0)) == NONE


@pytest.mark.parametrize("label", "HBO")
def test_a_picture_cut_tight_to_its_ink_is_not_cut_off(label: str, rng: np.random.Generator) -> None:
    ink = strip(np.where(inked(STROKES[label], rng, 96) > 127, np.uint8(255), np.uint8(0)))
    assert Flag.TOUCHES_EDGE not in flags_of(on_paper(ink, margin=0))


def test_a_speck_is_too_small() -> None:
    ink = np.zeros((40, 40), np.uint8)
    ink[20:25, 18:24] = 255
    assert flags_of(on_paper(ink)) == Flag.TOO_SMALL


def test_many_parts_are_no_character(rng: np.random.Generator) -> None:
    ink = np.zeros((60, 60), np.uint8)
    ink[5::12, 5::12] = 255
    assert Flag.NOT_A_CHARACTER in flags_of(on_paper(cv2.dilate(ink, np.ones((5, 5), np.uint8))))
