"""A job as folders by label: what a person checked becomes a data set that `training` reads."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from unicodedata import is_normalized
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
import redis
from anyio.to_thread import run_sync
from typer.testing import CliRunner

from api.exports.archive import MOST, zip_stream
from api.exports.exporting import Export
from api.exports.naming import folder_of, path_of
from api.exports.previews import Previews
from api.exports.sheets import glyphs_by_box, labelled, marks_of
from api.settings import GatewaySettings
from model.card import read_cards
from model.drawn import draw
from model.files.images import decode, png
from model.flags import Flag
from model.glyph import Glyph
from model.ink.normalization import to_glyph
from model.layout import Box, Character
from training.cli import app
from training.sets.readers import read
from training.sets.readers.meaning import Meaning, class_of
from training.sets.readers.pictures import label_of
from worker.ledger.jobs import Job
from worker.ledger.results import Answer, Found, Page
from worker.ledger.store import Item, JobGone, Store

from jobs import finished
from ledgers import in_store, read_job, submit
from samples import drawings, glyphs, npy_of, page, tiff_of, zip_of
from services import Services

BALANCED = read_cards()["balanced"].labels


def send(http: httpx.Client, files: dict[str, bytes], **options: str | int) -> str:
    """A finished job of these files."""
    return finished(http, zip_of(files), "application/zip", **{"keep_images": True} | options)


def export(http: httpx.Client, job: str, folder: Path, **params: str) -> list[str]:
    """What an export holds, and the same unpacked in `folder`."""
    answer = http.get(f"/v1/jobs/{job}/export", params=params)
    assert answer.headers["content-type"] == "application/zip"
    which = "all" if params.get("what") == "all" else "checked"
    name = f"{job}-{which}-{params.get('images', 'glyphs')}.zip"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    made = datetime.fromisoformat(http.get(f"/v1/jobs/{job}").json()["created_at"])
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {each.date_time[:5] for each in archive.infolist()} == {made.timetuple()[:5]}
        archive.extractall(folder)
        return archive.namelist()


def test_every_label_has_a_folder_that_disks_keep_apart_and_training_reads() -> None:
    for labels in (BALANCED, "ABCabc", "./\\?*: |7", "ß\N{LATIN SMALL LETTER E WITH ACUTE}xX"):
        folders = [folder_of(label, labels) for label in labels]
        assert len({folder.lower() for folder in folders}) == len(labels)
        assert not [folder for folder in folders if set(folder) & set("./\\?*:| ")]
        assert all(is_normalized("NFD", folder) for folder in folders)  # as some disks write them
        meant = [class_of(label_of(Path(folder) / "1.png"), Meaning(labels)) for folder in folders]
        assert meant == list(range(len(labels)))


def test_names_of_files_are_short_and_plain() -> None:
    for name, path in (
        ("scans/form 7.v2.png", "7/000003-form_7_v2"),
        ("c.npy[12]", "7/000003-c_12_"),
        ("x" * 99 + ".png", f"7/000003-{'x' * 60}"),
    ):
        assert path_of("7", Item(3, name, None)) == path


def test_an_export_is_read_back_label_by_label_and_pixel_by_pixel(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    drawn = {f"form {n // 9}/{label}.png": png(draw(label, rng)) for n, label in enumerate(BALANCED)}
    job = send(http, drawn)
    labels = {str(index): label for index, label in enumerate(BALANCED)}
    http.patch(f"/v1/jobs/{job}/corrections", json={"labels": labels})
    names = export(http, job, tmp_path)
    assert len(names) == len(BALANCED)
    found = read(tmp_path, BALANCED)
    order = np.argsort(found.labels)
    assert found.labels[order].tolist() == list(range(len(BALANCED)))
    seen = np.stack([to_glyph(decode(data, 10**6), "emnist") for data in drawn.values()])
    np.testing.assert_array_equal(found.images[order], seen)


def test_only_what_a_person_checked_is_exported_unless_all_is_asked_for(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    files = {f"{n}.png": png(draw(str(n), rng)) for n in range(10)} | {"broken.png": b"not an image"}
    job = send(http, files, model="digits")
    read_as = [each.get("label") for each in http.get(f"/v1/jobs/{job}/results").json()["data"]]
    nothing = http.get(f"/v1/jobs/{job}/export")
    assert nothing.json()["type"] == "/problems/nothing-to-export"
    http.patch(f"/v1/jobs/{job}/items/3/correction", json={"label": "9"})
    assert export(http, job, tmp_path / "checked") == ["9/000003-3.png"]
    every = export(http, job, tmp_path / "all", what="all")
    assert every == [f"{'9' if n == 3 else read_as[n]}/{n:06d}-{n}.png" for n in range(10)]


def test_uploads_come_back_as_they_were_sorted_by_label(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    files = {"a/7.png": png(draw("7", rng)), "../a b.svg".strip("./"): b"<svg/>"}
    job = send(http, files, model="digits")
    label = http.get(f"/v1/jobs/{job}/items/0").json()["label"]
    for folder in (label, "9"):
        names = export(http, job, tmp_path, what="all", images="uploads")
        assert names == [f"{folder}/000000-7.png", "unread/000001-a_b.bin"]
        http.patch(f"/v1/jobs/{job}/items/0/correction", json={"label": "9"})
    assert [(tmp_path / name).read_bytes() for name in names] == list(files.values())


def test_images_of_arrays_and_pages_keep_their_numbers(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    files = {"c.npy": npy_of(glyphs(2, rng)), "scan.v2.tif": tiff_of(drawings(2, rng)), "d.png": b"?"}
    names = export(http, send(http, files), tmp_path, what="all", images="uploads")
    stems = [Path(name).stem.partition("-")[2] for name in names]
    assert stems == ["c_0_", "c_1_", "scan_v2_1", "scan_v2_2", "d"]


def test_an_export_of_a_job_that_goes_meanwhile_breaks_off(
    redis_url: str, clean_redis: redis.Redis
) -> None:
    submit(redis_url, "a", (2, 2), keep=True)

    async def work(store: Store) -> None:
        job = await store.job("anonymous/a")
        assert isinstance(job, Job)
        previews = Previews(GatewaySettings())
        unread = Export(job, None, checked=False, glyphs=True, previews=previews)
        assert [each async for each in unread.files(store, 0, 4)] == []
        export = Export(job, None, checked=False, glyphs=False, previews=previews)
        files = export.files(store, 0, 4)
        assert [path for path, _ in await anext(files)] == ["unread/000000-0.png", "unread/000001-1.png"]
        clean_redis.flushall()
        with pytest.raises(JobGone):
            await anext(files)
        with pytest.raises(JobGone):  # an empty archive would pass for one of a job without images
            await anext(export.files(store, 0, 4))

    in_store(redis_url, work)


def test_arrays_and_parts_of_a_job_are_exported_too(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    images = glyphs(600, rng)
    job = finished(http, npy_of(images), "application/x-npy", keep_images=True, model="digits-mlp")
    names = export(http, job, tmp_path, what="all", cursor="250", limit="300")
    indices = [int(name.split("/")[1].split("-")[0]) for name in names]
    assert indices == list(range(250, 550))
    np.testing.assert_array_equal(decode((tmp_path / names[0]).read_bytes()), images[250])


def test_without_kept_images_there_is_nothing_to_export(
    http: httpx.Client, rng: np.random.Generator
) -> None:
    job = send(http, {"7.png": png(draw("7", rng))}, keep_images=False)
    answer = http.get(f"/v1/jobs/{job}/export")
    assert answer.status_code == 410
    assert "keep_images=true" in answer.json()["detail"]


def test_an_archive_is_sent_as_it_is_made() -> None:
    made, seen = list[int](), list[tuple[int, bytes]]()

    async def files() -> AsyncIterator[list[tuple[str, bytes]]]:
        for number in range(3):
            made.append(number)
            yield [(f"{number}.png", b"pixels")]

    async def send_all() -> None:
        async for part in zip_stream(files(), 1_800_000_000_000):
            seen.append((len(made), part))

    asyncio.run(send_all())
    assert [count for count, _ in seen] == [1, 2, 3, 3]
    assert len({len(part) for _, part in seen[:3]}) == 1  # nothing is sent twice
    with ZipFile(io.BytesIO(b"".join(part for _, part in seen))) as archive:
        assert archive.namelist() == ["0.png", "1.png", "2.png"]
        assert archive.testzip() is None


def test_more_images_than_a_zip_holds_are_asked_for_in_parts(
    http: httpx.Client, services: Services, rng: np.random.Generator
) -> None:
    job = send(http, {"7.png": png(draw("7", rng))})
    with redis.Redis.from_url(services.redis_url) as client:
        client.hset(f"ink:job:anonymous/{job}", "total", MOST + 1)
    answer = http.get(f"/v1/jobs/{job}/export?what=all")
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-many-images")
    assert answer.json()["limit"] == MOST


@pytest.mark.parametrize("query", ["what=none", "images=svg", "limit=0", "limit=100001", "cursor=-1"])
def test_another_export_is_refused(http: httpx.Client, rng: np.random.Generator, query: str) -> None:
    job = send(http, {"7.png": png(draw("7", rng))})
    answer = http.get(f"/v1/jobs/{job}/export?{query}")
    assert answer.json()["type"] == "/problems/invalid-parameter"


def test_a_network_is_trained_on_an_export(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    digits = "0123456789" * 10
    job = send(http, {f"{n}.png": png(draw(d, rng)) for n, d in enumerate(digits)}, model="digits")
    labels = {str(n): digit for n, digit in enumerate(digits)}
    http.patch(f"/v1/jobs/{job}/corrections", json={"labels": labels})
    export(http, job, tmp_path / "set")
    line = ["train", "digits-nano", "--quick", "--threads", "1", "--train", str(tmp_path / "set")]
    done = CliRunner().invoke(app, [*line, "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    assert "80 images to train on, of which an epoch draws 2,560; 10 to choose on" in done.output


def test_previews_that_take_long_leave_threads_for_everything_else() -> None:
    async def ask() -> None:
        previews, over = Previews(GatewaySettings()), threading.Event()
        waiting = [asyncio.create_task(previews.in_thread(over.wait)) for _ in range(100)]
        async with asyncio.timeout(5):
            assert await run_sync(lambda: "done") == "done"
        over.set()
        assert await asyncio.gather(*waiting) == [True] * 100

    asyncio.run(ask())


def test_pages_come_back_with_their_texts(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    files = {"a.png": png(page(["AB 7"], rng)), "b.png": png(page(["HK"], rng)), "c.png": b"none"}
    job = send(http, files, layout="page")
    text = http.get(f"/v1/jobs/{job}/items/0").json()["text"]
    http.patch(f"/v1/jobs/{job}/items/1/correction", json={"label": "HK, or so"})
    assert export(http, job, tmp_path, what="all", images="uploads") == [
        *("page/000000-a.png", "page/000000-a.txt", "page/000001-b.png", "page/000001-b.txt"),
        "unread/000002-c.bin",
    ]
    assert (tmp_path / "page/000000-a.txt").read_text() == text
    assert (tmp_path / "page/000001-b.txt").read_text() == "HK, or so"


def test_a_glyph_is_of_the_reading_that_stands() -> None:
    """The left piece is in the same box in two rival readings, and cut otherwise."""
    whole, left, right, other = Box(0, 0, 9, 9), Box(0, 0, 4, 9), Box(4, 0, 5, 9), Box(3, 0, 6, 9)
    alone = Box(20, 0, 4, 9)
    cut = [
        Character(Glyph(np.full((28, 28), shade, np.uint8)), box, 0, 0, group, reading)
        for shade, (box, group, reading) in enumerate(
            [(whole, 0, 0), (left, 0, 1), (right, 0, 1), (left, 0, 2), (other, 0, 2), (alone, 1, 0)]
        )
    ]
    for boxes, shades in (([left, right, alone], [1, 2, 5]), ([left, other, alone], [3, 4, 5])):
        found = tuple(Found(Answer((1,), (0.9,), False), box, 0, 0) for box in boxes)
        glyphs = glyphs_by_box(cut, Item(0, "0", Page(found)))
        assert [glyphs[box].pixels[0, 0] for box in boxes] == shades
        assert len(glyphs) == 3
    pieces = tuple(Found(Answer((1,), (0.9,), False), box, 0, 0) for box in (whole, right))
    more = [
        Character(Glyph(np.full((28, 28), shade, np.uint8)), box, 0, 0, 0, reading)
        for shade, (box, reading) in enumerate([(whole, 0), (whole, 1), (right, 1)])
    ]
    glyphs = glyphs_by_box(more, Item(0, "0", Page(pieces)))
    assert [glyphs[box].pixels[0, 0] for box in (whole, right)] == [1, 2]


def test_what_was_read_on_a_page_is_marked_and_labelled_by_its_text_if_that_has_one_for_each(
    redis_url: str, clean_redis: redis.Redis
) -> None:
    submit(redis_url, "a", layout="page")
    job = replace(read_job(redis_url, "a"), labels="AB7")
    boxes = [Box(10 * number, 0, 9, 9) for number in range(3)]
    answers = [
        Answer((0,), (0.9,), False),
        Answer((1,), (0.9,), False, Flag.BLANK),
        Answer((2,), (0.5,), True),
    ]
    read_as = Page(tuple(Found(answer, box, 0, 0) for answer, box in zip(answers, boxes, strict=True)))
    for said, labels in ((None, "A7"), ("B\nA", "BA"), ("Bé", "B"), ("BAB", ""), ("B", "")):
        found = labelled(job, Item(0, "0", read_as, said))
        assert list(found) == list(zip([boxes[0], boxes[2]], labels, strict=False))
    marks = json.loads(marks_of(job, Item(0, "0", read_as)))
    assert [tuple(mark) for mark in marks] == [
        ([0, 0, 9, 9], "A", False),
        ([10, 0, 9, 9], "B", False),
        ([20, 0, 9, 9], "7", True),
    ]


def test_characters_of_pages_are_a_data_set_too(
    http: httpx.Client, rng: np.random.Generator, tmp_path: Path
) -> None:
    files = {"a.png": png(page(["AB 7"], rng)), "b.png": png(page(["HK"], rng)), "c.png": b"none"}
    job = send(http, files, layout="page")
    for index, said in enumerate(["47\nZ", "H, K"]):  # one for each character, and one sign too many
        http.patch(f"/v1/jobs/{job}/items/{index}/correction", json={"label": said})
    checked = export(http, job, tmp_path)
    assert sorted(checked) == [
        *("4/000000-a-0000.png", "7/000000-a-0001.png", "Z/000000-a-0002.png"),
    ]
    found = read(tmp_path, BALANCED)
    assert sorted(BALANCED[label] for label in found.labels) == ["4", "7", "Z"]
    assert all(image.max() > 200 and image[0].max() < 64 for image in found.images)
    http.patch(f"/v1/jobs/{job}/items/1/correction", json={"label": None})
    every = export(http, job, tmp_path / "all", what="all")
    assert len(every) == 5
    line = send(http, {"l.png": files["a.png"]}, layout="line")
    assert len(export(http, line, tmp_path / "line", what="all")) == 3
    uploads = export(http, line, tmp_path / "line", what="all", images="uploads")
    assert uploads == ["line/000000-l.png", "line/000000-l.txt"]


def test_what_a_person_wrote_of_a_page_that_cannot_be_read_is_beside_it(
    http: httpx.Client, tmp_path: Path
) -> None:
    job = send(http, {"torn.png": b"\x89PNG\r\n\x1a\n"}, layout="page")
    assert http.get(f"/v1/jobs/{job}/items/0").json()["status"] == "failed"
    assert http.patch(f"/v1/jobs/{job}/items/0/correction", json={"label": "ABC 47"}).is_success
    assert export(http, job, tmp_path, images="uploads") == [
        "unread/000000-torn.png",
        "unread/000000-torn.txt",
    ]
    assert (tmp_path / "unread/000000-torn.txt").read_text() == "ABC 47"
