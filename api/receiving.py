"""A request's body taken in whole, within what its sender and this gateway's memory allow."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request

from .intake.forms import Intake, open_body, receive
from .intake.spool import Spool
from .limits.budget import Documents, Uploads
from .limits.quotas import Quotas
from .settings import GatewaySettings

T = TypeVar("T")

SMALL = 256 << 10
"""A document of up to so many bytes waits for no large one, and a large one not for many of those."""


class Receiver:
    """The bodies that are under way at one gateway."""

    def __init__(self, settings: GatewaySettings, quotas: Quotas) -> None:
        self._settings, self._quotas = settings, quotas
        share = settings.max_json_held // 4
        self._small, self._large = Documents(share), Documents(settings.max_json_held - share)
        self._uploads = Uploads()

    async def received(
        self, request: Request, owner: str, use: Callable[[Intake, Callable[[], None]], Awaitable[T]]
    ) -> T:
        """What `use` makes of what is in a request, which is gone afterwards; it may call the other
        when what it read so far can be dropped.

        Raises problems.
        """
        most = self._quotas.of(owner).bytes
        with Spool() as spool, self._uploads.of(owner, most) as count:
            size = await receive(request, spool, self._settings, count)
            async with (self._small if size <= SMALL else self._large).held(size):
                return await use(await open_body(request, spool, self._settings), spool.forget)


def declared(request: Request, most: int) -> int:
    """The bytes that a body is said to have; 0 where that is not known, or over what is taken at all."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdecimal() else 0
    return size if size <= most else 0
