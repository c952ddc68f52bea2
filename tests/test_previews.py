"""`/preview.png`: what a network saw of an image beside the upload, and what it found on a page."""

import io
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from PIL import Image

from api.exports.previews import Previews
from api.settings import GatewaySettings
from model.card import read_cards
from model.files.images import Grey, decode, png
from model.ink.normalization import to_glyph
from model.layout import Box
from model.previews import SIDE, Mark, boxed
from worker.ledger.jobs import Counts, Job, JobState, Options
from worker.ledger.store import Item

from jobs import finished
from samples import glyphs, npy_of, page, pngs

PNG, NPY = "image/png", "application/x-npy"
LINES = ["ABC 47", "HKE 2Z"]


@pytest.fixture(scope="module")
def previews() -> Iterator[Previews]:
    found = Previews(GatewaySettings())
    yield found
    found.close()


def kept(http: httpx.Client, body: bytes, kind: str, **options: str | int) -> str:
    """Where the items of a finished job are."""
    return f"/v1/jobs/{finished(http, body, kind, **{'keep_images': True} | options)}/items"


def pixels(data: bytes) -> Grey:
    """What a PNG shows; colours as RGB."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def coloured(picture: Grey) -> Grey:
    """Where something is drawn over the upload, which has no colours."""
    return np.asarray(np.ptp(picture.astype(int), axis=2) > 60)


def test_the_glyph_stands_beside_the_upload(http: httpx.Client, rng: np.random.Generator) -> None:
    (data,) = pngs(1, rng)
    items, glyph = kept(http, data, PNG), to_glyph(decode(data), "emnist")
    answer = http.get(f"{items}/0/preview.png")
    assert answer.headers["content-type"] == PNG
    assert "sandbox" in answer.headers["content-security-policy"]
    picture = pixels(answer.content)
    assert picture.shape == (SIDE, 2 * SIDE + 16)
    np.testing.assert_array_equal(picture[8::16, SIDE + 24 :: 16], glyph)
    alone = http.get(f"{items}/0/preview.png", params={"show": "glyph"}).content
    np.testing.assert_array_equal(pixels(alone), glyph)


def test_an_array_has_no_upload_beside_it(http: httpx.Client, rng: np.random.Generator) -> None:
    images = glyphs(3, rng)
    items = kept(http, npy_of(images), NPY)
    np.testing.assert_array_equal(
        pixels(http.get(f"{items}/2/preview.png").content)[8::16, 8::16], images[2]
    )
    alone = http.get(f"{items}/2/preview.png", params={"show": "glyph"}).content
    np.testing.assert_array_equal(pixels(alone), images[2])


def test_an_array_with_dark_ink_is_shown_as_it_was_read(
    http: httpx.Client, rng: np.random.Generator
) -> None:
    images = glyphs(1, rng)
    for normalize, seen in (("auto", images[0]), ("none", 255 - images[0])):
        items = kept(http, npy_of(255 - images), NPY, normalize=normalize)
        picture = pixels(http.get(f"{items}/0/preview.png").content)
        np.testing.assert_array_equal(picture[8::16, 8::16], seen)


def test_a_page_has_the_boxes_and_labels_of_its_result(
    http: httpx.Client, rng: np.random.Generator
) -> None:
    drawn = page(LINES, rng)
    items = kept(http, png(drawn), PNG, layout="page")
    lines = http.get(f"{items}/0").json()["lines"]
    marks = [
        Mark(Box(*each["box"]), each["label"], each["uncertain"])
        for line in lines
        for word in line["words"]
        for each in word["characters"]
    ]
    assert len(marks) == 10
    expected = boxed(drawn, marks)[:, :, ::-1]
    np.testing.assert_array_equal(pixels(http.get(f"{items}/0/preview.png").content), expected)


def test_a_large_page_is_made_smaller(http: httpx.Client) -> None:
    wide = np.full((1200, 3600), 230, np.uint8)
    wide[400:500, 1000:1020] = 20
    items = kept(http, png(wide), PNG, layout="page")
    assert pixels(http.get(f"{items}/0/preview.png").content).shape == (533, 1600, 3)


def test_what_was_not_read_yet_has_boxes_without_labels(
    previews: Previews, rng: np.random.Generator
) -> None:
    drawn = page(LINES, rng)
    job = waiting(Options("balanced", layout="page"))
    card = read_cards()["balanced"]
    picture = pixels(previews.picture(png(drawn), job, card, Item(0, "a.png", None)))
    bare = boxed(drawn, [])
    assert picture.shape == bare.shape
    assert 500 < coloured(picture).sum() < 20_000
    assert not ((picture == 255).all(axis=2) & (bare != 255).all(axis=2)).any()  # the ground of a label


def test_a_decoder_is_asked_for_pictures_and_glyphs_in_turn(
    previews: Previews, rng: np.random.Generator
) -> None:
    (data,) = pngs(1, rng)
    job, card = waiting(Options("balanced")), read_cards()["balanced"]
    for _ in range(2):
        picture = previews.picture(data, job, card, Item(0, "a.png", None))
        glyph = previews.glyph(data, job, card)
        np.testing.assert_array_equal(pixels(picture)[8::16, SIDE + 24 :: 16], pixels(glyph))


def waiting(options: Options) -> Job:
    """A job of which nothing is read."""
    return Job(
        name="anonymous/a",
        state=JobState.QUEUED,
        lane="bulk",
        counts=Counts(1, 1, 0, 0, 0, 0),
        options=options,
        metadata={},
        labels=read_cards()["balanced"].labels,
        weights="",
        parent=None,
        created=0,
        started=None,
        ended=None,
        expires=0,
    )
