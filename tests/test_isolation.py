"""Another owner's things look, byte for byte, like things that are not there: on every route."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import numpy as np
import pytest

from isolation_proof import READ, UNREAD, World, campaign, read_job, two_owners
from routes import probes, table
from samples import pngs
from timing import largest_t
from waiting import until

PNG = {"Content-Type": "image/png"}
A_FEW = 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with two_owners(tmp_path_factory.mktemp("owners")) as made:
        yield made


def test_every_route_has_a_probe_and_every_probe_a_route() -> None:
    assert {(probe.method, probe.route) for probe in probes("", "", "")} == table()


def test_what_is_anothers_looks_like_nothing(world: World) -> None:
    sent, leaks = campaign(world, A_FEW)
    assert sent >= A_FEW
    assert not leaks


def test_the_same_probes_find_everything_where_they_may(world: World) -> None:
    """That nothing was found before is then no fault of the probes: Alice finds all of it."""
    done, waiting, _ = world.known
    harmless = [
        probe
        for probe in probes(done.job, done.hook, done.delivery, done.etag, done.event)
        if probe.method == "GET" and "_id}" in probe.route and "99" not in probe.path
    ]
    found = {probe.route for probe in harmless if probe.send(world.alice).status_code in (200, 204, 304)}
    assert found == {probe.route for probe in harmless}
    assert world.alice.get(f"/v1/jobs/{waiting.job}").json()["state"] == "queued"


def kinds(answer: httpx.Response) -> list[str]:
    """Of its headers; when to come back is said only of a job that is not done yet."""
    return sorted(set(answer.headers) - {"retry-after"})


def test_an_id_of_ones_own_is_free_whoever_else_has_it(world: World) -> None:
    image = pngs(1, np.random.default_rng(3))[0]
    ids = ("theirs-1", "theirs-2")
    made = world.alice.put(f"/v1/jobs/{ids[0]}?model={UNREAD}", content=image, headers=PNG)
    assert made.status_code == 202
    kept = world.kept()
    told = []
    for job in ids:
        put = world.bob.put(f"/v1/jobs/{job}?model={READ}", content=image, headers=PNG)
        assert put.json()["metadata"] == {}
        wait = world.bob.get(f"/v1/jobs/{job}?wait=30")
        gone = world.bob.delete(f"/v1/jobs/{job}")
        after = world.bob.get(f"/v1/jobs/{job}")
        told.append((put.status_code, kinds(put), put.json().keys(), wait.json()["state"]))
        told[-1] += (gone.status_code, after.status_code)
    assert told[0] == told[1]
    counters = (b"ink:stats", b"ink:open", b"ink:outbox")
    assert {n: v for n, v in world.kept().items() if n not in counters} == {
        n: v for n, v in kept.items() if n not in counters
    }
    assert world.alice.get(f"/v1/jobs/{ids[0]}").json()["state"] == "queued"


def test_an_idempotency_key_is_each_owners_own(world: World) -> None:
    one, other = pngs(2, np.random.default_rng(4))
    query = {"model": READ}
    told = []
    for key in ("hers", "nobodys"):
        headers = PNG | {"Idempotency-Key": key}
        if key == "hers":
            hers = world.alice.post("/v1/jobs", params=query, content=one, headers=headers).json()["id"]
        bobs = world.bob.post("/v1/jobs", params=query, content=other, headers=headers)
        assert bobs.json()["id"] != hers
        mine = PNG | {"Idempotency-Key": "hers"}
        again = world.alice.post("/v1/jobs", params=query, content=one, headers=mine)
        assert again.json()["id"] == hers
        told.append((bobs.status_code, kinds(bobs), bobs.json().keys()))
    assert told[0] == told[1]


def test_a_delivery_is_found_by_its_own_job_only(world: World) -> None:
    """Not even with a job of one's own in the path."""
    image = pngs(1, np.random.default_rng(5))[0]
    headers = PNG | {"Prefer": "wait=30"}
    mine = world.bob.post(f"/v1/jobs?model={READ}", content=image, headers=headers).json()["id"]
    hers = world.known[0]
    until(world.is_still)  # earlier tests' jobs, and webhooks about them, were under way
    before = world.kept()
    theirs = world.bob.post(f"/v1/jobs/{mine}/deliveries/{hers.delivery}/redeliver")
    nobodys = world.nobodys(hers).delivery
    none = world.bob.post(f"/v1/jobs/{mine}/deliveries/{nobodys}/redeliver")
    assert theirs.status_code == none.status_code == 404
    assert theirs.text.replace(hers.delivery, nobodys) == none.text
    assert world.kept() == before


def test_times_that_differ_are_told_apart() -> None:
    rng = np.random.default_rng(6)
    one, same = rng.exponential(1.0, 20_000), rng.exponential(1.0, 20_000)
    assert largest_t((one, same)) < 4.5
    assert largest_t((one, same * 1.1)) > 4.5


def test_the_check_sees_what_leaks(world: World) -> None:
    """Alice herself, in the place of Bob, is told everything. It comes last: her retries go on for a
    while."""
    hers = replace(read_job(world), hook=world.nobodys(world.known[0]).hook)
    _, leaks = campaign(replace(world, bob=world.alice, known=[hers]), 1)
    differ = {leak.split()[1].strip(":").partition("?")[0] for leak in leaks if hers.job in leak}
    assert len(differ) > 12
    assert any(leak.startswith("GET /v1/jobs ") for leak in leaks)
    assert any(leak.endswith("changed") for leak in leaks)
