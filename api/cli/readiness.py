"""When a stack is ready: its own gateway answers and its own workers are alive, not earlier ones."""

import time
from collections.abc import Callable

import httpx

from ..stack.stack import Stack

POLL_S = 0.1


def address(stack: Stack) -> str:
    """The URL at which this machine reaches the gateway."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(stack.host, stack.host)  # noqa: S104
    return f"http://[{host}]:{stack.port}" if ":" in host else f"http://{host}:{stack.port}"


def wait_ready(stack: Stack, given_up: Callable[[], bool]) -> bool:
    """Wait until everything is ready (True) or `given_up` says so (False)."""
    with httpx.Client(base_url=address(stack), timeout=5, trust_env=False) as http:
        while not given_up():
            if _is_ready(http, stack):
                return True
            time.sleep(POLL_S)
    return False


def _is_ready(http: httpx.Client, stack: Stack) -> bool:
    try:
        answer = http.get("/readyz")
    except httpx.TransportError:
        return False
    if answer.status_code != httpx.codes.OK:
        return False
    alive = " ".join(worker.get("id", "") for worker in answer.json()["workers"])
    ours = [pid for name, pid in stack.pids().items() if name.startswith("worker")]
    return all(f"-{pid}-" in alive for pid in ours)
