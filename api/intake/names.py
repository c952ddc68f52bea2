"""File names from clients: labels for results, never paths of ours. A custom_id is no file name."""

import re
from collections.abc import Sequence

from ..problems import Problem

LONGEST = 255
_PLAIN = re.compile(r"[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*")
_ALL_PLAIN = re.compile(rf"(?:{_PLAIN.pattern}\n)*+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DRIVE = re.compile(r"^[A-Za-z]:/")


def safe_name(name: str) -> str:
    """`name` with forward slashes and no control characters. Raises the problem `unsafe-name`."""
    if _PLAIN.fullmatch(name):  # nearly all
        return name[-LONGEST:]
    name = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", name).replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise Problem("unsafe-name", f"Rename {name[:80]!r}: no absolute paths, no '..'.")
    return name[-LONGEST:]


def safe_names(names: Sequence[str]) -> Sequence[str]:
    """`safe_name` of each; plain names are checked all at once. Raises the problem `unsafe-name`."""
    text = "".join(f"{name}\n" for name in names)
    plain = (
        _ALL_PLAIN.fullmatch(text)
        and text.count("\n") == len(names)
        and max(map(len, names), default=0) <= LONGEST
    )
    return names if plain else [safe_name(each) for each in names]
