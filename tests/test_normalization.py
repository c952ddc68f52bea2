"""Normalization: a character gives nearly the same glyph however it was drawn, lit and placed."""

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

from model.card import Normalization
from model.drawn import STROKES, draw, glyph
from model.files.images import BadImage, Grey, decode, png, to_grey
from model.flags import NONE, Flag
from model.ink.mask import strip
from model.ink.normalization import normalize, normalize_all, place, to_glyph

from hostile_files import animation, png_of, saved, turned
from strategies import ANY_GREY

NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)
EACH_NORMALIZATION = pytest.mark.parametrize("normalization", NORMALIZATIONS)
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


def expect_same(
    normalization: Normalization, change: Callable[[Grey], Grey], least: float = 0.85
) -> None:
    """Every drawing gives nearly the same glyph after `change`, and most give the same."""
    found = [
        likeness(to_glyph(change(each), normalization), to_glyph(each, normalization))
        for each in drawings()
    ]
    assert min(found) > least
    assert np.median(found) > (1 + least) / 2


def box(found: Grey, above: int = 64) -> tuple[int, int, int, int]:
    """Top, left, height, width of what is brighter than `above`."""
    rows, columns = np.flatnonzero((found > above).any(1)), np.flatnonzero((found > above).any(0))
    return rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


class TestGlyphs:
    @EACH_NORMALIZATION
    @pytest.mark.parametrize("label", LABELS)
    def test_a_glyph_passes_unchanged(
        self, normalization: Normalization, label: str, rng: np.random.Generator
    ) -> None:
        found = glyph(label, rng)
        assert np.array_equal(to_glyph(found, normalization), found)
        assert np.array_equal(to_glyph(decode(png(found), 784), normalization), found)
        assert normalize(found, normalization).flags == NONE

    def test_without_normalization_images_are_only_fitted(self) -> None:
        large = np.full((56, 56), 9, np.uint8)
        assert np.array_equal(to_glyph(large, None), np.full((28, 28), 9, np.uint8))

    @EACH_NORMALIZATION
    @pytest.mark.parametrize("paper", [0, 9, 128, 255])
    def test_blank_stays_blank(self, normalization: Normalization, paper: int) -> None:
        for shape in ((1, 1), (40, 60), (1000, 10)):
            assert not to_glyph(np.full(shape, paper, np.uint8), normalization).any()
        found = normalize(np.full((28, 28), paper, np.uint8), normalization)
        assert found.flags == Flag.BLANK

    @EACH_NORMALIZATION
    def test_faint_noise_is_blank(self, normalization: Normalization, rng: np.random.Generator) -> None:
        noise = rng.normal(200, 3, (64, 64)).astype(np.uint8)
        assert not to_glyph(noise, normalization).any()


class TestSameness:
    def test_other_characters_are_not_the_same(self) -> None:
        found = [to_glyph(each, "emnist") for each in drawings()]
        assert np.median([likeness(*pair) for pair in pairwise(found)]) < 0.6

    @EACH_NORMALIZATION
    def test_polarity_does_not_matter(self, normalization: Normalization) -> None:
        expect_same(normalization, lambda drawing: 255 - drawing, 0.98)

    @EACH_NORMALIZATION
    @pytest.mark.parametrize(("top", "left"), [(0, 0), (36, 0), (5, 36)])
    def test_the_place_on_the_sheet_does_not_matter(
        self, normalization: Normalization, top: int, left: int
    ) -> None:
        expect_same(normalization, lambda drawing: on_paper(drawing, 100, top, left), 0.9)

    @EACH_NORMALIZATION
    @pytest.mark.parametrize("margin", [0, 1])
    def test_strokes_along_the_edge_of_a_tight_picture_stay(
        self, normalization: Normalization, margin: int
    ) -> None:
        def cut_out(label: str, around: int) -> Grey:
            return 235 - np.pad(strip(glyph(label, np.random.default_rng(1), 96) // 160 * 200), around)

        for label in "247EFLT":
            found, usual = (to_glyph(cut_out(label, each), normalization) for each in (margin, 20))
            assert likeness(found, usual) > 0.9

    @EACH_NORMALIZATION
    @pytest.mark.parametrize(
        ("scale", "how"), [(0.75, cv2.INTER_AREA), (2, cv2.INTER_CUBIC), (6, cv2.INTER_CUBIC)]
    )
    def test_the_size_of_the_scan_does_not_matter(
        self, normalization: Normalization, scale: float, how: int
    ) -> None:
        side = round(64 * scale)
        expect_same(normalization, lambda drawing: cv2.resize(drawing, (side, side), interpolation=how))

    @EACH_NORMALIZATION
    @pytest.mark.parametrize("axis", [0, 1])
    def test_light_that_falls_off_does_not_matter(self, normalization: Normalization, axis: int) -> None:
        light = np.expand_dims(np.linspace(1, 0.7, 64), axis)
        expect_same(normalization, lambda drawing: (drawing * light).astype(np.uint8))

    @EACH_NORMALIZATION
    def test_specks_are_dropped(self, normalization: Normalization) -> None:
        def dirty(drawing: Grey) -> Grey:
            sheet = on_paper(drawing, 120, 28, 28)
            for row, column in ((5, 5), (110, 8), (60, 112)):
                sheet[row : row + 2, column : column + 2] = 40
            return sheet

        expect_same(normalization, dirty, 0.9)

    @EACH_NORMALIZATION
    def test_the_dot_of_an_i_stays(self, normalization: Normalization) -> None:
        scan = np.full((90, 60), 230, np.uint8)
        cv2.line(scan, (30, 35), (30, 75), 30, 5)
        cv2.circle(scan, (30, 18), 4, 30, -1)
        found = to_glyph(scan, normalization)
        inked = (found > 64).any(axis=1)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], inked.astype(int), [0]])) == 1)
        assert len(runs) == 2

    @EACH_NORMALIZATION
    @pytest.mark.parametrize("side", [60, 130, 250, 600, 1500])
    def test_the_pen_does_not_matter(self, normalization: Normalization, side: int) -> None:
        def written(pen: int) -> Grey:
            screen, points = np.full((side, side), 255, np.uint8), [(2, 1), (5, 1), (2, 7), (6, 6)]
            corners = np.array([[(x * side // 8, y * side // 8) for x, y in points]], np.int32)
            return np.asarray(cv2.polylines(screen, corners, False, 0, pen)).astype(np.uint8)

        usual = to_glyph(written(side // 14), normalization)
        for pen in (1, side // 30, side // 8):
            assert likeness(to_glyph(written(max(1, pen)), normalization), usual) > 0.8


class TestPlacing:
    def test_no_ink_is_no_glyph(self) -> None:
        for normalization in NORMALIZATIONS:
            assert not place(np.zeros((68, 68), np.uint8), normalization).any()

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

    @pytest.mark.parametrize("axis", [0, 1])
    def test_mass_at_one_end_drives_no_ink_out_of_the_glyph(self, axis: int) -> None:
        ink = np.zeros((68, 68), np.uint8)
        ink[6:62, 33:35] = ink[50:62, 9:59] = 255
        found = place(np.ascontiguousarray(np.moveaxis(ink, 0, axis)), "mnist")
        assert box(found)[2 + axis] >= 20

    @EACH_NORMALIZATION
    def test_ink_is_bright_on_black(self, normalization: Normalization) -> None:
        for drawing in drawings():
            found = to_glyph(drawing, normalization)
            assert found.max() == 255
            assert np.array_equal(to_glyph(found, normalization), found)


class TestAnything:
    @given(
        grey=ANY_GREY,
        normalization=st.sampled_from([*NORMALIZATIONS, None]),
    )
    @settings(max_examples=200, deadline=None)
    def test_any_pixels_become_a_glyph(self, grey: Grey, normalization: Normalization | None) -> None:
        found = to_glyph(grey, normalization)
        assert found.shape == (28, 28)
        assert found.dtype == np.uint8

    @given(
        pixels=st.sampled_from(KINDS).flatmap(
            lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0))
        ),
        normalization=st.sampled_from([*NORMALIZATIONS, None]),
    )
    @settings(max_examples=40, deadline=None)
    def test_any_array_is_a_glyph_or_refused(
        self, pixels: Grey, normalization: Normalization | None
    ) -> None:
        for read in (to_grey, lambda array: to_glyph(array, normalization)):
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

    @pytest.mark.parametrize("normalization", [*NORMALIZATIONS, None])
    @pytest.mark.parametrize(
        "shape", [(1, 1), (1, 4_000_000), (4_000_000, 1), (2, 65_535), (4000, 4000), (257, 1), (27, 28)]
    )
    def test_any_shape_becomes_a_glyph(
        self, shape: tuple[int, int], normalization: Normalization | None, rng: np.random.Generator
    ) -> None:
        for pixels in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
            assert to_glyph(pixels, normalization).shape == (28, 28)


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


@EACH_NORMALIZATION
class TestFiles:
    @pytest.mark.parametrize("name", ["16 bits", "CMYK", "transparent", "palette", "animated", "turned"])
    def test_a_character_is_the_same_in_any_file(self, name: str, normalization: Normalization) -> None:
        found, plain = (to_glyph(decode(files()[each]), normalization) for each in (name, "on white"))
        assert likeness(found, plain) > 0.95

    @pytest.mark.parametrize("name", ["one pixel", "all black", "all white", "long"])
    def test_nothing_is_blank(self, name: str, normalization: Normalization) -> None:
        found = normalize(decode(files()[name]), normalization)
        assert not found.pixels.any()
        assert found.flags == Flag.BLANK

    @pytest.mark.parametrize("name", ["empty", "too wide", "huge"])
    def test_what_cannot_be_an_image_is_refused(self, name: str, normalization: Normalization) -> None:
        with pytest.raises(BadImage):
            to_glyph(decode(files()[name]), normalization)


@pytest.mark.parametrize("normalization", [None, *get_args(Normalization)])
def test_many_together_become_what_each_becomes_alone(
    rng: np.random.Generator, normalization: Normalization | None
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
    alone = [normalize(each, normalization) for each in many]
    for one, other in zip(normalize_all(many, normalization), alone, strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert one.flags == other.flags
    assert normalize_all([], normalization) == []
