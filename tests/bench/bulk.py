"""One large job from its first byte to its last result: its rate, and the cost of each stage."""

import time
from dataclasses import dataclass

import httpx

from .costs import processes, since, spent, used_by_redis
from .forward import Raw
from .loads import Load
from services import Services


@dataclass(frozen=True)
class Bulk:
    """`rate` and `download` are images a second: from the first byte sent to the last result read, and
    for the results of a finished job. `stages` are microseconds of processor time per image;
    `redis_bytes` are bytes per image that Redis holds afterwards."""

    load: str
    rate: float
    download: float
    stages: dict[str, float]
    redis_bytes: float


def best(services: Services, load: Load, images: int, repeats: int, raw: Raw) -> Bulk:
    """The fastest of several runs."""
    return max((_one(services, load, images, raw) for _ in range(repeats)), key=lambda each: each.rate)


def _one(services: Services, load: Load, images: int, raw: Raw) -> Bulk:
    found, empty = processes(services), used_by_redis(services)
    with httpx.Client(base_url=services.url, timeout=600) as http:
        before, begin = spent(found), time.perf_counter()
        headers = {"Content-Type": load.kind}
        job = http.post("/v1/jobs", content=load.content, headers=headers).json()["id"]
        taken = since(before, found, images)
        read = 0
        while read < images:  # as they become known
            read += _read(http, job, cursor=read, wait=60)
        end, worked = time.perf_counter(), since(before, found, images)
        held = used_by_redis(services) - empty
        assert _read(http, job) == read == images
        downloaded = time.perf_counter() - end
        http.delete(f"/v1/jobs/{job}").raise_for_status()
    # The gateway while it takes the job in; Redis meanwhile; the decoders; the workers, split into the
    # cost of the pass alone and the rest; Redis while they work; the gateway while it sends results.
    stages = {
        "parse": taken["gateway"],
        "store": taken["Redis"],
        "decode": worked["decoders"],
        "forward": min(raw.cpu_us, worked["workers"]),
        "claim and commit": max(0.0, worked["workers"] - raw.cpu_us),
        "keep": worked["Redis"] - taken["Redis"],
        "answer": worked["gateway"] - taken["gateway"],
    }
    return Bulk(load.name, images / (end - begin), images / downloaded, stages, held / images)


def _read(http: httpx.Client, job: str, **query: int) -> int:
    """Read results; return their number."""
    params = {"format": "ndjson", **query}
    with http.stream("GET", f"/v1/jobs/{job}/results", params=params) as answer:
        return sum(some.count(b"\n") for some in answer.iter_raw())
