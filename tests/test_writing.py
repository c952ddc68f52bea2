"""Characters that were read become words, lines and text."""

from model.flags import NONE, Flag
from model.layout import Box
from model.writing import Written, lines_of, text_of


def written(label: str, box: Box, line: int, word: int, flags: Flag = NONE) -> Written:
    said = {"label": label, "confidence": 0.9, "uncertain": bool(flags), "flags": flags.names}
    return Written(said, box, line, word)


PAGE = [
    written("A", Box(10, 20, 8, 12), 0, 0),
    written("b", Box(20, 16, 6, 14), 0, 0),
    written("7", Box(60, 18, 9, 13), 0, 1),
    written("Z", Box(12, 50, 10, 11), 1, 0),
]


def test_words_are_parted_by_spaces_and_lines_by_breaks() -> None:
    assert text_of(lines_of(PAGE)) == "Ab 7\nZ"


def test_boxes_of_words_and_lines_hold_those_of_their_characters() -> None:
    first, second = lines_of(PAGE)
    assert first["box"] == [10, 16, 59, 16]
    assert [word["box"] for word in first["words"]] == [[10, 16, 16, 16], [60, 18, 9, 13]]
    assert second["words"][0]["characters"][0]["box"] == second["box"] == [12, 50, 10, 11]


def test_a_blank_cell_keeps_its_place_and_says_nothing() -> None:
    row = [
        written(label, Box(column * 30, 0, 30, 40), 0, column, flags)
        for column, (label, flags) in enumerate(
            [("4", NONE), ("l", Flag.BLANK), ("2", Flag.LOW_CONTRAST), ("l", Flag.BLANK)]
        )
    ]
    (line,) = lines_of(row)
    assert line["text"].split(" ") == ["4", "", "2", ""]
    assert [word["characters"][0]["label"] for word in line["words"]] == ["4", "l", "2", "l"]


def test_of_nothing_comes_nothing() -> None:
    assert lines_of([]) == []
    assert text_of([]) == ""
