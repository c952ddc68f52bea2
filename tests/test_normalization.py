"""Normalisation: a character gives nearly the same glyph however it was drawn, lit and placed."""

import io
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from strategies import ANY_GREY

from model.card import Recipe
from model.flags import NONE, Flag
from model.images import BadImage, Grey, decode, png, to_grey
from model.ink import strip
from model.normalization import normalize, normalize_all, place, to_glyph
from model.strokes import STROKES, draw, glyph

from makers import animation, png_of, saved, turned

RECIPES: tuple[Recipe, ...] = get_args(Recipe)
EACH_RECIPE = pytest.mark.parametrize("recipe", RECIPES)
LABELS = "".join(STROKES)
KINDS = ("u1", "u2", "u4", "i1", "i8", "f4", "f8", "c8", "?", "S3", "U2", "M8[s]", "O")


def drawings() -> list[Grey]:
    """Every character, dark on light."""
    rng = np.random.default_rng(7)
    return [draw(label, rng) for label in LABELS]


def on_paper(drawing: Grey, side: int, top: int, left: int) -> Grey:
    """The drawing on a larger sheet of the same paper."""
    sheet = np.full((side, side), np.median(drawing), np.uint8)
    sheet[top : top + drawing.shape[0], left : left + drawing.shape[1]] = drawing
    return sheet


def likeness(one: Grey, other: Grey) -> float:
    """1 for glyphs that are equal but for one pixel's shift, about 0 for unrelated ones."""
    shifts = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    moved = [np.roll(other, shift, (0, 1)).ravel() for shift in shifts]
    return float(np.corrcoef([one.ravel(), *moved])[0, 1:].max())


def expect_same(recipe: Recipe, change: Callable[[Grey], Grey], least: float = 0.85) -> None:
    """Every drawing gives nearly the same glyph after `change`, and most give the same."""
    found = [likeness(to_glyph(change(each), recipe), to_glyph(each, recipe)) for each in drawings()]
    assert min(found) > least
    assert np.median(found) > (1 + least) / 2


def box(found: Grey, above: int = 64) -> tuple[int, int, int, int]:
    """Top, left, height, width of what is brighter than `above`."""
    rows, columns = np.flatnonzero((found > above).any(1)), np.flatnonzero((found > above).any(0))
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


class TestGlyphs:
    @EACH_RECIPE
    @pytest.mark.parametrize("label", LABELS)
    def test_a_glyph_passes_unchanged(
        self, recipe: Recipe, label: str, rng: np.random.Generator
    ) -> None:
        found = glyph(label, rng)
        assert np.array_equal(to_glyph(found, recipe), found)
        assert np.array_equal(to_glyph(decode(png(found), 784), recipe), found)
        assert normalize(found, recipe).flags == NONE

    def test_without_a_recipe_images_are_only_fitted(self) -> None:
        large = np.full((56, 56), 9, np.uint8)
        assert np.array_equal(to_glyph(large, None), np.full((28, 28), 9, np.uint8))

    @EACH_RECIPE
    @pytest.mark.parametrize("paper", [0, 9, 128, 255])
    def test_blank_stays_blank(self, recipe: Recipe, paper: int) -> None:
        for shape in ((1, 1), (40, 60), (1000, 10)):
            assert not to_glyph(np.full(shape, paper, np.uint8), recipe).any()
        found = normalize(np.full((28, 28), paper, np.uint8), recipe)
        assert found.flags == Flag.BLANK

    @EACH_RECIPE
    def test_faint_noise_is_blank(self, recipe: Recipe, rng: np.random.Generator) -> None:
        noise = rng.normal(200, 3, (64, 64)).astype(np.uint8)
        assert not to_glyph(noise, recipe).any()


class TestSameness:
    def test_other_characters_are_not_the_same(self) -> None:
        found = [to_glyph(each, "emnist") for each in drawings()]
        assert np.median([likeness(*pair) for pair in pairwise(found)]) < 0.6

    @EACH_RECIPE
    def test_polarity_does_not_matter(self, recipe: Recipe) -> None:
        expect_same(recipe, lambda drawing: 255 - drawing, 0.98)

    @EACH_RECIPE
    @pytest.mark.parametrize(("top", "left"), [(0, 0), (36, 0), (5, 36)])
    def test_the_place_on_the_sheet_does_not_matter(self, recipe: Recipe, top: int, left: int) -> None:
        expect_same(recipe, lambda drawing: on_paper(drawing, 100, top, left), 0.9)

    @EACH_RECIPE
    @pytest.mark.parametrize("margin", [0, 1])
    def test_strokes_along_the_edge_of_a_tight_picture_stay(self, recipe: Recipe, margin: int) -> None:
        def cut_out(label: str, around: int) -> Grey:
            return 235 - np.pad(strip(glyph(label, np.random.default_rng(1), 96) // 160 * 200), around)

        for label in "247EFLT":
            found, usual = (to_glyph(cut_out(label, each), recipe) for each in (margin, 20))
            assert likeness(found, usual) > 0.9

    @EACH_RECIPE
    @pytest.mark.parametrize(
        ("scale", "how"), [(0.75, cv2.INTER_AREA), (2, cv2.INTER_CUBIC), (6, cv2.INTER_CUBIC)]
    )
    def test_the_size_of_the_scan_does_not_matter(self, recipe: Recipe, scale: float, how: int) -> None:
        side = round(64 * scale)
        expect_same(recipe, lambda drawing: cv2.resize(drawing, (side, side), interpolation=how))

    @EACH_RECIPE
    @pytest.mark.parametrize("axis", [0, 1])
    def test_light_that_falls_off_does_not_matter(self, recipe: Recipe, axis: int) -> None:
        light = np.expand_dims(np.linspace(1, 0.7, 64), axis)
        expect_same(recipe, lambda drawing: (drawing * light).astype(np.uint8))

    @EACH_RECIPE
    def test_specks_are_dropped(self, recipe: Recipe) -> None:
        def dirty(drawing: Grey) -> Grey:
            sheet = on_paper(drawing, 120, 28, 28)
            for row, column in ((5, 5), (110, 8), (60, 112)):
                sheet[row : row + 2, column : column + 2] = 40
            return sheet

        expect_same(recipe, dirty, 0.9)

    @EACH_RECIPE
    def test_the_dot_of_an_i_stays(self, recipe: Recipe) -> None:
        scan = np.full((90, 60), 230, np.uint8)
        cv2.line(scan, (30, 35), (30, 75), 30, 5)
        cv2.circle(scan, (30, 18), 4, 30, -1)
        found = to_glyph(scan, recipe)
        inked = (found > 64).any(axis=1)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(int), [0]])) == 1)
        assert len(runs) == 2

    @EACH_RECIPE
    @pytest.mark.parametrize("side", [60, 130, 250, 600, 1500])
    def test_the_pen_does_not_matter(self, recipe: Recipe, side: int) -> None:
        def written(pen: int) -> Grey:
            screen, points = np.full((side, side), 255, np.uint8), [(2, 1), (5, 1), (2, 7), (6, 6)]
            corners = np.array([[(x * side // 8, y * side // 8) for x, y in points]], np.int32)
            return np.asarray(cv2.polylines(screen, corners, False, 0, pen)).astype(np.uint8)

        usual = to_glyph(written(side // 14), recipe)
        for pen in (1, side // 30, side // 8):
            assert likeness(to_glyph(written(max(1, pen)), recipe), usual) > 0.8


class TestPlacing:
    def test_no_ink_is_no_glyph(self) -> None:
        for recipe in RECIPES:
            assert not place(np.zeros((68, 68), np.uint8), recipe).any()

    def test_emnist_fills_the_square_but_for_two_pixels(self) -> None:
        for drawing in drawings():
            top, left, height, width = box(to_glyph(drawing, "emnist"))
            assert 23 <= max(height, width) <= 26
            assert abs(top + (height - 1) / 2 - 13.5) <= 1
            assert abs(left + (width - 1) / 2 - 13.5) <= 1

    def test_mnist_is_centred_by_its_mass(self) -> None:
        for drawing in drawings():
            found = to_glyph(drawing, "mnist").astype(float)
            _, _, height, width = box(found.astype(np.uint8))
            assert 19 <= max(height, width) <= 22
            for axis in (0, 1):
                mass = (found.sum(axis=1 - axis) * np.arange(28)).sum() / found.sum()
                assert abs(mass - 13.5) <= 1

    @EACH_RECIPE
    def test_ink_is_bright_on_black(self, recipe: Recipe) -> None:
        for drawing in drawings():
            found = to_glyph(drawing, recipe)
            assert found.max() == 255
            assert np.array_equal(to_glyph(found, recipe), found)


class TestAnything:
    @given(
        grey=ANY_GREY,
        recipe=st.sampled_from([*RECIPES, None]),
    )
    @settings(max_examples=200, deadline=None)
    def test_any_pixels_become_a_glyph(self, grey: Grey, recipe: Recipe | None) -> None:
        found = to_glyph(grey, recipe)
        assert found.shape == (28, 28)
        assert found.dtype == np.uint8

    @given(
        pixels=st.sampled_from(KINDS).flatmap(
            lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
        ),
        recipe=st.sampled_from([*RECIPES, None]),
    )
    @settings(max_examples=40, deadline=None)
    def test_any_array_is_a_glyph_or_refused(self, pixels: Grey, recipe: Recipe | None) -> None:
        for read in (to_grey, lambda array: to_glyph(array, recipe)):
            with suppress(BadImage):
                found = read(pixels)
                assert found.dtype == np.uint8
                assert found.ndim == 2

    @pytest.mark.parametrize("shape", [(), (28,), (0, 28), (28, 0), (28, 28, 1), (1, 28, 28, 3)])
    def test_what_is_refused_is_named(self, shape: tuple[int, ...]) -> None:
        for read in (to_grey, lambda array: to_glyph(array, "emnist")):
            with pytest.raises(BadImage, match=re.escape(f"uint8 and shape {shape}")):
                read(np.zeros(shape, np.uint8))
            with pytest.raises(BadImage, match="float64"):
                read(np.zeros((28, 28)))  # type: ignore[arg-type]

    def test_pixels_in_any_order_of_memory_are_read(self) -> None:
        for drawing in drawings()[:5]:
            for other in (
                np.asfortranarray(drawing),
                drawing[::-1][::-1],
                np.repeat(drawing, 2, 1)[:, ::2],
            ):
                assert np.array_equal(to_glyph(other, "emnist"), to_glyph(drawing, "emnist"))

    @pytest.mark.parametrize("recipe", [*RECIPES, None])
    @pytest.mark.parametrize(
        "shape", [(1, 1), (1, 4_000_000), (4_000_000, 1), (2, 65_535), (4000, 4000), (257, 1), (27, 28)]
    )
    def test_any_shape_becomes_a_glyph(
        self, shape: tuple[int, int], recipe: Recipe | None, rng: np.random.Generator
    ) -> None:
        for pixels in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
            assert to_glyph(pixels, recipe).shape == (28, 28)


def files() -> dict[str, bytes]:
    """Odd files of a character, and files of none."""
    drawing = draw("R", np.random.default_rng(2))
    clear = np.dstack([np.zeros((64, 64, 3), np.uint8), 255 - drawing])
    palette, out = Image.fromarray(clear).quantize(16), io.BytesIO()
    palette.save(out, "PNG", transparency=int(np.asarray(palette)[0, 0]))
    return {
        "16 bits": saved((drawing.astype(np.uint16) << 8) + 7, "PNG"),
        "CMYK": saved(drawing, "JPEG", "CMYK", quality=90),
        "transparent": saved(clear, "PNG"),
        "palette": out.getvalue(),
        "animated": animation([drawing, 255 - drawing], "WEBP"),
        "turned": turned(saved(np.rot90(drawing), "JPEG", quality=90), 6),
        "on white": png(drawing),
        "one pixel": png(drawing[:1, :1]),
        "all black": png(np.zeros((50, 50), np.uint8)),
        "all white": png(np.full((50, 50), 255, np.uint8)),
        "long": png(np.full((1, 60_000), 200, np.uint8)),
        "empty": b"",
        "too wide": png_of(4_000_000, 1),
        "huge": png_of(60_000, 60_000),
    }


@EACH_RECIPE
class TestFiles:
    @pytest.mark.parametrize("name", ["16 bits", "CMYK", "transparent", "palette", "animated", "turned"])
    def test_a_character_is_the_same_in_any_file(self, name: str, recipe: Recipe) -> None:
        found, plain = (to_glyph(decode(files()[each]), recipe) for each in (name, "on white"))
        assert likeness(found, plain) > 0.95

    @pytest.mark.parametrize("name", ["one pixel", "all black", "all white", "long"])
    def test_nothing_is_blank(self, name: str, recipe: Recipe) -> None:
        found = normalize(decode(files()[name]), recipe)
        assert not found.pixels.any()
        assert found.flags == Flag.BLANK

    @pytest.mark.parametrize("name", ["empty", "too wide", "huge"])
    def test_what_cannot_be_an_image_is_refused(self, name: str, recipe: Recipe) -> None:
        with pytest.raises(BadImage):
            to_glyph(decode(files()[name]), recipe)


@pytest.mark.parametrize("recipe", [None, *get_args(Recipe)])
def test_many_together_become_what_each_becomes_alone(
    rng: np.random.Generator, recipe: Recipe | None
) -> None:
    blank = np.full((40, 50), 240, np.uint8)
    large = cv2.copyMakeBorder(draw("R", rng, 80), 200, 300, 250, 100, cv2.BORDER_REPLICATE)
    many = [
        draw("g", rng),
        blank,
        glyph("4", rng),
        ~glyph("8", rng),
        np.zeros((28, 28), np.uint8),
        np.asarray(large),
        draw("Q", rng, 30),
        ~draw("7", rng),
    ]
    alone = [normalize(each, recipe) for each in many]
    for one, other in zip(normalize_all(many, recipe), alone, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.flags == other.flags
    assert normalize_all([], recipe) == []
