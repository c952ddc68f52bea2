"""Counts header bytes and fields as they arrive: the parser has no limit of its own."""

from ..problems import Problem
from ..settings import GatewaySettings


class HeaderLimiter:
    """Bytes and fields of one request at a time. Each method raises a problem for too many."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._most = settings.max_url_bytes + settings.max_header_bytes
        self._bare = self._fields = self._size = 0

    def begin(self) -> None:
        """Start counting anew."""
        self._bare = self._fields = self._size = 0

    def add_bytes(self, size: int) -> None:
        """Count `size` bytes, so far without any content: heads, chunk extensions, trailers."""
        self._bare += size

    def add_content(self) -> None:
        """Note that there was content among the bytes."""
        self._bare = 0

    def require_progress(self) -> None:
        """Refuse more bytes without content than a head may have."""
        if self._bare > self._most:
            raise self._too_large()

    def require_url(self, size: int) -> None:
        """Refuse a URL that is too long."""
        if size > (most := self._settings.max_url_bytes):
            raise Problem(
                "url-too-long",
                f"A URL has at most {most} bytes; options may be in the body.",
                limit=most,
            )

    def require_turn(self, ahead: int) -> None:
        """Refuse a request that has too many `ahead` of it on the same connection."""
        if ahead >= (most := self._settings.max_pipelined):
            raise Problem(
                "too-many-pipelined",
                f"At most {most} requests may wait on one connection; wait for their answers.",
                limit=most,
            )

    def add_field(self, name: bytes, value: bytes) -> None:
        """Count a field of the head or the trailer."""
        self._fields += 1
        self._size += len(name) + len(value)
        if self._fields > (most := self._settings.max_headers):
            raise Problem(
                "headers-too-large", f"A request has at most {most} headers; send fewer.", limit=most
            )
        if self._size > self._settings.max_header_bytes:
            raise self._too_large()

    def _too_large(self) -> Problem:
        most = self._settings.max_header_bytes
        return Problem(
            "headers-too-large", f"Headers have at most {most} bytes; send shorter ones.", limit=most
        )
