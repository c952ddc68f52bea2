"""The security headers of every answer, whether a route, the edge or an exception handler sends it.

By default a browser caches nothing, guesses no type, runs nothing, frames nothing and sends no referrer.
The pages and their files override this where they must.
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
    """`headers`, and those of SAFETY that they do not set."""
    own = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in _RAW if pair[0] not in own)]
