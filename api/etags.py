"""Entity tags, so that a client is not sent what it already has (RFC 9110, 8.8.3, 13.1.2)."""

import hashlib

from fastapi import Request


def of(body: bytes | memoryview) -> str:
    """The tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(request: Request, etag: str) -> bool:
    """Whether If-None-Match names `etag`, strong or weak: a proxy that compresses weakens tags."""
    named = request.headers.get("if-none-match", "")
    return bool({etag, "*"} & {each.strip().removeprefix("W/") for each in named.split(",")})
