"""The fixtures of several test files, and on how many threads torch computes in all of them."""

import os
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import redis

from browsers import Browser, require_browser, running_browser
from services import Services, gateway_and_worker, running_redis

# On several, torch's threads wait for each other whenever something else is running, which takes many
# times as long; and sums come out in another order each time, so that networks are not the same.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One gateway and one worker for the whole session; tests must not end them."""
    with gateway_and_worker(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server without any process of ours on it."""
    with running_redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def clean_redis(redis_url: str) -> Iterator["redis.Redis"]:
    """A client of an empty redis-server."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def http(services: Services) -> Iterator[httpx.Client]:
    """A client of the session's gateway."""
    with httpx.Client(base_url=services.url, timeout=60) as client:
        yield client


@pytest.fixture
def rng() -> np.random.Generator:
    """A random generator with a fixed seed."""
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def browser(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A window on the session's gateway."""
    require_browser()
    with running_browser(services.url, tmp_path_factory.mktemp("downloads")) as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture
def quiet(browser: Browser) -> Iterator[None]:
    """Whatever a test does, the browser's console shows no complaint and no other host is asked."""
    yield
    assert browser.complaints() == []
    assert browser.strangers() == []
    browser.resize(1280, 900)
    browser.colours("light")
