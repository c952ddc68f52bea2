"""Sheets: pages, lines and grids are cut into the characters that were drawn on them."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.drawn import STROKES, draw, glyph
from model.files.images import BadImage, Grey
from model.flags import Flag
from model.glyph import Glyph
from model.ink.normalization import to_glyph
from model.layout import Box, Character, Kind, Layout
from model.sheets.choosing import choose
from model.sheets.cutting import cut
from model.sheets.paper import even
from model.sheets.parts import connected
from model.sheets.skew import skew, upright
from model.sheets.strokes import Group
from model.sheets.surroundings import is_sheet
from model.sheets.touching import readings
from model.sheets.words import word_gap, word_numbers
from training.sheets.alignment import distance, in_order, matches
from training.sheets.drawing import Drawn, Taking
from training.sheets.grids import Ruling, draw_grid
from training.sheets.pages import Writing, draw_page

from samples import page as lettered
from samples import ruled
from strategies import ANY_GREY

PAGE, LINE, GRID = Layout("page"), Layout("line"), Layout("grid")
PLAIN = Taking(degrees=0, tone=230, pen=40, grain=3)
ASKEW = replace(PLAIN, degrees=4.0)
PHOTOGRAPH = replace(PLAIN, degrees=-3.0, tilt=0.02, shadow=0.4, quality=70)
SMALL = Writing(lines=5, characters=10, width=1000, height=800, touching=0)


def glyphs(count: int, rng: np.random.Generator) -> Grey:
    """(count, 28, 28): characters whose strokes hang together and are no wider than high."""
    labels = [label for label in STROKES if label not in "MWm"]
    return np.stack([glyph(labels[each % len(labels)], rng) for each in rng.permutation(count)])


def page(taking: Taking, writing: Writing, rng: np.random.Generator) -> Drawn:
    return draw_page(glyphs(writing.lines * writing.characters, rng), writing, taking, rng)


def surrounded(sheet: Drawn, widths: tuple[int, int, int, int], tone: int) -> Drawn:
    """The sheet with an edge of so many pixels, above, below, left and right."""
    above, below, left, right = widths
    pixels = np.pad(sheet.pixels, ((above, below), (left, right)), constant_values=tone)
    move = [
        replace(each, box=each.box._replace(left=each.box.left + left, top=each.box.top + above))
        for each in sheet.placed
    ]
    return Drawn(np.asarray(cv2.GaussianBlur(pixels, (3, 3), 0)).astype(np.uint8), move)


def headed(side: int, rng: np.random.Generator) -> Grey:
    """Four large characters above three lines of small ones."""
    above, below = (
        lettered(["HEAD"], rng, 150),
        lettered(["ABE 4R7 HKZ", "2F8 GU", "L4P 36X"], rng, side),
    )
    below = np.pad(below, ((0, 0), (0, above.shape[1] - below.shape[1])), constant_values=235)
    return np.concatenate([above, below])


def dotted(radius: int, places: list[tuple[int, int]]) -> Grey:
    """Six lines of eight capitals, 44 pixels high, with round spots beside each; from its lower left."""
    sheet = np.full((620, 760), 235, np.uint8)
    for number in range(48):
        left, bottom = 40 + 84 * (number % 8), 90 + 96 * (number // 8)
        letter = "ABEHKMNRX"[number % 9]
        cv2.putText(sheet, letter, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, 2, 30, 5)
        for across, above in places:
            cv2.circle(sheet, (left + across, bottom - above), radius, 30, -1)
    return sheet


def standing(found: list[Character]) -> list[Character]:
    """As if the network were equally sure of everything."""
    return [found[index] for index in choose(found, [0.9] * len(found))]


def expect_whole(sheet: Drawn, found: list[Character]) -> None:
    """Every place is found, in order, in its line and word, and nothing else."""
    matched = matches([each.box for each in sheet.placed], [each.box for each in found])
    assert in_order(matched) == len(sheet.placed) == len(found)
    assert [(each.line, each.word) for each in found] == [
        (each.line, each.word) for each in sheet.placed
    ]


def expect_all(sheet: Drawn, found: list[Character]) -> None:
    """Every place is found, in order."""
    matched = matches([each.box for each in sheet.placed], [each.box for each in found])
    assert in_order(matched) == len(sheet.placed)


class TestPages:
    @pytest.mark.parametrize("taking", [PLAIN, ASKEW, PHOTOGRAPH], ids=["plain", "askew", "photograph"])
    def test_every_character_is_found_in_order(self, taking: Taking, rng: np.random.Generator) -> None:
        sheet = page(taking, SMALL, rng)
        expect_whole(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_ruled_paper_is_read_as_plain_paper(self, rng: np.random.Generator) -> None:
        sheet = page(ASKEW, replace(SMALL, rules=True), rng)
        expect_whole(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_chalk_on_a_board_is_read_as_ink_on_paper(self, rng: np.random.Generator) -> None:
        sheet = page(PLAIN, SMALL, rng)
        expect_whole(sheet, standing(cut(255 - sheet.pixels, "emnist", PAGE)))

    @pytest.mark.parametrize("layout", [PAGE, LINE])
    def test_bold_chalk_that_fills_a_board_is_no_paper(
        self, layout: Layout, rng: np.random.Generator
    ) -> None:
        line = page(PLAIN, replace(SMALL, lines=1, height=240), rng)
        boxes = np.array([each.box for each in line.placed])
        top, bottom = boxes[:, 1].min(), (boxes[:, 1] + boxes[:, 3]).max()
        bold = cv2.erode(line.pixels[top:bottom, boxes[0, 0] - 2 : 660], np.ones((7, 7), np.uint8))
        found = standing(cut(255 - np.asarray(bold).astype(np.uint8), "emnist", layout))
        assert [tuple(each.box) for each in found] == [
            tuple(each.box)
            for each in standing(cut(np.asarray(bold).astype(np.uint8), "emnist", layout))
        ]
        assert len(found) > 5

    def test_a_line_is_one_line(self, rng: np.random.Generator) -> None:
        line = replace(SMALL, lines=1, height=240)
        sheet = page(PLAIN, line, rng)
        expect_whole(sheet, standing(cut(sheet.pixels, "emnist", LINE)))

    def test_skew_is_measured(self, rng: np.random.Generator) -> None:
        for degrees in (-5.0, -2.0, 0.0, 2.0, 5.0):
            sheet = page(replace(PLAIN, degrees=degrees), SMALL, rng)
            assert abs(skew(even(sheet.pixels).prints) - degrees) < 0.7

    def test_a_strip_that_turned_would_be_twice_as_large_stays_askew(self) -> None:
        strip = np.full((900, 9000), 235, np.uint8)
        for top in range(-1400, 900, 120):
            cv2.line(strip, (0, top), (9000, top + 1105), 30, 24)
        paper = even(strip)
        assert abs(skew(paper.prints) - 7) < 0.2
        assert upright(paper) is paper

    @pytest.mark.parametrize("width", [25, 35, 40, 60])
    def test_a_black_edge_does_not_turn_a_page(self, width: int, rng: np.random.Generator) -> None:
        sheet = lettered(["ABE 4R7 HK", "2F8 GQ", "MNPT 36 X"], rng)
        edged = np.pad(sheet, ((0, 0), (width, 0)), constant_values=0)
        assert abs(skew(even(edged).prints)) < 1

    @pytest.mark.parametrize("tone", [0, 60, 110])
    @pytest.mark.parametrize("width", [3, 30, 80, 250])
    @pytest.mark.parametrize("taking", [PLAIN, ASKEW], ids=["plain", "askew"])
    def test_dark_surroundings_hide_nothing(
        self, taking: Taking, width: int, tone: int, rng: np.random.Generator
    ) -> None:
        sheet = surrounded(page(taking, SMALL, rng), (width,) * 4, tone)
        found = standing(cut(sheet.pixels, "emnist", PAGE))
        expect_whole(sheet, found)
        assert not any(each.glyph.flags & Flag.TOUCHES_EDGE for each in found)

    @pytest.mark.parametrize("width", [3, 30, 60])
    def test_a_black_edge_beside_a_line_is_no_character(
        self, width: int, rng: np.random.Generator
    ) -> None:
        line = page(PLAIN, replace(SMALL, lines=1, height=240), rng)
        sheet = surrounded(line, (0, 0, width, 0), 10)
        expect_whole(sheet, standing(cut(sheet.pixels, "emnist", LINE)))

    def test_a_page_on_a_dark_table_is_read(self, rng: np.random.Generator) -> None:
        sheet = page(PLAIN, SMALL, rng).pixels
        there = cv2.getRotationMatrix2D((500, 400), 7, 1)
        table = np.asarray(cv2.warpAffine(sheet, there, (1000, 800), borderValue=60)).astype(np.uint8)
        found = standing(cut(table, "emnist", PAGE))
        assert [sum(each.line == line for each in found) for line in range(6)] == [10] * 5 + [0]

    @pytest.mark.parametrize("pen", [40, 100], ids=["white", "faint"])
    @pytest.mark.parametrize(
        "widths",
        [(140, 0, 0, 0), (400, 0, 0, 0), (0, 0, 250, 0), (0, 0, 0, 400), (0, 0, 0, 1000)],
        ids=["banner", "wide banner", "column", "wall", "wide wall"],
    )
    def test_a_bright_area_beside_chalk_is_no_sheet(
        self, widths: tuple[int, int, int, int], pen: int, rng: np.random.Generator
    ) -> None:
        board = page(replace(PLAIN, pen=pen), SMALL, rng)
        sheet = surrounded(replace(board, pixels=255 - board.pixels), widths, 225)
        expect_all(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_an_empty_card_beside_chalk_is_no_sheet(self, rng: np.random.Generator) -> None:
        board = page(PLAIN, SMALL, rng)
        sheet = surrounded(replace(board, pixels=255 - board.pixels), (0, 0, 0, 500), 25)
        sheet.pixels[50:700, 1040:1440] = 225
        expect_all(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_a_card_with_writing_beside_chalk_is_no_sheet(self, rng: np.random.Generator) -> None:
        board, card = page(PLAIN, SMALL, rng), page(PLAIN, SMALL, rng)
        sheet = replace(board, pixels=np.hstack([255 - board.pixels, card.pixels[:, :500]]))
        expect_all(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_the_grain_of_a_table_is_no_chalk(self, rng: np.random.Generator) -> None:
        sheet = surrounded(page(PLAIN, SMALL, rng), (200,) * 4, 40)
        grain = cv2.GaussianBlur(rng.normal(0, 1, sheet.pixels.shape), (0, 0), 20, sigmaY=2)
        grain[200:-200, 200:-200] = 0
        table = np.clip(sheet.pixels + 30 * grain / grain.std(), 0, 255).astype(np.uint8)
        expect_whole(sheet, standing(cut(table, "emnist", PAGE)))

    @pytest.mark.parametrize("tone", [40, 80])
    @pytest.mark.parametrize("width", [150, 250])
    def test_an_empty_sheet_on_a_table_has_no_characters(
        self, width: int, tone: int, rng: np.random.Generator
    ) -> None:
        table = np.pad(np.full((800, 600), 235.0), width, constant_values=tone)
        grain = rng.normal(0, 3, table.shape)
        assert cut(np.clip(table + grain, 0, 255).astype(np.uint8), "emnist", PAGE) == []

    @pytest.mark.parametrize("layout", [PAGE, LINE])
    @pytest.mark.parametrize("thick", [4, 16])
    @pytest.mark.parametrize("word", ["HOTEL", "TELEFON"])
    def test_a_tight_word_of_chalk_is_read_as_ink(self, word: str, thick: int, layout: Layout) -> None:
        sheet = np.full((140, 90 * len(word)), 25, np.uint8)
        for at, letter in enumerate(word):
            cv2.putText(sheet, letter, (20 + 84 * at, 110), cv2.FONT_HERSHEY_SIMPLEX, 3, 230, thick)
        left, top, width, height = cv2.boundingRect(np.where(sheet > 128, sheet, 0))
        tight = sheet[top : top + height, left : left + width]
        for pixels in (tight, 255 - tight):
            assert len(standing(cut(pixels, "emnist", layout))) == len(word)

    def test_what_is_written_in_a_shadow_is_read(self, rng: np.random.Generator) -> None:
        sheet = page(PLAIN, SMALL, rng)
        sheet.pixels[:, 600:] //= 2
        expect_whole(sheet, standing(cut(sheet.pixels, "emnist", PAGE)))

    def test_a_character_that_surroundings_cut_off_is_flagged(self, rng: np.random.Generator) -> None:
        sheet = page(PLAIN, SMALL, rng)
        first = sheet.placed[0].box
        cropped = sheet.pixels[:, first.left - 20 :].copy()
        cropped[:, : 20 + first.width // 3] = 20
        found = standing(cut(cropped, "emnist", PAGE))
        flagged = [bool(each.glyph.flags & Flag.TOUCHES_EDGE) for each in found]
        assert flagged[0]
        assert sum(flagged) < 6

    def test_a_stem_along_the_edge_of_a_tight_picture_is_written(self, rng: np.random.Generator) -> None:
        line = page(PLAIN, replace(SMALL, lines=1, height=240), rng)
        boxes = np.array([each.box for each in line.placed])
        top, bottom = boxes[:, 1].min(), (boxes[:, 1] + boxes[:, 3]).max()
        tight = line.pixels[top:bottom, boxes[0, 0] - 8 :].copy()
        tight[:, :7] = 40
        found = standing(cut(tight, "emnist", LINE))
        assert len(found) == len(line.placed)

    def test_what_is_written_below_a_heading_is_read(self, rng: np.random.Generator) -> None:
        found = standing(cut(headed(50, rng), "emnist", PAGE))
        assert [each.line for each in found] == [0] * 4 + [1] * 9 + [2] * 5 + [3] * 6
        assert [each.word for each in found if each.line == 0] == [0] * 4
        assert not any(each.glyph.flags for each in found)

    def test_a_heading_is_flagged_where_what_is_below_is_too_small(
        self, rng: np.random.Generator
    ) -> None:
        found = standing(cut(headed(20, rng), "emnist", PAGE))
        assert len(found) == 4
        assert all(each.glyph.flags & Flag.TOO_SMALL for each in found)

    @pytest.mark.parametrize(
        "places",
        [[(58, 2)], [(58, 2), (70, 2)], [(58, 2), (58, 20)], [(8, 56), (26, 56)]],
        ids=["full stops", "leaders", "colons", "two dots"],
    )
    @pytest.mark.parametrize("radius", [4, 5])
    def test_dots_are_no_lines_below_a_heading(self, radius: int, places: list[tuple[int, int]]) -> None:
        found = standing(cut(dotted(radius, places), "emnist", PAGE))
        assert {each.line for each in found} == set(range(6))
        assert sum(each.box.height > 30 for each in found) == 48
        assert not any(each.glyph.flags & Flag.TOO_SMALL for each in found)

    def test_tick_boxes_are_no_lines_below_a_heading(self) -> None:
        sheet = np.pad(dotted(1, []), ((0, 0), (0, 400)), constant_values=235)
        for top in range(20, 600, 70):
            for left in range(800, 1120, 60):
                cv2.rectangle(sheet, (left, top), (left + 14, top + 14), 30, 2)
        found = standing(cut(sheet, "emnist", PAGE))
        assert len(found) == 48
        assert not any(each.glyph.flags for each in found)

    def test_dust_is_no_writing_too_small_to_be_read(self) -> None:
        sheet = np.full((900, 700), 240, np.uint8)
        cv2.putText(sheet, "ABE", (60, 300), cv2.FONT_HERSHEY_SIMPLEX, 6, 30, 14)
        for number in range(7):
            cv2.circle(sheet, (50 + 90 * number, 700 + 20 * (number % 3)), 5, 60, -1)
        found = standing(cut(sheet, "emnist", PAGE))
        assert len(found) == 3
        assert not any(each.glyph.flags for each in found)

    def test_a_glyph_is_that_of_the_character_alone(self, rng: np.random.Generator) -> None:
        sheet = np.full((90, 260), 235, np.uint8)
        drawn = [draw(label, rng) for label in "5Ak" if label in STROKES] + [draw("B", rng)]
        for number, one in enumerate(drawn):
            sheet[13:77, 10 + 80 * number : 74 + 80 * number] = np.minimum(one, 235)
        found = standing(cut(sheet, "emnist", LINE))
        assert len(found) == len(drawn)
        for each, one in zip(found, drawn, strict=True):
            alone = to_glyph(one, "emnist")
            assert np.corrcoef(each.glyph.pixels.ravel(), alone.ravel())[0, 1] > 0.8
            assert not each.glyph.flags

    def test_a_drawing_beside_the_lines_is_no_character(self) -> None:
        sheet = np.pad(dotted(1, []), ((0, 0), (0, 200)), constant_values=235)
        cv2.ellipse(sheet, (860, 260), (80, 200), 0, 0, 360, 30, 5)
        assert len(standing(cut(sheet, "emnist", PAGE))) == 48

    @pytest.mark.parametrize("layout", [PAGE, LINE])
    def test_a_stroke_from_edge_to_edge_of_a_tight_picture_is_no_rule(self, layout: Layout) -> None:
        picture = np.full((40, 200), 235, np.uint8)
        for left in (0, 40, 60, 100, 140):
            picture[:, left : left + 4] = 30
        picture[18:22, :60] = 30  # a letter of two stems, then two strokes alone
        found = standing(cut(picture, "emnist", layout))
        assert [tuple(each.box) for each in found][-2:] == [(100, 0, 4, 40), (140, 0, 4, 40)]

    def test_dots_and_broken_strokes_belong_to_their_character(self) -> None:
        sheet = np.full((120, 300), 240, np.uint8)
        for left in (40, 110, 180):
            cv2.line(sheet, (left, 45), (left, 90), 30, 5)
            cv2.circle(sheet, (left, 30), 4, 30, -1)
        cv2.line(sheet, (240, 30), (240, 58), 30, 5)
        cv2.line(sheet, (241, 64), (241, 90), 30, 5)
        found = standing(cut(sheet, "emnist", LINE))
        assert [each.box.top for each in found] == pytest.approx([26, 26, 26, 28], abs=2)

    def test_two_that_touch_are_offered_as_one_and_as_two(self, rng: np.random.Generator) -> None:
        sheet = np.full((120, 600), 240, np.uint8)
        for left in (30, 110, 190, 320, 380, 480):
            cv2.circle(sheet, (left + 30, 60), 28, 30, 5)
        found = cut(sheet, "emnist", LINE)
        (pair,) = {each.group for each in found if each.reading}
        rivals = [each for each in found if each.group == pair]
        assert rivals[0].box.width == pytest.approx(119, abs=4)
        sure = [0.5 if each.group == pair and not each.reading else 0.9 for each in found]
        kept = [found[index] for index in choose(found, sure)]
        assert len(kept) == 6
        assert [each.box.left for each in kept] == pytest.approx([30, 110, 190, 320, 380, 480], abs=6)
        assert len(choose(found, [0.9 if not each.reading else 0.5 for each in found])) == 5

    @pytest.mark.parametrize("layout", [PAGE, LINE])
    def test_empty_paper_has_no_characters(self, layout: Layout, rng: np.random.Generator) -> None:
        for paper in (np.zeros((50, 80), np.uint8), np.full((400, 300), 255, np.uint8)):
            assert cut(paper, "emnist", layout) == []
        assert cut(rng.normal(220, 5, (400, 300)).astype(np.uint8), "emnist", layout) == []

    def test_one_character_is_a_page(self, rng: np.random.Generator) -> None:
        (found,) = standing(cut(draw("A", rng, 200), "emnist", PAGE))
        assert (found.line, found.word) == (0, 0)
        assert 80 < found.box.height < 200

    def test_more_than_can_be_read_is_refused(self) -> None:
        dots = np.full((1200, 1200), 240, np.uint8)
        dots[::10, ::10] = 0
        dots = cv2.erode(dots, np.ones((5, 5), np.uint8))
        with pytest.raises(BadImage, match="at most 10,000"):
            cut(np.asarray(dots).astype(np.uint8), "emnist", PAGE)


class TestGrids:
    @pytest.mark.parametrize("taking", [PLAIN, ASKEW, PHOTOGRAPH], ids=["plain", "askew", "photograph"])
    @pytest.mark.parametrize(
        "ruling",
        [Ruling(6, 8), Ruling(3, 12, apart=40), Ruling(8, 5, cell=60, thick=2, ink=0.4), Ruling(1, 6)],
        ids=["grid", "combs", "faint", "one row"],
    )
    def test_every_ruled_cell_is_found(
        self, ruling: Ruling, taking: Taking, rng: np.random.Generator
    ) -> None:
        sheet = draw_grid(glyphs(ruling.rows * ruling.columns, rng), ruling, taking, rng)
        found = cut(sheet.pixels, "emnist", GRID)
        expect_whole(sheet, found)
        blank = [bool(each.glyph.flags & Flag.BLANK) for each in found]
        assert blank == [each.index < 0 for each in sheet.placed]
        assert blank == [not each.glyph.pixels.any() for each in found]

    def test_a_rule_that_is_broken_hides_no_cell(self, rng: np.random.Generator) -> None:
        sheet = draw_grid(glyphs(48, rng), Ruling(6, 8), PLAIN, rng)
        cell = sheet.placed[19].box
        sheet.pixels[cell.top + 20 : cell.top + 60, cell.left - 10 : cell.left + 6] = 230
        expect_whole(sheet, cut(sheet.pixels, "emnist", GRID))

    def test_without_rules_the_picture_is_divided_evenly(self, rng: np.random.Generator) -> None:
        sheet = np.block([[draw(label, rng) for label in row] for row in ("A7B", "2EH")])
        found = cut(sheet, "emnist", Layout("grid", 2, 3))
        assert [each.box for each in found] == [
            Box(64 * column, 64 * row, 64, 64) for row in range(2) for column in range(3)
        ]
        assert all(each.glyph.pixels.any() for each in found)

    def test_a_room_within_a_letter_is_no_ruled_cell(self) -> None:
        sheet = np.full((300, 600), 235, np.uint8)
        cv2.rectangle(sheet, (20, 20), (70, 90), 30, 6)
        assert len(cut(sheet, "emnist", Layout("grid", 3, 6))) == 18
        with pytest.raises(BadImage, match="no ruled cells were found"):
            cut(sheet, "emnist", GRID)

    def test_ruled_cells_are_never_divided_anew(self, rng: np.random.Generator) -> None:
        with pytest.raises(BadImage, match="2 x 3 were found, not 4 x 4"):
            cut(ruled(["AB3", "4RK"], rng), "emnist", Layout("grid", 4, 4))

    def test_a_speck_in_a_cell_is_no_part_of_its_character(self, rng: np.random.Generator) -> None:
        sheet = draw_grid(glyphs(6, rng), Ruling(2, 3), PLAIN, rng)
        clean = cut(sheet.pixels, "emnist", GRID)
        for left, top, width, height in (each.box for each in clean):
            across, down = left + round(0.82 * width), top + round(0.16 * height)
            sheet.pixels[down : down + 2, across : across + 2] = 40
        for before, after in zip(clean, cut(sheet.pixels, "emnist", GRID), strict=True):
            assert np.array_equal(before.glyph.pixels, after.glyph.pixels)

    def test_a_cell_with_nothing_but_a_speck_is_blank(self, rng: np.random.Generator) -> None:
        sheet = draw_grid(glyphs(6, rng), Ruling(2, 3, blank=1), PLAIN, rng)
        for left, top, width, height in (each.box for each in sheet.placed):
            sheet.pixels[top + height // 2 :, left + width // 2 :][:6, :6] = 40
        found = cut(sheet.pixels, "emnist", GRID)
        assert [each.glyph.flags for each in found] == [Flag.BLANK] * 6

    def test_rows_of_a_form_that_differ_in_length_stay_as_they_are(
        self, rng: np.random.Generator
    ) -> None:
        sheet = draw_grid(glyphs(18, rng), Ruling(3, 6, apart=40), PLAIN, rng)
        third = sheet.placed[8].box
        sheet.pixels[third.top - 10 :, third.left + third.width + 6 :] = 230
        assert [each.line for each in cut(sheet.pixels, "emnist", GRID)] == [0] * 6 + [1] * 3 + [2] * 3

    def test_other_cells_than_asked_for_are_refused_with_what_to_do(
        self, rng: np.random.Generator
    ) -> None:
        sheet = draw_grid(glyphs(48, rng), Ruling(6, 8), PLAIN, rng)
        assert len(cut(sheet.pixels, "emnist", Layout("grid", 6, 8))) == 48
        with pytest.raises(BadImage, match=r"6 x 8 were found, not 6 x 9: correct rows"):
            cut(sheet.pixels, "emnist", Layout("grid", 6, 9))
        with pytest.raises(BadImage, match="no ruled cells were found: give rows"):
            cut(page(PLAIN, SMALL, rng).pixels, "emnist", GRID)
        with pytest.raises(BadImage, match="at most 10,000"):
            cut(np.full((50, 60), 200, np.uint8), "emnist", Layout("grid", 51, 60))


class TestSurroundings:
    @pytest.mark.parametrize(
        ("boxes", "large"),
        [
            ([(30, 20, 60, 60)], True),
            ([(0, 0, 20, 20)], False),
            ([(0, 40, 100, 20), (40, 0, 20, 100)], False),
        ],
        ids=["sheet", "patch", "cross"],
    )
    def test_a_sheet_is_a_large_rectangle(
        self, boxes: list[tuple[int, int, int, int]], large: bool
    ) -> None:
        paper = np.zeros((100, 100), np.uint8)
        for left, top, width, height in boxes:
            paper[top : top + height, left : left + width] = 255
        assert is_sheet(paper) is large


class TestTouching:
    @pytest.mark.parametrize("count", [2, 3])
    def test_characters_that_touch_may_be_cut_apart(self, count: int) -> None:
        mask = np.zeros((60, 40 * count), np.uint8)
        for at in range(count):
            cv2.ellipse(mask, (40 * at + 20, 30), (18, 28), 0, 0, 360, 255, 4)
        whole, *rivals = readings(mask, 60)
        assert len(whole) == 1
        assert [40] * count in [[np.count_nonzero(each.any(axis=0)) for each in one] for one in rivals]

    def test_what_a_cut_leaves_of_a_neighbour_belongs_to_nobody(self) -> None:
        mask = np.zeros((60, 90), np.uint8)
        for middle in (20, 65):
            cv2.ellipse(mask, (middle, 26), (18, 22), 0, 0, 360, 255, 4)
        cv2.line(mask, (34, 55), (66, 50), 255, 4)  # the tail of the second reaches below the first
        _, (left, right), *_ = readings(mask, 60)
        assert (len(connected(left)), len(connected(right))) == (1, 1)


class TestWords:
    def test_a_gap_half_as_wide_as_the_writing_is_high_parts_words(self) -> None:
        line = [Group((), (left, 0, left + 40, 60)) for left in (0, 48, 120, 168)]
        assert word_numbers(line, word_gap([line], 60)) == [0, 0, 1, 1]

    def test_gaps_that_are_all_alike_part_none(self) -> None:
        line = [Group((), (left, 0, left + 40, 60)) for left in (0, 70, 140, 210)]
        assert word_numbers(line, word_gap([line], 60)) == [0, 0, 0, 0]


class TestChoosing:
    @staticmethod
    def character(group: int, reading: int) -> Character:
        return Character(Glyph(np.zeros((28, 28), np.uint8)), Box(0, 0, 1, 1), 0, 0, group, reading)

    def test_of_rivals_the_surest_on_average_stands(self) -> None:
        those = [self.character(*each) for each in ((0, 0), (1, 0), (1, 1), (1, 1), (2, 0))]
        assert choose(those, [0.1, 0.7, 0.9, 0.6, 0.2]) == [0, 2, 3, 4]
        assert choose(those, [0.1, 0.8, 0.9, 0.6, 0.2]) == [0, 1, 4]
        assert choose(those, [0.1, 0.75, 0.9, 0.6, 0.2]) == [0, 1, 4]
        assert choose([], []) == []

    def test_a_confidence_for_each_is_asked_for(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            choose([self.character(0, 0)], [])


class TestAlignment:
    def test_places_are_matched_once_and_in_order(self) -> None:
        truth = [Box(10 * at, 0, 8, 8) for at in range(4)]
        assert matches(truth, truth) == [0, 1, 2, 3]
        assert matches(truth, [truth[2], truth[0], Box(90, 0, 8, 8)]) == [1, -1, 0, -1]
        assert in_order([1, -1, 0, -1]) == 1
        assert in_order([0, 3, 1, 2]) == 3
        assert matches(truth, []) == [-1] * 4

    def test_texts_differ_by_their_least_changes(self) -> None:
        assert distance("kitten", "sitting") == 3
        assert distance("", "abc") == distance("abc", "") == 3
        assert distance("same", "same") == 0


class TestAnything:
    @given(
        grey=ANY_GREY,
        layout=st.sampled_from([PAGE, LINE, GRID, Layout("grid", 2, 3)]),
        normalization=st.sampled_from(["emnist", "mnist", None]),
    )
    @settings(max_examples=100, deadline=None)
    def test_any_pixels_are_cut_or_refused(
        self, grey: Grey, layout: Layout, normalization: None
    ) -> None:
        try:
            found = cut(grey, normalization, layout)
        except BadImage:
            assert layout.kind == "grid"
            return
        for each in found:
            assert each.glyph.pixels.shape == (28, 28)
            assert each.glyph.pixels.dtype == np.uint8
            assert min(each.box) >= 0
            assert each.box.left + each.box.width <= grey.shape[1]
            assert each.box.top + each.box.height <= grey.shape[0]

    @pytest.mark.parametrize("layout", [PAGE, GRID])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 65_535), (65_535, 1), (3, 65_535), (900, 900)])
    def test_no_shape_is_too_odd(
        self, shape: tuple[int, int], layout: Layout, rng: np.random.Generator
    ) -> None:
        for pixels in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
            if layout == GRID:
                with pytest.raises(BadImage, match="no ruled cells"):
                    cut(pixels, "emnist", layout)
            else:
                assert len(cut(pixels, "emnist", layout)) < 10

    @pytest.mark.parametrize("layout", [PAGE, LINE])
    def test_a_strip_of_any_length_is_read(self, layout: Layout) -> None:
        strip = np.full((12, 65_535), 240, np.uint8)
        for number, left in enumerate(range(1000, 61_000, 1000)):
            strip[1 + number // 12 : 7 + number // 12, left : left + 4] = 20
        assert len(standing(cut(strip, "emnist", layout))) == 60


@pytest.mark.parametrize("kind", ["line", "page"])
def test_more_characters_than_are_read_of_an_image_are_refused(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.full((60, 400), 240, np.uint8)
    for left in range(20, 380, 40):
        drawn[10:50, left : left + 6] = 30
    found = cut(drawn, "emnist", Layout(kind))
    monkeypatch.setattr("model.sheets.page.MOST_CHARACTERS", {kind: len(found)})
    assert len(cut(drawn, "emnist", Layout(kind))) == len(found) >= 9
    monkeypatch.setattr("model.sheets.page.MOST_CHARACTERS", {kind: len(found) - 1})
    with pytest.raises(BadImage, match="characters, rival readings included"):
        cut(drawn, "emnist", Layout(kind))
