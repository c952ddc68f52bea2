"""An answer that cannot go on is told of in a line, and its client hears that it is not whole."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import redis

from samples import glyphs, npy_of, pngs
from services import logged_services, running_services


def test_an_answer_that_redis_cuts_off_is_told_of_in_a_line() -> None:
    with (
        logged_services() as (services, folder),
        httpx.Client(base_url=services.url, timeout=30) as http,
    ):
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
    assert "ERROR" not in said


def test_an_export_that_no_decoder_can_make_is_told_of_in_a_line(tmp_path: Path) -> None:
    image, headers = pngs(1, np.random.default_rng(7))[0], {"Content-Type": "image/png"}
    with running_services(tmp_path) as services, (tmp_path / "log").open("wb") as log:
        services.spawn("worker")
        services.environment["INKQUEUE_MAX_PIXELS"] = str(1 << 62)  # more than a decoder can have
        services.spawn("api", log)
        services.wait_ready()
        with httpx.Client(base_url=services.url, timeout=30) as http:
            query, wait = {"keep_images": True}, {"Prefer": "wait=20"}
            job = http.post("/v1/jobs", params=query, content=image, headers=headers | wait).json()
            with pytest.raises(httpx.RemoteProtocolError):
                http.get(f"/v1/jobs/{job['id']}/export", params={"what": "all"})
        services.stop()
    said = (tmp_path / "log").read_text()
    assert "an answer was cut off: Problem: Images cannot be decoded here now" in said
    assert "ERROR" not in said
