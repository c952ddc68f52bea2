"""What a submission is told of its job if Redis's answer was lost, so that the gateway asked again."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from chaos.faults import Cut, Nth
from chaos.proxy import Proxy
from conftest import running_services
from samples import glyphs, npy_of

HEADERS = {"Content-Type": "application/x-npy", "Prefer": "respond-async"}

Gateway = tuple[httpx.Client, Proxy]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without workers, and its way to Redis, which knows the script already."""
    with (
        running_services(tmp_path_factory.mktemp("submission")) as services,
        Proxy(services.redis_url) as proxy,
        httpx.Client(base_url=services.url, timeout=30, headers=HEADERS) as http,
    ):
        services.environment["REDIS_URL"] = proxy.url
        services.wait_answering(services.spawn("api"))
        http.post("/v1/jobs", content=npy_of(np.zeros((1, 28, 28), np.uint8))).raise_for_status()
        yield http, proxy
        services.kill()


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(
    ("path", "images"), [("/v1/jobs", 1), ("/v1/jobs", 5000), ("/v1/predictions", 1)]
)
def test_a_new_job_whose_answer_was_lost_is_no_replay(
    gateway: Gateway, rng: np.random.Generator, path: str, images: int, keyed: bool
) -> None:
    http, proxy = gateway
    proxy.plan = plan = Nth("EVALSHA submit", 1, Cut.AFTER)
    headers = {"Idempotency-Key": f"{path}-{images}"} if keyed else {}
    content = npy_of(glyphs(images, rng))
    first, second = (http.post(path, content=content, headers=headers) for _ in range(2))
    assert plan.struck.is_set()
    assert (first.status_code, second.status_code) == (202, 202)
    assert "idempotency-replayed" not in first.headers
    assert ("idempotency-replayed" in second.headers) is keyed
    assert (first.json()["id"] == second.json()["id"]) is keyed
