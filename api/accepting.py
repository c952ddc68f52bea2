"""How much a client prefers a media type, by its Accept header (RFC 9110, 12.5.1)."""

import re

_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def quality(accept: str, media_type: str) -> float:
    """From 0 (not acceptable) to 1, by the most specific range that matches. Without the header, 1."""
    if not accept.strip():
        return 1.0
    kind = media_type.partition("/")[0]
    weights = dict(map(_weight, accept.split(",")))
    return next((weights[each] for each in (media_type, f"{kind}/*", "*/*") if each in weights), 0.0)


def _weight(part: str) -> tuple[str, float]:
    match = _QUALITY.search(part)
    return part.partition(";")[0].strip().lower(), float(match[1]) if match else 1.0
