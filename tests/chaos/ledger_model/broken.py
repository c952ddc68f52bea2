"""What a check raises if the ledger did what it must not."""


class Broken(AssertionError):
    """The ledger did what it must not; the text says what."""


def require(holds: object, *words: object) -> None:
    """Raise Broken with `words` unless it holds."""
    if not holds:
        raise Broken(" ".join(map(str, words)))
