"""uvicorn's protocol, able to refuse: a problem is sent in its turn, and the connection is closed.

This relies on private parts of HttpToolsProtocol (cycles, pipeline), since uvicorn itself writes a
refusal into the middle of an unfinished answer.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..problems import Problem

BODIED = {b"content-length", b"transfer-encoding"}


class RefusingProtocol(HttpToolsProtocol):
    """One connection that knows the request being answered, not only the newest."""

    running: RequestResponseCycle | None = None
    url = b""
    skipped = False
    """Whether the parser skipped the body after the last head, because that head asks for an upgrade."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.pipeline.clear()
        if self.running is not None:  # uvicorn notifies only the newest of pipelined requests
            _withdraw(self.running)
        super().connection_lost(exc)

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        cycle = self.running
        return cycle is not None and not (cycle.response_complete or cycle.disconnected)

    def feed(self, data: bytes) -> None:
        """Parse `data`. Raises HttpParserError; the problem raised by a callback is its context."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as asked:  # not granted: HTTP/1.1 continues after it
                data = data[asked.args[0] :]
                if self.skipped:
                    self._read_head_again()

    def skips_body(self) -> bool:
        """Called at the end of a head: whether the parser takes its body for another protocol. A server
        that grants no upgrade is to go on as if none had been requested (RFC 9110, 7.8)."""
        named = {name for name, _ in self.headers}
        self.skipped = self.parser.should_upgrade() and bool(named & BODIED)
        return self.skipped

    def _read_head_again(self) -> None:
        """Parse the last head again, with a new parser and without the upgrade."""
        self.skipped = False
        version = f"HTTP/{self.parser.get_http_version()}".encode()
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        line = b" ".join((self.parser.get_method(), self.url, version))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"\r\n".join([line, *fields, b"", b""]))

    def refuse(self, problem: Problem, at_fault: RequestResponseCycle | None) -> None:
        """Answer with `problem` and close; `at_fault` is the request that it is about, if known.

        If a part of that request's answer was already sent, it is cut off instead.
        """
        if at_fault is not None:
            if at_fault.response_started:
                self.transport.close()
                return
            _withdraw(at_fault)
            if self.pipeline and self.pipeline[0][0] is at_fault:
                self.pipeline.popleft()
        self.cycle, app = self._refusal(problem)
        if self.busy:
            self.pipeline.appendleft((self.cycle, app))
        else:
            self._start_asgi_task(self.cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    def _refusal(self, problem: Problem) -> tuple[RequestResponseCycle, Any]:
        scope: Any = {"type": "http", "method": (self.scope or {}).get("method", "GET")}
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        path = self.url.partition(b"?")[0].decode("latin-1")
        return cycle, problem.response(path if path.startswith("/") else "/")


def _withdraw(cycle: RequestResponseCycle) -> None:
    """Tell the application that nobody waits for its answer any more."""
    cycle.disconnected = True
    cycle.message_event.set()
