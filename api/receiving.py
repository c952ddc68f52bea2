"""Receives a request's whole body, within its sender's quota and this gateway's memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Request

from .intake.forms import Intake, open_body, receive
from .intake.spool import Spool
from .limits.budget import Documents, Uploads
from .limits.quotas import Quotas
from .settings import GatewaySettings

SMALL = 256 << 10
"""Documents up to this many bytes have a budget of their own, so as not to wait for large ones."""


class Receiver:
    """The bodies being received at one gateway."""

    def __init__(self, settings: GatewaySettings, quotas: Quotas) -> None:
        self._settings, self._quotas = settings, quotas
        share = settings.max_json_held // 4
        self._small, self._large = Documents(share), Documents(settings.max_json_held - share)
        self._uploads = Uploads()

    @asynccontextmanager
    async def body(
        self, request: Request, owner: str
    ) -> AsyncIterator[tuple[Intake, Callable[[], None]]]:
        """A context that receives the body, yields (intake, forget), and deletes the body.

        `forget` releases the pages that were read so far. Raises problems.
        """
        most = self._quotas.of(owner).bytes
        with Spool() as spool, self._uploads.of(owner, most) as count:
            size = await receive(request, spool, self._settings, count)
            async with (self._small if size <= SMALL else self._large).held(size):
                yield await open_body(request, spool, self._settings), spool.forget


def declared(request: Request, most: int) -> int:
    """The declared size of a body in bytes; 0 if it is unknown or over `most`."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdecimal() else 0
    return size if size <= most else 0
