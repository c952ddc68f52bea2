"""How much a client likes a media type, by its Accept field (RFC 9110, 12.5.1)."""

import re

_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def quality(accept: str, media_type: str) -> float:
    """From 0, not at all, to 1; the range that names it most exactly counts. Without a field, 1."""
    if not accept.strip():
        return 1.0
    kind = media_type.partition("/")[0]
    likings = dict(map(_liking, accept.split(",")))
    return next((likings[each] for each in (media_type, f"{kind}/*", "*/*") if each in likings), 0.0)


def _liking(part: str) -> tuple[str, float]:
    match = _QUALITY.search(part)
    return part.partition(";")[0].strip().lower(), float(match[1]) if match else 1.0
