"""One connection of a process through the proxy to Redis, carried command by command.

A command is passed on only after the reply to the one before, so that each has a before and an after,
even in a pipeline or a transaction. hiredis finds where commands and replies end.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

import hiredis

from .faults import Cut, Fault, Hang, Refusal

BLOCK = 1 << 16
LAST_S = 1.0
"""Seconds that Redis has to close a connection, once the process is gone."""
REFUSED = hiredis.pack_command(("REFUSED",))
"""What Redis gets instead of a command that is refused: it knows no such command, so a transaction
fails as a whole, as it does if Redis itself refuses."""


SO_ATTACH_FILTER = 26
NO_PACKET = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
"""A packet filter (BPF) of one instruction: return 0, the number of bytes to accept."""


def deafen(own: socket.socket) -> None:
    """Have `own` drop every packet from now on, without acknowledging or refusing it."""
    own.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(NO_PACKET))
    )


class Broken(Exception):
    """The connection ends here."""


class Conduct(Protocol):
    """How links are to behave; consulted for every command."""

    def fault_of(self, link: int, parts: tuple[bytes, ...]) -> Fault | None:
        """The fault that befalls this command, if any."""

    def delay_s(self) -> float:
        """Seconds by which the next piece is delayed, in either direction."""


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write all of it."""
        self.writer.write(data)
        await self.writer.drain()

    def close(self, *, reset: bool = False) -> None:
        """Close it with a FIN, or with an RST."""
        if not reset:
            self.writer.close()
            return
        own: socket.socket = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Link:
    """A connection between a process (`near`) and Redis (`far`). Once it is `lost`, neither hears from
    the other, not even that it closes, until `over` is set."""

    def __init__(self, number: int, near: End, far: End, conduct: Conduct) -> None:
        self.number, self.near, self.far = number, near, far
        self.lost, self.over = False, asyncio.Event()
        self._conduct = conduct
        self._commands: asyncio.Queue[tuple[bytes, ...]] = asyncio.Queue()
        self._hand: tuple[bytes, ...] | None = None
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._streaming = False

    async def run(self) -> None:
        """Carry commands and replies until one end, or a fault, closes the connection."""
        works = [asyncio.create_task(work()) for work in (self._hear, self._carry_all, self._answer)]
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            if self.lost:
                await asyncio.wait(works[:1])  # only the process itself can end it
                await self.over.wait()
            elif works[0].done():
                works[1].cancel()
                self._bequeath()
                await asyncio.wait(works[2:], timeout=LAST_S)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            self.close()

    def close(self, *, reset: bool = False) -> None:
        """Close both ends."""
        self.over.set()
        self.near.close(reset=reset)
        self.far.close(reset=reset)

    def _bequeath(self) -> None:
        """Pass on the commands that a process sent before it closed."""
        said = [self._hand] if self._hand else []
        while not self._commands.empty():
            said.append(self._commands.get_nowait())
        self.far.writer.writelines(map(hiredis.pack_command, said))
        self.far.writer.write_eof()

    async def _hear(self) -> None:
        """Queue commands as they come."""
        reader = hiredis.Reader(notEnoughData=Ellipsis)
        while data := await self.near.reader.read(BLOCK):
            if self.lost:
                continue
            reader.feed(data)
            while (command := reader.gets()) is not Ellipsis:
                self._commands.put_nowait(tuple(command))

    async def _answer(self) -> None:
        """Queue replies as they come; what a subscriber gets is passed on unparsed."""
        reader, reply = hiredis.Reader(notEnoughData=Ellipsis), b""
        while data := await self.far.reader.read(BLOCK):
            if self.lost:
                continue
            if self._streaming:
                await self._pause()
                await self.near.send(data)
                continue
            reply += data
            reader.feed(data)
            if reader.gets() is not Ellipsis:
                self._replies.put_nowait(reply)
                reply = b""

    async def _carry_all(self) -> None:
        while True:
            parts = await self._commands.get()
            fault = self._conduct.fault_of(self.number, parts)
            self._hand = None if fault else parts
            await self._carry(parts, fault)

    async def _carry(self, parts: tuple[bytes, ...], fault: Fault | None) -> None:
        """Carry one command to Redis, and its reply back. Raises Broken."""
        if isinstance(fault, Refusal):
            await self.far.send(REFUSED)
            await self._replies.get()
            await self.near.send(fault.reply)
            return
        self._meet(fault, Cut.BEFORE, Hang.BEFORE)
        self._streaming |= fault is None and parts[0].upper() in (b"SUBSCRIBE", b"PSUBSCRIBE")
        await self._pause()
        if self.lost:
            return
        self._hand = None
        await self.far.send(hiredis.pack_command(parts))
        if self._streaming:
            return
        reply = await self._replies.get()
        self._meet(fault, Cut.AFTER, Hang.AFTER)
        await self._pause()
        if fault is Cut.MIDDLE:
            await self.near.send(reply[: len(reply) // 2])
            raise Broken
        if not self.lost:
            await self.near.send(reply)

    def _meet(self, fault: Fault | None, cut: Cut, hang: Hang) -> None:
        if fault is cut:
            raise Broken
        self.lost |= fault is hang

    async def _pause(self) -> None:
        if delay := self._conduct.delay_s():
            await asyncio.sleep(delay)
