"""Receivers of webhooks on loopback, honest and hostile; each keeps the messages that it was sent."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

Answer = Callable[["Receiver", socket.socket], None]


@dataclass(frozen=True)
class Message:
    """A request as it came, and when."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Its content, if the published library accepts its signature."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Gives `answers` in turn, and then the last of them for ever; `poured` bytes without end."""

    answers: Sequence[Answer]
    url: str = ""
    messages: list[Message] = field(default_factory=list)
    connections: int = 0
    poured: int = 0
    tls: ssl.SSLContext | None = None
    closing: threading.Event = field(default_factory=threading.Event)

    def ids(self) -> list[str]:
        return [message.id for message in self.messages]

    def wait(self, count: int = 1, seconds: float = 20) -> list[Message]:
        """The messages, once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < end, f"{len(self.messages)} of {count} messages came"
            time.sleep(0.01)
        return list(self.messages)

    def serve(self, link: socket.socket) -> None:
        with suppress(OSError), link:
            if self.tls:
                with self.tls.wrap_socket(link, server_side=True) as secured:
                    self._answer(secured)
            else:
                self._answer(link)

    def _answer(self, link: socket.socket) -> None:
        self.messages.append(_read(link))
        number = min(len(self.messages), len(self.answers)) - 1
        self.answers[number](self, link)


def status(code: int, *headers: str) -> Answer:
    """Answer with a status line and nothing else."""

    def answer(_: Receiver, link: socket.socket) -> None:
        head = [f"HTTP/1.1 {code} Whatever", "Content-Length: 0", *headers, "", ""]
        link.sendall("\r\n".join(head).encode())

    return answer


OK = status(200)


def hang(receiver: Receiver, link: socket.socket) -> None:
    """Take the message, and never answer."""
    receiver.closing.wait()


def drip(receiver: Receiver, link: socket.socket) -> None:
    """Send a header, one byte a second."""
    link.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not receiver.closing.wait(1.0):
        link.sendall(b"x")


def pour(receiver: Receiver, link: socket.socket) -> None:
    """Send a body without end."""
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while not receiver.closing.is_set():
        receiver.poured += link.send(bytes(1 << 16))


def dawdle(receiver: Receiver, link: socket.socket) -> None:
    """Send a good status, and a body that never comes."""
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
    receiver.closing.wait()


def babble(_: Receiver, link: socket.socket) -> None:
    """Send something that is not HTTP."""
    link.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")


@contextmanager
def running_receiver(
    *answers: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Receiver]:
    """A receiver on a free port."""
    with socket.create_server((host, port), backlog=1024) as listener:
        scheme = "https" if tls else "http"
        port = listener.getsockname()[1]
        receiver = Receiver(answers or (OK,), f"{scheme}://{host}:{port}/hook", tls=tls)
        accepting = threading.Thread(target=_accept, args=(receiver, listener))
        accepting.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(receiver: Receiver, listener: socket.socket) -> None:
    threads = []
    while True:
        try:
            link, _ = listener.accept()
        except OSError:
            break
        receiver.connections += 1
        threads.append(threading.Thread(target=receiver.serve, args=(link,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def _read(link: socket.socket) -> Message:
    data = b""
    while b"\r\n\r\n" not in data:
        data += link.recv(65536) or _cut()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += link.recv(65536) or _cut()
    return Message(time.monotonic(), first.split()[1], headers, body)


def _cut() -> bytes:
    raise ConnectionError("the request was cut off")
