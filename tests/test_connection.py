"""Links to Redis: one that is lost is a lost link to whoever uses it, whatever loop it runs in."""

import asyncio
from typing import Any

import pytest
import redis
import uvloop

from worker.connections.connection import connect_async


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_writing_to_an_end_that_was_reset_is_a_lost_link(redis_url: str, loop: Any) -> None:
    async def work() -> None:
        client = connect_async(redis_url)
        link: Any = await client.connection_pool.get_connection()
        link._writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(redis.ConnectionError):
            await link.send_command("PING")
        await client.connection_pool.release(link)
        assert await client.ping()
        await client.aclose()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work())
