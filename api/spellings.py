"""How ids and cursors are spelled: patterns for requests and /docs, and words for who got one wrong."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

JOB_ID = r"^[A-Za-z0-9_-]{1,64}$"
WEBHOOK_ID = r"^(wh_[0-9a-f]{32}|callback)$"
DELIVERY_ID = r"^msg_[0-9a-f]{40}$"
CURSOR = r"^\(?[0-9]{1,16}$"
KEY, LONGEST_KEY = "^[!-~]([ -~]*[!-~])?$", 255
"""Of an Idempotency-Key."""
INDEX = r"^(0|[1-9][0-9]{0,8})$"
"""Each index can be written in one way only: of two labels for an image, one would be lost."""

WORDS: Mapping[str, str] = {
    JOB_ID: "an id of a job has 1 to 64 letters, digits, - and _",
    WEBHOOK_ID: "an id of an endpoint is wh_ and 32 hexadecimal digits, or the word callback",
    DELIVERY_ID: "an id of a delivery is msg_ and 40 hexadecimal digits",
    CURSOR: "a cursor is the next_cursor of another page",
    INDEX: "an index is a number from 0, without leading zeros",
}


def reason(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, without regular expressions and names of Python's errors."""
    said: str = error["msg"].removeprefix("Value error, ")
    return WORDS.get(error.get("ctx", {}).get("pattern", ""), said)


def unknown_parameter(name: str, known: Collection[str]) -> str:
    """What is said of a parameter that is none of `known`."""
    shown = name[:80]
    if nearest := get_close_matches(shown, known, 1):
        return f"{shown}: no such parameter; the nearest is {nearest[0]}"
    advice = f"known are {', '.join(known)}" if known else "leave it out"
    return f"{shown}: no such parameter; {advice}"
