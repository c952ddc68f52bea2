"""The headers that every answer carries, whoever sends it: a route, the edge, or what failed.

By default a browser keeps nothing, guesses no type, runs nothing, frames nothing and tells no other site
from where it came. The pages and their files say otherwise where they have to.
"""

SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Headers = list[tuple[bytes, bytes]]

_RAW = [(name.lower().encode(), value.encode()) for name, value in SAFETY.items()]


def guarded(headers: Headers) -> Headers:
    """`headers`, and those of SAFETY that an answer does not set itself."""
    own = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in _RAW if pair[0] not in own)]
