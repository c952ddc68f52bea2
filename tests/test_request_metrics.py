"""An answer that cannot go on is told of in a line, and its client hears that it is not whole."""

import httpx
import numpy as np
import pytest
import redis

from conftest import logged_services
from samples import glyphs, npy_of


def test_an_answer_that_redis_cuts_off_is_told_of_in_a_line() -> None:
    with logged_services() as (services, folder), httpx.Client(base_url=services.url) as http:
        images = npy_of(glyphs(4, np.random.default_rng(7)))
        headers = {"Content-Type": "application/x-npy", "Prefer": "wait=20"}
        results = f"{http.post('/v1/jobs', content=images, headers=headers).headers['location']}/results"
        with redis.Redis.from_url(services.redis_url) as client:
            client.acl_setuser("default", enabled=True, nopass=True, commands=["-hlen"], reset=False)
            with pytest.raises(httpx.RemoteProtocolError):
                http.get(results, params={"format": "ndjson"})
            client.acl_setuser("default", enabled=True, nopass=True, commands=["+hlen"], reset=False)
        assert http.get(results, params={"format": "ndjson"}).text.count("\n") == 4
        said = (folder / "log").read_text()
    assert "an answer was cut off: ResponseError" in said
    assert "Traceback" not in said
