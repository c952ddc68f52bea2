"""File descriptors for sockets: many shells grant a process no more than 1,024."""

import logging
import resource

log = logging.getLogger(__name__)

RESERVE = 256
"""For Redis, weights, logs, and the spools of large uploads."""


def room_for(connections: int) -> int:
    """How many connections this process can have, up to `connections`; raises the limit if permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited, wanted = resource.RLIM_INFINITY, 2 * connections + RESERVE
    if soft != unlimited and soft < wanted:
        soft = wanted if hard == unlimited else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == unlimited or soft >= wanted:
        return connections
    room = max(16, (soft - RESERVE) // 2)
    log.warning("%d descriptors are too few for %d connections; taking %d", soft, connections, room)
    return room
