"""A web server of files on a free port, honest or with the faults that downloads meet."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Host:
    """`files` by path. The first `cuts` answers end half-way; without `ranges`, files are sent whole."""

    files: Mapping[str, bytes]
    cuts: int = 0
    ranges: bool = True
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server that answers by `handler`; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running_host(host: Host) -> Iterator[Host]:
    """Serve `host`, and note in it its URL and the path and Range of every request."""
    with serving(_handler(host)) as url:
        host.url = f"{url}/"
        yield host


def _handler(host: Host) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            host.asked.append((self.path, wanted))
            if self.path not in host.files:
                return self.send_error(404)
            self._send(host.files[self.path], wanted)

        def _send(self, data: bytes, wanted: str) -> None:
            start = int(wanted[len("bytes=") : -1]) if wanted and host.ranges else 0
            if start >= len(data) > 0:
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            end = len(data)
            if host.cuts:
                host.cuts, end = host.cuts - 1, (start + len(data)) // 2
            self.wfile.write(data[start:end])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
