"""The client against real gateways: what can be sent, what comes back, and what is tried again."""

import asyncio
import inspect
import io
import math
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
import redis

from api.client import (
    AsyncClient,
    BadCall,
    Client,
    FileChanged,
    Options,
    ProblemError,
    RetryPolicy,
    Unreachable,
    WaitTimeout,
    What,
    uploads,
)
from api.client.calls import LATE_S, Call, Pause
from api.client.flows import LONG_POLL_S, PROGRESS_S, Flows
from api.client.retries import Tries
from api.client.settings import httpx_settings
from api.client.uploads import Upload, prepare
from api.client.webhook_flows import WebhookFlows
from api.idempotency import key_digest
from api.parameters import JobParameters
from api.schemas.jobs import ItemPage
from model.files.images import png
from model.folders import NoImages
from worker.embedded import free_port
from worker.ledger import keys
from worker.ledger.jobs import JobState

from hosts import serving
from ledgers import finish
from samples import glyphs, idx_of, npy_of, pngs, tiff_of, zip_of
from services import Services, beside, lone_gateway, new_key
from waiting import until

ROOT = Path(__file__).parent.parent
IMPATIENT = RetryPolicy(silence_s=0, busy_s=0)


@pytest.fixture
def client(services: Services) -> Iterator[Client]:
    with Client(services.url) as client:
        yield client


@pytest.fixture
def sheet(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A folder with folders in it: six drawings, and what desktops and people leave beside them."""
    folder = tmp_path / "sheet"
    for number, data in enumerate(pngs(6, rng)):
        path = folder / f"form {number // 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "form 0" / "._0.png").write_bytes(b"not an image")
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture(scope="module")
def deserted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway that takes one job at a time and has no worker to read it."""
    with lone_gateway(tmp_path_factory.mktemp("deserted"), INKQUEUE_MAX_OPEN="1") as running:
        yield running


@pytest.fixture
def idle(deserted: Services) -> Iterator[Client]:
    """Its client; jobs that a test leaves unfinished are canceled."""
    with Client(deserted.url, retries=IMPATIENT) as client:
        yield client
        for job in client.jobs(JobState.QUEUED):
            client.cancel(job)


def names(client: Client, what: object) -> list[str]:
    job = client.wait(client.submit(what))  # type: ignore[arg-type]
    assert job.state is JobState.SUCCEEDED
    return [item.name for item in client.results(job)]


def test_a_folder_is_walked_in_order_and_its_names_are_kept(client: Client, sheet: Path) -> None:
    expected = [f"form {number // 2}/{number}.png" for number in range(6)]
    assert names(client, sheet) == expected
    assert names(client, str(sheet)) == expected


def test_names_tell_folders_and_files_apart(client: Client, sheet: Path) -> None:
    given = [sheet / "form 1", sheet / "form 0", sheet / "form 2" / "5.png"]
    assert names(client, given) == [f"form {n // 2}/{n}.png" for n in (2, 3, 0, 1, 5)]
    assert names(client, sheet / "form 2" / "5.png") == ["5.png"]


def test_names_need_not_be_text(client: Client, tmp_path: Path, rng: np.random.Generator) -> None:
    (tmp_path / "ä\udcff.png").write_bytes(pngs(1, rng)[0])
    assert names(client, tmp_path) == ["ä\N{REPLACEMENT CHARACTER}.png"]


def test_containers_are_sent_as_they_are(
    client: Client, tmp_path: Path, rng: np.random.Generator
) -> None:
    images, drawn = glyphs(3, rng), pngs(3, rng)
    for name, data in {
        "a.zip": zip_of({f"{n}.png": each for n, each in enumerate(drawn)}),
        "a.npy": npy_of(images),
        "a-idx3-ubyte": idx_of(images, compressed=False),
        "a.gz": idx_of(images),
        "a.tif": tiff_of(list(images)),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert client.submit(tmp_path / name).counts.total == 3, name


def test_zips_among_other_files_are_sent_together(
    client: Client, sheet: Path, rng: np.random.Generator
) -> None:
    packed = zip_of({f"{n}.png": each for n, each in enumerate(pngs(2, rng))})
    (quoted := sheet / '1"\\').write_bytes(packed)
    (sheet / "2").write_bytes(packed)
    (sheet / "c.npy").write_bytes(npy_of(glyphs(2, rng)))
    given = [quoted, sheet / "2", sheet / "form 1", sheet / "c.npy", quoted]
    inside = ["0.png", "1.png"]
    expected = [*inside, *inside, "form 1/2.png", "form 1/3.png", "c.npy[0]", "c.npy[1]"]
    assert names(client, given) == expected
    quoted.write_bytes(packed[:-30])
    with pytest.raises(ProblemError, match=r"'1__':.*no directory"):
        client.submit(given)


def test_more_files_than_a_zip_may_have_are_sent_in_several(
    client: Client, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "ENTRIES", 4)
    with prepare(sheet) as upload:
        body = b"".join(upload.blocks())
    assert body.count(b"Content-Disposition") == 2
    assert names(client, sheet) == [f"form {number // 2}/{number}.png" for number in range(6)]


def test_bytes_and_arrays_are_sent(client: Client, rng: np.random.Generator) -> None:
    images = glyphs(4, rng)
    turned = np.asfortranarray(images)
    labels = [item.label for item in client.results(client.submit(images))]
    assert len(labels) == 4
    assert [item.label for item in client.results(client.submit(turned))] == labels
    assert client.submit(images[0]).counts.total == 1
    (file,) = pngs(1, rng)
    for data in (file, bytearray(file), memoryview(file)):
        assert client.submit(data).counts.total == 1


@pytest.mark.parametrize(
    "what", [np.zeros((1, 28, 28), np.float32), np.array([None]), io.BytesIO(b"x"), 7]
)
def test_what_cannot_be_sent_is_said(client: Client, what: Any) -> None:
    with pytest.raises(BadCall, match=r"give .*\(n, 28, 28\) uint8"):
        client.submit(what)


@pytest.mark.parametrize("job", ["", "a/b", "ä", "x" * 65])
def test_what_is_no_jobs_id_is_said(client: Client, sheet: Path, job: str) -> None:
    for ask in (client.job, lambda job: client.submit(sheet, job_id=job)):
        with pytest.raises(BadCall, match="no job's id"):
            ask(job)


@pytest.mark.parametrize("key", ["", "a\nb", "ä", " a", "x" * 256])
def test_what_is_no_idempotency_key_is_said(client: Client, sheet: Path, key: str) -> None:
    with pytest.raises(BadCall, match="printable ASCII"):
        client.submit(sheet, idempotency_key=key)


def test_many_long_corrections_are_sent_in_parts(client: Client) -> None:
    blank = png(np.full((30, 60), 255, np.uint8))
    job = client.wait(client.submit(zip_of({f"{n}.png": blank for n in range(600)}), layout="line"))
    texts: dict[int, str | None] = dict.fromkeys(range(600), '"ä' * 250)
    assert client.correct(job, texts) == {}
    assert [item.correction for item in client.results(job)] == list(texts.values())


def test_images_are_corrected(client: Client, rng: np.random.Generator) -> None:
    job = client.wait(client.submit(glyphs(1200, rng)))
    assert client.correct(job, dict.fromkeys(range(1100), "7")) == {}
    assert client.correct(job, {0: "8", 1199: "8"}, overwrite=False) == {0: "7"}
    assert client.correct(job, {1: None}) == {}
    corrections = [item.correction for item in client.results(job)]
    assert corrections == ["7", None, *["7"] * 1098, *[None] * 99, "8"]


def test_images_are_seen_again_and_exported(
    client: Client, tmp_path: Path, rng: np.random.Generator
) -> None:
    drawn, target = pngs(2, rng), tmp_path / "set.zip"
    target.write_bytes(b"older")
    job = client.wait(client.submit(zip_of({"a.png": drawn[0], "b.png": drawn[1]}), keep_images=True))
    assert client.item(job, 1) == list(client.results(job))[1]
    assert client.image(job, 1) == drawn[1]
    assert client.preview(job, 1).startswith(b"\x89PNG")
    with pytest.raises(ProblemError, match="Correct or confirm"):
        client.export(job, target)
    assert target.read_bytes() == b"older"
    client.correct(job, {1: "7"})
    client.export(job, target, images="uploads")
    with ZipFile(target) as archive:
        (name,) = archive.namelist()
        assert (name.partition("/")[0], archive.read(name)) == ("7", drawn[1])


def test_a_path_without_images_is_refused_at_once(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NoImages, match="is not there"):
        client.submit(tmp_path / "nowhere")
    with pytest.raises(NoImages, match="no image"):
        client.submit(tmp_path)
    with pytest.raises(NoImages, match="no path is given"):
        client.submit([])


@pytest.mark.parametrize("what", ["", ["docs/scan.png", ""]])
def test_an_empty_path_is_not_taken_for_the_working_directory(client: Client, what: What) -> None:
    with pytest.raises(BadCall, match="a path is empty"):
        client.submit(what)


def test_files_are_never_held_in_memory(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(bytes(10 << 20))
    tracemalloc.start()
    with prepare(tmp_path) as upload:
        sizes = [len(block) for block in upload.blocks()]
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) == upload.size > 40 << 20
    assert peak < 8 << 20


@pytest.mark.parametrize("size", [100, (1 << 19) - 1, (1 << 19) + 1])
def test_a_file_that_changes_while_it_is_sent_makes_no_job(
    idle: Client, deserted: Services, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "a.zip"

    def changed() -> Upload:
        path.write_bytes(zip_of({}).ljust(1 << 19, b"\0"))
        upload = prepare(path)
        os.truncate(path, size)
        return upload

    before = len(list(idle.jobs()))
    with changed() as upload, pytest.raises(FileChanged, match=r"a\.zip was changed .*: send it again"):
        idle._run(idle._flows.submit(upload, {}, None, None))

    async def talk() -> None:
        async with AsyncClient(deserted.url) as client:
            with changed() as upload, pytest.raises(FileChanged):
                await client._run(client._flows.submit(upload, {}, None, None))

    asyncio.run(talk())
    assert len(list(idle.jobs())) == before


def test_results_come_in_order_while_the_job_runs(client: Client, rng: np.random.Generator) -> None:
    images = np.tile(glyphs(50, rng), (50, 1, 1))
    job = client.submit(images, top_k=1, priority="bulk", metadata={"form": "7"})
    assert (job.top_k, job.priority, job.metadata) == (1, "bulk", {"form": "7"})
    items = list(client.results(job))
    assert [item.index for item in items] == list(range(2500))
    assert {item.status for item in items} == {"succeeded"}
    assert client.job(job).state is JobState.SUCCEEDED


def test_the_failed_can_be_picked_out_and_tried_again(client: Client, rng: np.random.Generator) -> None:
    files = {f"{n}.png": data for n, data in enumerate(pngs(3, rng))} | {"bad.png": b"no image"}
    seen: list[JobState] = []
    job = client.wait(client.submit(zip_of(files)), on_progress=lambda now: seen.append(now.state))
    assert seen[-1] is job.state is JobState.PARTIALLY_FAILED
    (bad,) = client.results(job, only="failed")
    assert bad.name == "bad.png"
    assert bad.error
    assert bad.error.type == "undecodable-image"

    again = client.wait(client.retry(job))
    assert (again.parent_id, again.counts.total, again.state) == (job.id, 1, JobState.FAILED)
    assert [each.id for each in client.jobs()][:2] == [again.id, job.id]
    client.delete(job)
    with pytest.raises(ProblemError) as caught:
        client.job(job)
    assert (caught.value.status, caught.value.type) == (404, "/problems/not-found")


def test_one_image_is_predicted(client: Client, sheet: Path) -> None:
    item = client.predict(sheet / "form 0" / "0.png", charset="digits", top_k=2)
    assert item.label is not None
    assert item.label in "0123456789"
    assert item.top_k
    assert len(item.top_k) == 2
    with pytest.raises(ProblemError) as caught:
        client.predict(b"\x89PNG\r\n\x1a\n cut off")
    assert (caught.value.status, caught.value.type) == (422, "/problems/undecodable-image")
    assert caught.value.extra["job_id"].startswith("job_")


def test_an_image_that_was_not_read_is_the_problem_that_a_prediction_of_it_gets(client: Client) -> None:
    broken = b"\x89PNG\r\n\x1a\n broken"
    with pytest.raises(ProblemError) as refused:
        client.predict(broken)
    (item,) = client.results(client.submit(broken))
    found, wanted = ProblemError.of_item(item), refused.value
    assert (found.status, found.type, found.title) == (wanted.status, wanted.type, wanted.title)
    assert found.detail in wanted.detail


def test_a_prediction_that_takes_longer_is_waited_for(services: Services, sheet: Path) -> None:
    """A second gateway, with keys, answers 202 at once; the worker of all reads for it as well."""
    key, line = new_key()
    with beside(services, INKQUEUE_PREDICTION_WAIT="0", INKQUEUE_API_KEYS=line) as own:
        with Client(own.url, key) as client:
            assert client.predict(sheet / "form 0" / "0.png").label is not None
            with pytest.raises(ProblemError, match="not a PNG") as caught:
                client.predict(zip_of({"bad.png": b"no image"}))
            assert caught.value.type == "/problems/undecodable-image"
        with Client(own.url) as stranger, pytest.raises(ProblemError) as caught:
            stranger.models()
        assert caught.value.status == 401


def test_models_are_described(client: Client) -> None:
    described = {model.name: model for model in client.models()}
    assert len(described["balanced"].labels) == 47


def test_waiting_ends_in_time(idle: Client, rng: np.random.Generator) -> None:
    job = idle.submit(glyphs(3, rng))
    began = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        idle.wait(job, timeout=0.4)
    assert 0.4 <= time.monotonic() - began < LONG_POLL_S / 2
    assert caught.value.job.id == job.id
    assert idle.cancel(job).state is JobState.CANCELED
    assert [item.status for item in idle.results(job)] == ["canceled"] * 3


@pytest.mark.parametrize(("status", "kind"), [(503, ProblemError), (0, Unreachable)])
def test_waiting_ends_in_time_though_the_gateway_says_nothing_of_the_job(
    status: int, kind: type[Exception]
) -> None:
    began = time.monotonic()
    with answering(status, {"Retry-After": "9"}) as url, Client(url) as client, pytest.raises(kind):
        client.wait("job_1", timeout=0.5)
    assert time.monotonic() - began < 0.5 + LATE_S + 5


def test_what_is_asked_again_is_waited_for_only_as_long_as_is_left() -> None:
    flow = Flows(RetryPolicy()).wait("job_1", 20.0, None)
    first = next(flow)
    time.sleep(0.3)
    pause = flow.send(httpx.ReadError("cut off"))
    again = next(flow)
    flow.close()
    assert isinstance(first, Call)
    assert isinstance(pause, Pause)
    assert isinstance(again, Call)
    assert 10 < float(first.arguments()["params"]["wait"]) <= 20
    assert float(again.arguments()["params"]["wait"]) <= 19.7


def test_an_answer_is_waited_for_longer_than_a_gateway_may_hold_it() -> None:
    assert Call("GET", "/v1/jobs/job_1", wait_s=30).arguments()["timeout"].read > 35


def test_what_is_no_webhooks_id_leads_nowhere_else() -> None:
    call = next(WebhookFlows(RetryPolicy()).delete("../jobs/job_1"))
    assert isinstance(call, Call)
    assert call.path == "/v1/webhooks/..%2Fjobs%2Fjob_1"


def test_a_gateway_that_answers_at_once_is_not_asked_again_at_once(
    idle: Client, rng: np.random.Generator
) -> None:
    job, flows = idle.submit(glyphs(1, rng)), Flows(RetryPolicy())
    waiting = flows.wait(job.id, 20.0, None)
    next(waiting)
    assert isinstance(waiting.send(httpx.Response(200, content=job.model_dump_json())), Pause)
    reading = flows.page(job.id, 0, None)
    next(reading)
    nothing = ItemPage(data=[], next_cursor=0, complete=False)
    progress = reading.send(httpx.Response(200, content=nothing.model_dump_json()))
    assert isinstance(progress, Call)
    assert (progress.path, progress.wait_s) == (f"/v1/jobs/{job.id}", PROGRESS_S)


def test_an_answer_that_cannot_be_unpacked_is_an_error_of_the_client() -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    with answering(200, headers, b"no gzip") as url:
        with Client(url, retries=IMPATIENT) as client:
            for ask in (lambda: client.job("job_1"), lambda: list(client.events("job_1"))):
                with pytest.raises(Unreachable, match="no answer"):
                    ask()

        async def talk() -> None:
            async with AsyncClient(url, retries=IMPATIENT) as client:
                with pytest.raises(Unreachable):
                    await client.job("job_1")
                with pytest.raises(Unreachable):
                    await anext(client.events("job_1"))

        asyncio.run(talk())


@pytest.mark.parametrize("answer", [200, 202])
def test_a_prediction_whose_job_is_canceled_is_an_error(
    deserted: Services, idle: Client, rng: np.random.Generator, answer: int
) -> None:
    """It is told at once, or found by whoever waits for the job."""
    settings = {"INKQUEUE_PREDICTION_WAIT": "20" if answer == 200 else "0"}
    with beside(deserted, **settings) as own, Client(own.url) as client:
        canceling = threading.Thread(target=cancel_next, args=(idle,))
        canceling.start()
        with pytest.raises(ProblemError) as caught:
            client.predict(pngs(1, rng)[0])
        canceling.join()
    assert (caught.value.status, caught.value.type) == (409, "/problems/item-pending")


def cancel_next(client: Client) -> None:
    """Cancel the next job as soon as it is there."""
    client.cancel(until(lambda: list(client.jobs(JobState.QUEUED)))[0])


def test_a_busy_gateway_is_asked_again_when_it_says(
    deserted: Services, idle: Client, rng: np.random.Generator
) -> None:
    idle.submit(glyphs(300, rng))
    finish(deserted.redis_url)
    first = idle.submit(glyphs(1, rng))
    time.sleep(1)  # since then it is known how fast images are read
    with pytest.raises(ProblemError) as caught:
        idle.submit(glyphs(2, rng))
    assert (caught.value.status, caught.value.type) == (429, "/problems/too-many-jobs")

    def make_room(answer: httpx.Response) -> None:
        if answer.status_code == 429:
            idle.cancel(first)

    began = time.monotonic()
    with Client(deserted.url) as patient:
        patient._http.event_hooks = {"response": [make_room]}
        second = patient.submit(glyphs(2, rng))
    assert time.monotonic() - began >= 1  # Retry-After
    assert second.counts.total == 2


def test_a_submission_under_way_is_waited_for(deserted: Services, rng: np.random.Generator) -> None:
    lock = keys.lock("anonymous", key_digest("mine") or "")
    with redis.Redis.from_url(deserted.redis_url) as ledger, Client(deserted.url) as client:
        ledger.set(lock, 1)
        unlocking = threading.Timer(0.3, ledger.delete, [lock])
        unlocking.start()
        job = client.submit(glyphs(1, rng), idempotency_key="mine")
        assert client.submit(glyphs(1, np.random.default_rng(7)), idempotency_key="mine").id == job.id
        client.cancel(job)
        unlocking.join()


def test_a_submission_whose_answer_was_lost_makes_one_job(idle: Client, deserted: Services) -> None:
    before = len(list(idle.jobs()))
    with lossy(deserted.url, losses=2) as (url, lost), Client(url) as client:
        job = client.submit(glyphs(5, np.random.default_rng(3)))
    assert [answer[:12] for answer in lost] == [b"HTTP/1.1 202"] * 2
    newest, *others = idle.jobs()
    assert newest.id == job.id
    assert len(others) == before


def test_what_may_not_be_repeated_is_not(idle: Client, deserted: Services) -> None:
    with lossy(deserted.url, losses=1) as (url, lost), Client(url) as client:
        with pytest.raises(Unreachable):
            client.delete("job_of_nobody")
        assert len(lost) == 1


def test_a_retry_whose_answer_was_lost_makes_one_job(services: Services) -> None:
    with Client(services.url) as direct, lossy(services.url, losses=2) as (url, lost):
        job = direct.wait(direct.submit(zip_of({"bad.png": b"no image"})))
        with Client(url) as client:
            again = client.retry(job)
        assert [answer[:12] for answer in lost] == [b"HTTP/1.1 202"] * 2
        assert [each.id for each in direct.jobs() if each.parent_id == job.id] == [again.id]


def test_a_gateway_that_restarts_is_waited_for(deserted: Services) -> None:
    gateway = deserted.processes[-1]
    gateway.send_signal(signal.SIGKILL)
    gateway.wait()
    starting = threading.Timer(0.3, deserted.spawn, ["api"])
    starting.start()
    with Client(deserted.url) as client:
        assert client.models()
    starting.join()


def test_silence_begins_when_it_is_noticed() -> None:
    """A long poll may break at its end, after more seconds than silence is borne."""
    tries = Tries(RetryPolicy(silence_s=0.2), repeatable=True, end=math.inf)
    time.sleep(0.3)
    assert tries.pause_after(httpx.ReadError("broken")) is not None
    time.sleep(0.3)
    assert tries.pause_after(httpx.ConnectError("nobody")) is None


def test_an_answer_ends_a_silence() -> None:
    tries = Tries(RetryPolicy(silence_s=1), repeatable=True, end=math.inf)
    assert tries.pause_after(httpx.ReadError("broken")) is not None
    time.sleep(0.7)
    assert tries.pause_after(httpx.Response(503)) is not None
    assert tries.pause_after(httpx.ReadError("broken")) is not None


def test_a_gateway_is_busy_since_it_says_so() -> None:
    """An upload may have taken longer than a busy gateway is waited for."""
    busy = httpx.Response(503, headers={"Retry-After": "0.1"})
    tries = Tries(RetryPolicy(busy_s=0.2), repeatable=True, end=math.inf)
    time.sleep(0.3)
    assert tries.pause_after(busy) is not None
    time.sleep(0.3)
    assert tries.pause_after(busy) is None


def test_no_proxy_stands_before_this_machine(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Client(services.url, retries=IMPATIENT) as client:
        assert client.models()


def test_nobody_there_is_said_soon() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with (
        Client(url, retries=RetryPolicy(silence_s=0.3)) as client,
        pytest.raises(Unreachable, match=url),
    ):
        client.models()
    assert time.monotonic() - began < RetryPolicy().silence_s / 2


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "http://",
        "http://:80",
        "ftp://127.0.0.1",
        "http://localhost:80a0",
        "http://localhost:99999",
        "http://localhost:0",
        "http://a..b",
        f"http://{'a' * 64}.de",
        "http://[::1",
        "http://localhost\n",
        "http://\udcff",
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address like .*: give http:// or https://"):
        Client(url)


@pytest.mark.parametrize(
    ("url", "proxied"),
    [("http://[::1]:80", False), ("HTTP://Localhost", False), ("https://bücher.example/ink", True)],
)
def test_an_address_may_be_any_url(url: str, proxied: bool) -> None:
    assert httpx_settings(url, None)["trust_env"] is proxied


def test_another_server_is_not_taken_for_a_gateway(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "models").write_text("<p>Welcome!</p>")
    (tmp_path / "v1" / "queue").write_text("{}")
    with files_served(tmp_path) as url, Client(url, retries=IMPATIENT) as client:
        with pytest.raises(Unreachable, match="is not inkqueue"):
            client.models()
        with pytest.raises(Unreachable, match="is not inkqueue"):
            client.queue()
        with pytest.raises(ProblemError) as caught:
            client.job("job_1")
        assert (caught.value.status, caught.value.type) == (404, "about:blank")


def test_a_page_for_people_is_not_taken_for_a_file(tmp_path: Path) -> None:
    target, job = tmp_path / "set.zip", f"job_{'0' * 32}"
    target.write_bytes(b"older")
    for path in ("export", "items/0/image"):
        page = tmp_path / "v1" / "jobs" / job / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<p>Welcome!</p>")
    with files_served(tmp_path) as url, Client(url, retries=IMPATIENT) as client:
        with pytest.raises(Unreachable, match="is not inkqueue"):
            client.image(job, 0)
        with pytest.raises(Unreachable, match="is not inkqueue"):
            client.export(job, target)
    assert target.read_bytes() == b"older"


def test_the_awaiting_client_does_the_same(services: Services, sheet: Path) -> None:
    async def talk() -> None:
        async with AsyncClient(services.url) as client:
            sent = (client.submit(sheet, top_k=1, keep_images=True) for _ in range(4))
            jobs = await asyncio.gather(*sent)
            done = await asyncio.gather(*(client.wait(job) for job in jobs))
            assert [job.state for job in done] == [JobState.SUCCEEDED] * 4
            items = [item async for item in client.results(jobs[0])]
            assert [item.name for item in items] == [f"form {n // 2}/{n}.png" for n in range(6)]
            assert (await client.predict(sheet / "form 0" / "0.png")).label == items[0].label
            assert await client.item(jobs[0], 5) == items[5]
            assert await client.image(jobs[0], 5) == (sheet / "form 2" / "5.png").read_bytes()
            assert (await client.preview(jobs[0], 5)).startswith(b"\x89PNG")
            await client.export(jobs[0], sheet.parent / "all.zip", what="all")
            with ZipFile(sheet.parent / "all.zip") as archive:
                assert len(archive.namelist()) == 6
            assert {job.id for job in jobs} <= {job.id async for job in client.jobs()}
            assert (await client.job(jobs[0])).counts.succeeded == 6
            assert (await client.cancel(jobs[1])).state is JobState.SUCCEEDED
            with pytest.raises(ProblemError, match=r"^No image of the job failed: There is nothing"):
                await client.retry(jobs[1])
            await client.delete(jobs[1])
            assert len(await client.models()) >= 2

    asyncio.run(talk())


def test_both_clients_can_do_the_same() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        public = inspect.getmembers(client, inspect.isfunction)
        return {
            name.removeprefix("a"): [*inspect.signature(method).parameters]
            for name, method in public
            if not name.startswith("_")
        }

    assert methods(Client) == methods(AsyncClient)


def test_every_option_of_a_job_can_be_given() -> None:
    assert Options.__annotations__.keys() == JobParameters.model_fields.keys()


def test_a_client_weighs_little() -> None:
    code = "import sys, api.client; print(*{'fastapi', 'torch', 'cv2', 'numpy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n")


@contextmanager
def answering(status: int, headers: Mapping[str, str], body: bytes = b"{}") -> Iterator[str]:
    """A server that answers everything in this way; with the status 0 not at all."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not status:
                over.wait(30)
                return
            self.send_response(status)
            for name, value in ({**headers, "Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield url
        over.set()


@contextmanager
def lossy(url: str, losses: int) -> Iterator[tuple[str, list[bytes]]]:
    """A way to the gateway on which the first `losses` answers are lost; yields it and what was lost."""
    target = urlsplit(url)
    lost: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((target.hostname, target.port)) as gateway:
                inward = threading.Thread(target=pour, args=(self.request, gateway))
                inward.start()
                if len(lost) < losses:
                    lost.append(gateway.recv(65_536))
                    self.request.shutdown(socket.SHUT_RDWR)
                else:
                    pour(gateway, self.request)
                inward.join()

    def pour(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lost
        finally:
            server.shutdown()


@contextmanager
def files_served(folder: Path) -> Iterator[str]:
    """Python's own file server, for which all files but the queue are pages."""

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def guess_type(self, path: object) -> str:
            return "application/json" if str(path).endswith("/queue") else "Text/HTML"

        def log_message(self, *args: object) -> None:
            pass

    with serving(Quiet) as url:
        yield url


@pytest.mark.parametrize(
    ("status", "slug", "repeatable", "again"),
    [
        (429, "rate-limited", False, True),
        (503, "memory-full", False, True),
        (503, "storage-unavailable", False, False),  # it may have been done
        (503, "storage-unavailable", True, True),
        (413, "too-many-images", True, False),
    ],
)
def test_a_refusal_of_what_was_not_begun_is_waited_out(
    status: int, slug: str, repeatable: bool, again: bool
) -> None:
    headers = {"Retry-After": "7"} if status in (429, 503) else {}
    answer = httpx.Response(status, headers=headers, json={"type": f"/problems/{slug}"})
    assert Tries(RetryPolicy(), repeatable, math.inf).pause_after(answer) == (7 if again else None)


def test_a_key_from_a_file_of_another_system_is_a_key() -> None:
    assert httpx_settings("http://localhost", "ink_1 \r\n")["headers"]["Authorization"] == "Bearer ink_1"
    with pytest.raises(ValueError, match="characters that no key has") as caught:
        httpx_settings("http://localhost", "ink_\u200b1")
    assert "ink" not in str(caught.value)
