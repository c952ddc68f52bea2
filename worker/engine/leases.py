"""The chunks a worker has in hand: their leases are renewed for as long as it makes progress."""

import logging
import os
import time
from collections.abc import Sequence

from ..connections.outage import Outage
from ..ledger.claims import Claim
from ..ledger.ledger import Ledger
from ..periodic import Periodic

log = logging.getLogger(__name__)


class Leases(Periodic):
    """Renews at a third of the lease. Without progress for `stall_s`, the process is ended.

    Nothing in a process whose network hangs can be trusted to stop it, so it ends at once; its
    chunks go to others when their leases expire, and its supervisor restarts it.
    """

    def __init__(self, ledger: Ledger, lease_ms: int, stall_s: float) -> None:
        outage = Outage(log, "leases cannot be renewed", "no lease waits to be renewed any more")
        super().__init__("leases", lease_ms / 3000, self._renew, outage)
        self._ledger, self._stall_s = ledger, stall_s
        self._held: dict[int, Claim] = {}
        self._progress = time.monotonic()

    def hold(self, claims: Sequence[Claim]) -> None:
        """Renew the leases of these, too, from now on."""
        self._held |= {claim.token: claim for claim in claims}
        self.touch()

    def drop(self, claims: Sequence[Claim]) -> None:
        """Stop renewing the leases of these."""
        for claim in claims:
            self._held.pop(claim.token, None)

    def drop_all(self) -> None:
        """Stop renewing any leases."""
        self._held.clear()

    def touch(self) -> None:
        """Note that progress was made."""
        self._progress = time.monotonic()

    def _renew(self) -> None:
        held = list(self._held.values())
        if not held:
            return
        if time.monotonic() - self._progress > self._stall_s:
            log.critical("no progress for %.0f s, ending this worker", self._stall_s)
            os._exit(os.EX_SOFTWARE)
        self._ledger.renew(held)
