"""Names of letters in files and folders: `upper_A` and `lower_a`, since some file systems ignore case.

Exports of the gateway and of training are written with them, and data sets are read by them.
"""

import re

_CASED = re.compile(r"(upper|lower)_(.)")


def name_of(letter: str, labels: str) -> str:
    """`A` becomes `upper_A` if `a` is among `labels`, too; anything else stays as it is."""
    if letter.swapcase() == letter or letter.swapcase() not in labels:
        return letter
    return f"{'upper' if letter.isupper() else 'lower'}_{letter}"


def letter_of(name: str) -> str:
    """The letter meant by `upper_A`, or `upper_a`; anything else stays as it is."""
    if not (cased := _CASED.fullmatch(name)):
        return name
    return cased[2].upper() if cased[1] == "upper" else cased[2].lower()
