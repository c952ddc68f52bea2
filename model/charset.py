"""Which labels a job may be read as: a named set or the characters themselves.

A charset masks the logits before the softmax; filtering answers afterwards would lose probability.
"""

import string

NAMED = {
    "digits": string.digits,
    "letters": string.ascii_letters,
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
}


class BadCharset(ValueError):
    """The charset leaves nothing to choose from; the text says why."""


def allowed_classes(charset: str, labels: str) -> list[int]:
    """The classes of `labels` that `charset` allows, in order.

    A named set is cut to what the model knows; characters given one by one must all be known. Raises
    BadCharset.
    """
    wanted = NAMED.get(charset, charset)
    if charset not in NAMED and (unknown := sorted(set(wanted) - set(labels))):
        raise BadCharset(f"the model knows no {', '.join(map(repr, unknown))}; it reads {labels}")
    allowed = [index for index, label in enumerate(labels) if label in wanted]
    if not allowed:
        raise BadCharset(f"the model has no label in charset {charset!r}; it reads {labels}")
    return allowed
