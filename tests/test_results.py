"""Results: what a page says as a whole."""

from model.flags import NONE, Flag
from model.layout import Box
from worker.ledger.results import Answer, Found, Page


def found(p: float, *, uncertain: bool = False, flags: Flag = NONE) -> Found:
    return Found(Answer((1,), (p,), uncertain, flags), Box(0, 0, 1, 1), 0, 0)


def test_a_page_says_what_its_characters_say() -> None:
    page = Page((found(0.5), found(1.0)))
    assert (page.confidence, page.uncertain, page.flags) == (0.75, False, NONE)


def test_a_page_is_uncertain_if_any_character_is() -> None:
    torn = found(0.5, uncertain=True, flags=Flag.TOUCHES_EDGE)
    page = Page((found(1.0), torn, found(1.0, uncertain=True, flags=Flag.TOO_SMALL)))
    assert (page.uncertain, page.flags) == (True, Flag.TOUCHES_EDGE | Flag.TOO_SMALL)


def test_a_page_without_characters_is_blank_and_uncertain() -> None:
    page = Page(())
    assert (page.confidence, page.uncertain, page.flags) == (None, True, Flag.BLANK)
