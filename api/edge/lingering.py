"""A transport that closes in such a way that its last answer arrives.

Closing a socket while the client still sends resets the connection, and the client loses what it has not
read: the refusal that would have told it what is wrong (RFC 9112, 9.6).
"""

import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any

UNSENT = 1 << 16
"""Bytes that the kernel buffers beyond those in flight; by default, megabytes for slow readers."""

LARGE = 4096
"""Larger data is not copied just to share a packet with what precedes it."""


class LingeringTransport(asyncio.Transport):
    """Wraps `inner`. If `lingers()`, closing ends only our side, and what still arrives is dropped."""

    def __init__(
        self, inner: asyncio.Transport, lingers: Callable[[], bool], paused: Callable[[bool], None]
    ) -> None:
        super().__init__()
        self._inner, self._lingers, self._paused = inner, lingers, paused
        self._closing = self._is_paused = False
        self._head = b""
        """Data held until the end of the event loop's turn: what follows leaves in the same packet."""
        with contextlib.suppress(AttributeError):  # Linux has it
            self._set(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def close(self) -> None:
        """Send what was written, then no more."""
        if self._closing:
            return
        self._flush()
        lingers = self._lingers()
        self.resume_reading()
        self._closing = True
        with contextlib.suppress(OSError, RuntimeError):  # the other side closed first
            if lingers and not self._inner.is_closing():
                self._inner.write_eof()
                return
        self._inner.close()

    def abort(self) -> None:
        """Reset the connection; the kernel, too, drops what was not sent."""
        self.lose()
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._inner.abort()

    def lose(self) -> None:
        """Note that the connection is gone, and that there is nothing left to close."""
        self._closing, self._head = True, b""

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closing or self._inner.is_closing()

    def write(self, data: Any) -> None:
        """Send `data` soon."""
        if self._closing:
            return
        if self._head or len(data) > LARGE:
            self._flush(data)
        else:
            self._head = data
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self, data: Any = b"") -> None:
        head, self._head = self._head, b""
        if len(data) > LARGE:
            self._inner.writelines((head, data) if head else (data,))
        elif head or data:
            self._inner.write(head + data)

    def pause_reading(self) -> None:
        """Leave incoming data to the kernel."""
        self._read(False)

    def resume_reading(self) -> None:
        """Read incoming data again."""
        self._read(True)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """A fact about the connection, as `inner` knows it."""
        return self._inner.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return len(self._head) + self._inner.get_write_buffer_size()

    def backlog(self) -> int:
        """Bytes that were written and that the other side's kernel has not acknowledged."""
        unsent = bytearray(4)
        with contextlib.suppress(OSError, ValueError):  # closed, or a kernel that cannot tell
            fcntl.ioctl(self._inner.get_extra_info("socket").fileno(), termios.TIOCOUTQ, unsent)
        return int(struct.unpack("i", unsent)[0]) + self.get_write_buffer_size()

    def _read(self, on: bool) -> None:
        if self._is_paused is not on or self.is_closing():
            return
        self._is_paused = not on
        (self._inner.resume_reading if on else self._inner.pause_reading)()
        self._paused(self._is_paused)

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or not TCP
            self._inner.get_extra_info("socket").setsockopt(level, option, value)
