"""One connection of a process through the proxy to Redis, carried command by command.

A command goes on only when the reply to the one before has passed, so that each has a before and an
after, though it came in a pipeline or a transaction. hiredis finds where commands and replies end.
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
"""Redis has so long to end a connection of its own, once the process is gone."""
REFUSED = hiredis.pack_command(("REFUSED",))
"""What Redis gets instead of a command that is refused: it knows none of this name, so a transaction
fails as a whole, as it does where Redis itself refuses."""


SO_ATTACH_FILTER = 26
NO_PACKET = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
"""A packet filter (BPF) of one instruction: return 0, the bytes to be taken."""


def deafen(own: socket.socket) -> None:
    """From now on `own` takes no packet, and so acknowledges and refuses none."""
    own.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(NO_PACKET))
    )


class Broken(Exception):
    """The connection ends here."""


class Conduct(Protocol):
    """How links are to behave; asked anew for every command."""

    def fault_of(self, link: int, parts: tuple[bytes, ...]) -> Fault | None:
        """What befalls this command."""

    def delay_s(self) -> float:
        """How long whatever is under way takes, each way."""


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
        """End it with a FIN, or with a RST."""
        if not reset:
            self.writer.close()
            return
        own: socket.socket = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Link:
    """Between a process (`near`) and Redis (`far`). Once `lost`, neither hears of the other any more,
    not even of its end, until `over` is set."""

    def __init__(self, number: int, near: End, far: End, conduct: Conduct) -> None:
        self.number, self.near, self.far = number, near, far
        self.lost, self.over = False, asyncio.Event()
        self._conduct = conduct
        self._commands: asyncio.Queue[tuple[bytes, ...]] = asyncio.Queue()
        self._hand: tuple[bytes, ...] | None = None
        self._replies: asyncio.Queue[bytes] = asyncio.Queue()
        self._streaming = False

    async def run(self) -> None:
        """Until one end or a fault ends it."""
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
        """End both ends."""
        self.over.set()
        self.near.close(reset=reset)
        self.far.close(reset=reset)

    def _bequeath(self) -> None:
        """What a process said before it went is heard."""
        said = [self._hand] if self._hand else []
        while not self._commands.empty():
            said.append(self._commands.get_nowait())
        self.far.writer.writelines(map(hiredis.pack_command, said))
        self.far.writer.write_eof()

    async def _hear(self) -> None:
        """Commands, as they come."""
        reader = hiredis.Reader(notEnoughData=Ellipsis)
        while data := await self.near.reader.read(BLOCK):
            if self.lost:
                continue
            reader.feed(data)
            while (command := reader.gets()) is not Ellipsis:
                self._commands.put_nowait(tuple(command))

    async def _answer(self) -> None:
        """Replies, as they come; those to a subscriber go on unread."""
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
        """One command there, and its reply back. Raises Broken."""
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
