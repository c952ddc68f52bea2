"""Whether a client has what it asks for already (RFC 9110, 13.1.2)."""

from fastapi import Request


def has(request: Request, etag: str) -> bool:
    """Whether it says so in If-None-Match; a proxy that compresses makes tags weak."""
    named = request.headers.get("if-none-match", "")
    return bool({etag, "*"} & {each.strip().removeprefix("W/") for each in named.split(",")})
