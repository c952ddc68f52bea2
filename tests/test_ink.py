"""The steps from pixels to ink, each by a picture: light, polarity, lines, parts, outline, strokes."""

import cv2
import numpy as np
import pytest

from model.drawn import STROKES, draw, glyph
from model.files.images import Grey
from model.glyph import LEAST_CONTRAST
from model.ink import finding, frames, ground, parts, quality
from model.ink import mask as ink


def canvas(height: int = 64, width: int = 64) -> Grey:
    return np.zeros((height, width), np.uint8)


def character(thickness: int = 5, side: int = 64) -> Grey:
    """A letter of lines well inside of the picture, 255 on 0."""
    mask, at = canvas(side, side), side // 8
    cv2.line(mask, (3 * at, 2 * at), (3 * at, 6 * at), 255, thickness)
    cv2.line(mask, (3 * at, 4 * at), (5 * at, 4 * at), 255, thickness)
    return mask


def inked(mask: Grey, paper: np.typing.ArrayLike = 220.0, strength: float = 0.7) -> Grey:
    """It in dark ink on paper of this light."""
    return (np.asarray(paper) * (1 - strength * (mask / 255))).astype(np.uint8)


def shadow(soft: float, angle: float, side: int = 64) -> np.typing.NDArray[np.float64]:
    """Paper half of which lies in the shadow of something straight."""
    down, across = np.mgrid[0:side, 0:side] / side - 0.5
    depth = (across * np.cos(angle) + down * np.sin(angle)) / soft
    return np.asarray(220 * (1 - 0.5 / (1 + np.exp(-depth))))


def find(grey: Grey) -> finding.Found:
    """The ink of one picture."""
    return finding.find_all([grey])[0]


def agreement(found: Grey, wanted: Grey) -> float:
    """Intersection over union."""
    one, other = found > 0, wanted > 0
    return float((one & other).sum() / max(1, (one | other).sum()))


class TestPolarity:
    @pytest.mark.parametrize("label", STROKES)
    @pytest.mark.parametrize("bright", [False, True])
    def test_strokes_are_told_from_paper(self, label: str, bright: bool) -> None:
        drawing = cv2.resize(
            draw(label, np.random.default_rng(3)), (32, 32), interpolation=cv2.INTER_AREA
        )
        assert ground.has_bright_strokes(~drawing if bright else drawing) is bright

    @pytest.mark.parametrize("angle", [0, 0.7, 1.6, 3.3])
    @pytest.mark.parametrize("bright", [False, True])
    def test_a_shadow_changes_nothing(self, angle: float, bright: bool) -> None:
        picture = inked(character(3, 32), shadow(0.02, angle, 32))
        assert ground.has_bright_strokes(~picture if bright else picture) is bright

    def test_a_dark_frame_changes_nothing(self) -> None:
        picture = inked(character(3, 32))
        picture[[0, -1]] = picture[:, [0, -1]] = 20
        assert not ground.has_bright_strokes(picture)

    @pytest.mark.parametrize("bright", [False, True])
    def test_a_tight_picture_that_bold_strokes_fill_is_told_by_its_border(self, bright: bool) -> None:
        for label in "aenr":
            drawn = glyph(label, np.random.default_rng(4), 96)
            tight = inked(np.pad(ink.strip(drawn // 128 * 255), 1))
            assert ground.has_bright_strokes(~tight if bright else tight) is bright

    @pytest.mark.parametrize("paper", [0, 130, 255])
    def test_a_blank_picture_has_no_strokes(self, paper: int) -> None:
        assert not ground.bright_ink(np.full((40, 50), paper, np.uint8)).any()


class TestGround:
    @pytest.mark.parametrize("angle", [0, 0.8, 1.6, 2.5])
    @pytest.mark.parametrize("soft", [0.01, 0.5])
    def test_ink_is_as_dark_in_the_shadow_as_in_the_light(self, angle: float, soft: float) -> None:
        mask = character()
        found = ground.bright_ink(inked(mask, shadow(soft, angle)))
        assert np.median(found[mask > 0]) == pytest.approx(0.7 * 255, abs=15)
        assert np.median(found[mask == 0]) <= 5

    def test_faint_noise_in_the_dark_is_not_amplified(self, rng: np.random.Generator) -> None:
        noise = rng.integers(0, 4, (64, 64), np.uint8)
        assert ground.bright_ink(noise).max() < LEAST_CONTRAST


class TestMask:
    def test_it_is_where_the_ink_is(self) -> None:
        mask = character()
        assert agreement(ink.ink_mask(ground.bright_ink(inked(mask))), mask) > 0.85

    def test_little_contrast_is_none(self) -> None:
        assert not ink.ink_mask(np.where(character() > 0, np.uint8(15), np.uint8(0))).any()

    def test_it_is_cut_to_its_box(self) -> None:
        mask = canvas()
        mask[10:20, 30:33] = 255
        assert ink.strip(mask).shape == (10, 3)
        assert not ink.strip(canvas()).size


class TestFrames:
    def framed(self, mask: Grey, rows: list[int], columns: list[int]) -> Grey:
        lined = mask.copy()
        for row in rows:
            lined[row : row + 2] = 255
        for column in columns:
            lined[:, column : column + 2] = 255
        return lined

    @pytest.mark.parametrize(
        ("rows", "columns"), [([57], []), ([2, 60], []), ([0, 62], [0, 62]), ([], [1]), ([60], [4])]
    )
    def test_lines_from_side_to_side_go(self, rows: list[int], columns: list[int]) -> None:
        mask = character()
        assert agreement(frames.without_lines(self.framed(mask, rows, columns)), mask) > 0.95

    def test_a_line_that_is_askew_goes(self) -> None:
        mask = character()
        lined = mask.copy()
        cv2.line(lined, (0, 60), (63, 56), 255, 2)
        assert agreement(frames.without_lines(lined), mask) > 0.9

    def test_a_stroke_that_crosses_a_line_is_mended(self) -> None:
        mask = character()
        found = frames.without_lines(self.framed(mask, [44], []))
        assert cv2.connectedComponents(found)[0] == 2
        assert agreement(found, mask) > 0.9

    def test_strokes_inside_stay(self) -> None:
        mask = character()
        assert frames.without_lines(mask) is mask

    def test_a_dash_alone_is_no_line_to_take_away(self) -> None:
        dash = canvas(20, 60)
        dash[9:12] = 255
        assert np.array_equal(frames.without_lines(dash), dash)


class TestParts:
    def kept(self, *boxes: tuple[int, int, int, int], side: int = 100) -> list[bool]:
        """Which of these (left, top, width, height) stay."""
        mask = canvas(side, side)
        for left, top, width, height in boxes:
            mask[top : top + height, left : left + width] = 255
        found, found_parts = parts.clean(mask)
        stay = [bool(found[top, left]) for left, top, _, _ in boxes]
        assert len(found_parts) == sum(stay)
        assert cv2.countNonZero(found) == found_parts[:, 4].sum()
        return stay

    def test_a_dot_stays_and_a_speck_goes(self) -> None:
        assert self.kept((45, 40, 8, 40), (45, 25, 8, 8), (20, 60, 2, 2)) == [True, True, False]

    def test_a_broken_stroke_stays(self) -> None:
        assert self.kept((20, 30, 8, 20), (20, 54, 8, 20), (32, 50, 20, 6)) == [True, True, True]

    def test_what_the_edge_cuts_off_goes(self) -> None:
        assert self.kept((40, 30, 12, 40), (90, 80, 10, 8), (0, 20, 6, 60)) == [True, False, False]

    def test_a_dot_at_the_edge_stays(self) -> None:
        assert self.kept((45, 20, 8, 60), (45, 0, 8, 8)) == [True, True]

    def test_what_is_too_wide_for_a_dot_or_not_above_goes(self) -> None:
        assert self.kept((45, 20, 8, 60), (30, 0, 40, 6)) == [True, False]
        assert self.kept((45, 20, 8, 60), (45, 92, 8, 8)) == [True, False]

    def test_a_character_at_the_edge_stays(self) -> None:
        assert self.kept((0, 0, 12, 100), (30, 0, 12, 100)) == [True, True]
        assert self.kept((0, 10, 40, 80), (60, 40, 5, 5)) == [True, False]

    def test_what_is_small_and_far_goes(self) -> None:
        assert self.kept((10, 60, 8, 30), (80, 10, 5, 5)) == [True, False]

    def test_nothing_has_no_parts(self) -> None:
        assert len(parts.clean(canvas())[1]) == 0


class TestFinding:
    @pytest.mark.parametrize("side", [20, 64, 300, 1500])
    @pytest.mark.parametrize("share", [1.0, 0.25])
    def test_the_outline_is_the_same_at_any_size(self, side: int, share: float) -> None:
        whole = canvas(side, side)
        small = round(side * share)
        if small < 20:
            pytest.skip("too few pixels for a character")
        drawn = cv2.resize(character(160, 2000), (small, small), interpolation=cv2.INTER_AREA)
        whole[side - small :, :small] = drawn
        found = ink.strip(finding.cut_out(find(inked(whole))))
        wanted = ink.strip(finding.cut_out(find(inked(character(8, 100)))))
        assert abs(found.shape[1] - wanted.shape[1]) <= 4
        shaped = cv2.resize(found, wanted.shape[::-1], interpolation=cv2.INTER_NEAREST)
        assert agreement(np.asarray(shaped).astype(np.uint8), wanted) > 0.7

    def test_hair_lines_on_a_large_screen_are_found(self) -> None:
        screen = np.full((1000, 1400), 255, np.uint8)
        cv2.line(screen, (200, 200), (260, 300), 0, 1)
        found = find(screen)
        assert max(found.mask.shape) <= finding.CLOSE_SIDE
        left, top, width, height = cv2.boundingRect(found.mask)
        assert width / height == pytest.approx(0.6, abs=0.05)
        assert min(left, top) > 0

    def test_what_was_left_out_is_not_cut_out(self) -> None:
        mask = character()
        dirty = mask.copy()
        dirty[20:24, 60:64] = 255  # at the edge
        dirty[45, 38] = 255  # a speck in the box of the character
        alone = finding.cut_out(find(inked(mask)))
        assert np.array_equal(finding.cut_out(find(inked(dirty))), alone)

    @pytest.mark.parametrize("side", [24, 60, 150])
    @pytest.mark.parametrize("light", ["corners", "a shadow"])
    def test_a_small_character_on_unevenly_lit_paper_is_found(self, side: int, light: str) -> None:
        mask, at = canvas(600, 600), 240
        mask[at : at + side, at : at + side] = character(side // 10, side)
        down, across = np.mgrid[0:600, 0:600] / 600 - 0.5
        corners = 220 * (1 - 0.9 * (down**2 + across**2))
        paper = corners if light == "corners" else shadow(0.06, 0.9, 600)
        found = find(inked(mask, paper))
        wanted = find(inked(mask))
        assert quality.flags(*found) == quality.flags(*wanted)
        assert agreement(finding.cut_out(found), finding.cut_out(wanted)) > 0.8

    @pytest.mark.parametrize("degrees", [0, 4])
    @pytest.mark.parametrize(("inset", "pen"), [(4, 1), (8, 3), (10, 5)])
    def test_a_box_around_a_character_goes(self, inset: int, pen: int, degrees: float) -> None:
        box = canvas(128, 128)
        cv2.rectangle(box, (inset, inset), (127 - inset, 127 - inset), 255, pen)
        turn = cv2.getRotationMatrix2D((64, 64), degrees, 1)
        turned = np.asarray(cv2.warpAffine(box, turn, (128, 128))).astype(np.uint8)
        alone = character(8, 128)
        found = find(inked(alone | turned))
        assert agreement(finding.cut_out(found), finding.cut_out(find(inked(alone)))) > 0.9

    @pytest.mark.parametrize(("pen", "within"), [(6, 0), (6, 18), (3, 18), (6, 30)])
    def test_a_box_shaped_ring_with_little_in_it_or_of_a_bold_pen_stays(
        self, pen: int, within: int
    ) -> None:
        mask = canvas(128, 128)
        cv2.rectangle(mask, (40, 24), (88, 104), 255, pen)
        mask[45 : 45 + within, 49 : 49 + within] = 255
        assert cv2.boundingRect(find(inked(mask)).mask)[2:] == pytest.approx((55, 87), abs=4)

    @pytest.mark.parametrize("corners", [4, 40])
    def test_a_rhomb_or_a_round_ring_is_no_box(self, corners: int) -> None:
        mask, angles = canvas(128, 128), np.linspace(0, 2 * np.pi, corners, endpoint=False)
        ring = np.stack([64 + 34 * np.cos(angles), 64 + 50 * np.sin(angles)], 1).round()
        cv2.polylines(mask, [ring.astype(np.int32)], True, 255, 3)
        mask[44:84, 58:70] = 255
        assert cv2.boundingRect(find(inked(mask)).mask)[2:] == pytest.approx((71, 103), abs=4)

    @pytest.mark.parametrize("side", [30, 64, 160])
    @pytest.mark.parametrize("share", [0.04, 0.08])
    def test_a_pale_stroke_that_runs_out_is_no_uneven_light(self, side: int, share: float) -> None:
        mask, middle, speck = canvas(side, side), side // 2, max(2, side // 10)
        cv2.line(mask, (middle, side // 3), (middle, side), 255, max(2, round(share * side)))
        picture = inked(mask, strength=0.3)
        picture[speck : 2 * speck, -2 * speck : -speck] = 100
        assert find(picture).mask[2 * side // 3 :, middle].all()


class TestStrokes:
    @staticmethod
    def ring(width: int) -> Grey:
        """As large as ink is then, in its frame."""
        middle = ink.FRAME + ink.WORK_SIDE // 2
        mask = canvas(2 * middle, 2 * middle)
        cv2.circle(mask, (middle, middle), (ink.WORK_SIDE - width - 1) // 2, 255, width)
        return mask

    @pytest.mark.parametrize("width", [1, 2, 4, 8, 14, 20])
    def test_they_come_near_to_the_training_data(self, width: int) -> None:
        found = ink.stroke_width(ink.even_strokes(self.ring(width)))
        assert ink.THIN - 2.5 <= found <= ink.THICK + 1.5

    def test_good_ones_stay(self) -> None:
        mask = self.ring(7)
        assert np.array_equal(ink.even_strokes(mask), mask)

    def test_what_is_all_stroke_is_not_thinned_away(self) -> None:
        blob = np.pad(np.full((ink.WORK_SIDE,) * 2, 255, np.uint8), ink.FRAME)
        assert ink.even_strokes(blob).any()

    def test_thickened_strokes_fit_into_the_frame(self) -> None:
        assert not ink.border(ink.even_strokes(self.ring(1))).any()

    @pytest.mark.parametrize("width", [3, 6, 9])
    def test_a_width_is_what_was_drawn_and_its_fading_edges(self, width: int) -> None:
        mask = canvas(80, 80)
        mask[10:70, 30 : 30 + width] = 255
        assert ink.stroke_width(mask) == pytest.approx(width + 2, rel=0.1)


def test_a_mean_is_opencvs_to_the_last_bit() -> None:
    for pixels in range(1, 99):
        values = np.full((1, pixels), 96, np.uint8)
        assert ink.mean(values, values) == cv2.mean(values, values)[0]
