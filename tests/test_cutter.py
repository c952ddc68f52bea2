"""Images cut into chunks: as many as about fit together, by how many characters each has."""

from collections.abc import Iterator

import numpy as np
import pytest

from api.intake.cutter import MOST_CHUNKS, Cutter
from api.intake.sources import NamedImage, Source, parts_of
from api.problems import Problem
from api.settings import GatewaySettings
from worker.ledger.jobs import WEIGHTS, Options

from samples import idx_of, npy_of

BLANK = np.zeros((1500, 28, 28), np.uint8)


def test_an_array_is_cut_into_larger_chunks_than_files_are() -> None:
    settings = GatewaySettings(chunk_images=2, chunk_glyphs=4)
    array = parts_of(Source("", memoryview(npy_of(BLANK[:9]))), settings, alone=True)
    chunks = Cutter(settings, 1).cut([NamedImage("", b"x"), *array, *[NamedImage("", b"x")] * 3])
    assert [chunk.count for chunk in chunks] == [1, 4, 4, 1, 2, 1]


@pytest.mark.parametrize("kind", ["npy", "idx", "idx.gz"])
def test_images_of_a_named_array_are_its_elements(kind: str) -> None:
    settings = GatewaySettings(chunk_glyphs=1000)
    data = npy_of(BLANK) if kind == "npy" else idx_of(BLANK, compressed=kind == "idx.gz")
    source = Source("a/b", memoryview(data))
    parts = [NamedImage("c.png", b"x"), *parts_of(source, settings, alone=False)]
    names = [name for chunk in Cutter(settings, 1).cut(parts) for name in chunk.names or ()]
    assert names == ["c.png", *[f"a/b[{number}]" for number in range(1500)]]


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        (Options("m"), [512, 88]),
        (Options("m", layout="line"), [512 // WEIGHTS["line"]] * 18 + [24]),
        (Options("m", layout="page"), [1] * 600),
        (Options("m", layout="grid"), [512 // WEIGHTS["grid"]] * 75),
        (Options("m", layout="grid", rows=1, columns=8), [64] * 9 + [24]),
        (Options("m", layout="grid", rows=100, columns=100), [1] * 600),
    ],
)
def test_a_chunk_has_about_as_many_characters_whatever_the_layout(
    options: Options, counts: list[int]
) -> None:
    chunks = Cutter(GatewaySettings(chunk_images=512), options.weight).cut([NamedImage("", b"x")] * 600)
    assert [chunk.count for chunk in chunks] == counts


def test_a_chunk_is_no_larger_than_is_set_unless_one_file_is() -> None:
    files = [NamedImage("", bytes(size)) for size in (6, 4, 1, 5, 5, 11, 1, 9, 1)]
    chunks = Cutter(GatewaySettings(chunk_bytes=10), 1).cut(files)
    assert [chunk.count for chunk in chunks] == [2, 2, 1, 1, 2, 1]


def test_a_job_takes_as_many_images_as_are_set_and_not_one_more() -> None:
    settings = GatewaySettings(chunk_images=2, max_images=5)
    assert len(list(Cutter(settings, 1).cut([NamedImage("", b"x")] * 5))) == 3
    with pytest.raises(Problem, match="at most 5 images") as refused:
        list(Cutter(settings, 1).cut([NamedImage("", b"x")] * 6))
    assert (refused.value.slug, refused.value.extra["limit"]) == ("too-many-images", 5)


def test_other_images_other_names_and_another_order_are_another_job() -> None:
    def fingerprint(*images: NamedImage) -> str:
        cutter = Cutter(GatewaySettings(), 1)
        assert list(cutter.cut(images))
        return cutter.fingerprint.hexdigest()

    one, two = NamedImage("a", b"x"), NamedImage("b", b"y")
    jobs = [(one,), (two,), (one, two), (two, one), (NamedImage("b", b"x"),), (NamedImage("", b"x"),)]
    assert len({fingerprint(*job) for job in jobs}) == len(jobs)


class Unread(list[int]):
    """Sizes of chunks that nobody may go through."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("to cut another chunk, all of the ones before were counted")


def test_however_many_chunks_there_are_the_next_is_cut_as_quickly() -> None:
    cutter = Cutter(GatewaySettings(chunk_images=2), 1, sizes=Unread())
    chunks = list(cutter.cut([NamedImage("", b"x")] * 3 + [NamedImage("a", b"x")] * 2))
    assert [chunk.names for chunk in chunks] == [None, ("2", "a"), ("a",)]
    assert cutter.images == 5


def test_a_job_of_too_many_chunks_is_refused_and_told_how_many_images_fit() -> None:
    weight = Options("m", layout="grid", rows=1, columns=128).weight
    two_a_chunk = Cutter(GatewaySettings(), weight)
    with pytest.raises(Problem, match=f"first {2 * MOST_CHUNKS} of these; send the rest") as refused:
        list(two_a_chunk.cut([NamedImage("", b"x")] * (2 * MOST_CHUNKS + 1)))
    assert (refused.value.slug, refused.value.extra["limit"]) == ("too-many-images", 2 * MOST_CHUNKS)
    assert len(two_a_chunk.sizes) == MOST_CHUNKS


def test_the_settings_say_how_many_chunks_a_job_has_at_most() -> None:
    description = GatewaySettings.model_fields["max_images"].description
    assert f"at most {MOST_CHUNKS:,}," in str(description)
