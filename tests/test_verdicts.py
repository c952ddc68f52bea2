"""Verdicts on pictures: what is flagged, what is uncertain, and what would not be if more were known."""

from dataclasses import replace

import numpy as np

from model.card import Card
from model.flags import NONE, Flag
from training.measures.scans import ScanResult
from training.measures.verdicts import Verdicts
from training.rejects.trial import _good_table, _junk_table, record
from training.sets.catalogue import BALANCED, DIGITS
from training.sets.readers.meaning import NO_LABEL

CARD = Card(
    "a", {"kind": "convnet"}, BALANCED, "emnist", 0.1, 0.3, 1, temperature=2.0, uncertain_below=0.95
)


def verdicts(*pictures: tuple[str, str, Flag, Flag]) -> Verdicts:
    """On pictures, each of a character (or of none: ""), read as one of some that are nearly as likely,
    flagged by its pixels and by the screen."""
    truth, read, quality, screened = zip(*pictures, strict=True)
    likely = [[-0.01 * some.find(each) if each in some else -30.0 for each in BALANCED] for some in read]
    classes = [BALANCED.index(each) if each else NO_LABEL for each in truth]
    flags = (np.array(bits, np.uint8) for bits in (quality, screened))
    return Verdicts("some", CARD, *flags, np.array(likely, np.float32), np.array(classes, np.uint8))


SOME = verdicts(
    ("0", "0O", NONE, NONE),
    ("A", "A4", NONE, NONE),
    ("B", "9AB", NONE, NONE),
    ("", "4A", NONE, NONE),
    ("7", "7", NONE, NONE),
    *[("7", "7", Flag.TOUCHES_EDGE, NONE)] * 2,
    ("7", "7", NONE, Flag.SEVERAL_CHARACTERS),
)


def test_what_is_flagged_or_too_little_likely_is_uncertain() -> None:
    assert SOME.flagged.tolist() == [False] * 5 + [True] * 3
    assert SOME.uncertain.tolist() == [True] * 4 + [False] + [True] * 3
    nearly = replace(SOME, logits=np.maximum(SOME.logits, -12))
    assert nearly.uncertain.all(), "as likely as calibration says"


def test_within_its_charset_or_with_look_alikes_as_one_less_is_uncertain() -> None:
    assert SOME.uncertain_in_charset.tolist() == [False, False, True, True, False, *[True] * 3]
    assert SOME.uncertain_merged.tolist() == [False, True, True, True, False, *[True] * 3]
    digits = replace(
        SOME, card=replace(CARD, labels=DIGITS), logits=SOME.logits[:, :10], truth=np.zeros(8, np.uint8)
    )
    assert digits.uncertain_in_charset.tolist() == digits.uncertain.tolist()


def test_the_tables_say_what_passes() -> None:
    ((kind, count, *shares, passes),) = _junk_table([SOME]).rows
    assert (kind, count, passes) == ("some", "8", "no")
    assert shares == ["25.0 %", "12.5 %", "37.5 %", "87.5 %"]
    assert (
        _junk_table([verdicts(*[("", "4A", NONE, NONE)] * 19, ("7", "7", NONE, NONE))]).rows[0][-1]
        == "yes"
    )
    ((*_, passes, in_charset, merged),) = _good_table([SOME]).rows
    assert (passes, in_charset, merged) == ("no", "62.5 %", "75.0 %")
    flagged = [("7", "7", Flag.TOUCHES_EDGE, NONE)]
    assert _good_table([verdicts(*flagged, *[("A", "A4", NONE, NONE)] * 19)]).rows[0][6] == "yes"
    said = record(SOME)
    assert (said["flagged"], said["uncertain"]) == (3 / 8, 7 / 8)


def test_scans_are_told_with_every_flag() -> None:
    found = ScanResult("a", "scans", "reported", SOME)
    flagged = [found.flagged[name] for name in ("blank", "touches_edge", "several_characters")]
    assert (flagged, found.uncertain) == ([0, 2 / 8, 1 / 8], 7 / 8)
    assert (found.top1, found.top3) == (6 / 8, 7 / 8)
