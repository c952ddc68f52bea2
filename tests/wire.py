"""HTTP as bytes on a socket, for requests that no library would send."""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

import httpx

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
"""Heads of requests, the first two without the blank line at their end."""

ESTABLISHED = 1


@dataclass(frozen=True)
class Answer:
    """One answer, as it stood on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The body, which must be a problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert found["status"] == self.status
        return found

    @property
    def slug(self) -> str:
        """The last part of the problem's type."""
        return str(self.problem["type"]).rpartition("/")[2]


def read_head(head: bytes) -> tuple[int, dict[str, str]]:
    """The status of an answer, and its headers by lower-case name."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers


class Wire:
    """A connection to a gateway from a loopback address, with a receive buffer of `window` bytes."""

    def __init__(self, url: str, source: str = "127.0.0.1", window: int = 0) -> None:
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(30)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", httpx.URL(url).port or 80))
        self._rest = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> "Wire":
        """Send `data`."""
        self.socket.sendall(data)
        return self

    def get(self, path: str, *fields: str) -> "Wire":
        """Send a GET."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields, "\r\n"]
        return self.send("\r\n".join(lines).encode())

    def answer(self) -> Answer:
        """The next answer. Raises EOFError if there is none."""
        head, _, self._rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        status, headers = read_head(head)
        chunked = headers.get("transfer-encoding") == "chunked"
        body = self._chunks() if chunked else self._take(int(headers.get("content-length", 0)))
        return Answer(status, headers, body)

    def is_closed(self) -> bool:
        """Whether the connection is closed, and nothing is left to read."""
        try:
            return self._rest + self.socket.recv(1 << 16) == b""
        except ConnectionResetError:
            return True

    def closed_after(self, start: float) -> float:
        """Wait for the connection to close; return the seconds since `start`."""
        assert self.is_closed()
        return time.monotonic() - start

    @property
    def established(self) -> bool:
        """Whether neither side has closed it; found out without reading."""
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED

    def read(self, most: int) -> None:
        """Take up to `most` bytes, which belong to the next answers."""
        self._rest += self.socket.recv(most)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._line(), 16):
            body += self._take(size)
            self._line()
        self._line()
        return body

    def _line(self) -> bytes:
        line, _, self._rest = self._until(b"\r\n").partition(b"\r\n")
        return line

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            self._more()
        return self._rest

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError
        self._rest += data


def ask(url: str, request: bytes) -> Answer:
    """The answer to `request`, after which the gateway must close the connection."""
    with Wire(url) as wire:
        answer = wire.send(request).answer()
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()
        return answer
