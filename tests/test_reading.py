"""From claimed chunks to results: one forward pass for all, and nobody fails for another."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from model.checkpoint import load_checkpoint
from model.images import Grey
from model.predictor import Floats, Images
from model.torch_predictor import TorchPredictor
from worker.chunks import Content, PixelBlock, pack
from worker.decoding.answers import Outcome
from worker.decoding.decoders import Decoders
from worker.decoding.nursery import NoDecoder
from worker.decoding.wire import Encoded
from worker.jobs import Options
from worker.ledger import Claim, Commit
from worker.packing import unpack
from worker.reading import Reader
from worker.results import INFERENCE_FAILED, UNDECODABLE, WORKER_LOST, Answer, Failure

from samples import glyphs, pngs

POISON = np.full((28, 28), 200, np.uint8)


class Brittle(TorchPredictor):
    """A real network that cannot take one certain image, and counts its passes."""

    passes = 0

    def logits(self, images: Images) -> Floats:
        self.passes += 1
        if (images == POISON).all(axis=(1, 2)).any():
            raise RuntimeError("out of memory")
        return super().logits(images)


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    """A real decoder of image files."""
    made = Decoders(10**6, 2.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(decoders: Decoders) -> Reader:
    """On the shipped network."""
    return Reader(Brittle(*load_checkpoint("balanced"), device="cpu"), decoders.read)


def claim(content: Content, **options: object) -> Claim:
    return Claim(
        "a/b",
        0,
        1,
        1,
        len(content),
        Options("balanced", **options),
        pack(content),  # type: ignore[arg-type]
    )


def labels(reader: Reader, commit: Commit) -> str:
    names = reader.predictor.card.labels
    return "".join(
        names[each.classes[0]] if isinstance(each, Answer) else "-" for each in unpack(commit.results)
    )


def directly(reader: Reader, images: Grey) -> str:
    names = reader.predictor.card.labels
    return "".join(names[each] for each in reader.predictor.logits(images).argmax(axis=1))


def block(images: Grey) -> PixelBlock:
    return PixelBlock(images.tobytes())


def test_chunks_of_several_jobs_share_one_pass(reader: Reader, rng: np.random.Generator) -> None:
    first, second = glyphs(5, rng), glyphs(8, rng)[5:]
    before = reader.predictor.passes  # type: ignore[attr-defined]
    commits = reader.read([claim(block(first)), claim(block(second)), claim(list(pngs(3, rng)))])
    assert reader.predictor.passes == before + 1  # type: ignore[attr-defined]
    assert labels(reader, commits[0]) == directly(reader, first)
    assert labels(reader, commits[1]) == directly(reader, second)
    assert [each.succeeded for each in commits] == [5, 3, 3]


def test_each_job_is_answered_by_its_own_options(reader: Reader, rng: np.random.Generator) -> None:
    content = block(glyphs(47, rng))
    digits, two = reader.read([claim(content, charset="digits", top_k=1), claim(content, top_k=2)])
    assert set(labels(reader, digits)) <= set("0123456789")
    assert all(len(each.classes) == 2 for each in unpack(two.results) if isinstance(each, Answer))


def test_a_bad_image_fails_alone(reader: Reader, rng: np.random.Generator) -> None:
    good = pngs(4, rng)
    commit = reader.read([claim([good[0], b"no image", *good[1:]])])[0]
    assert (commit.succeeded, commit.failed) == (4, 1)
    assert labels(reader, commit).replace("-", "") == labels(reader, reader.read([claim(list(good))])[0])
    failure = unpack(commit.results)[1]
    assert isinstance(failure, Failure)
    assert failure.type == UNDECODABLE


def test_only_failed_images_are_kept(reader: Reader, rng: np.random.Generator) -> None:
    content = [pngs(1, rng)[0], b"no image"]
    assert reader.read([claim(content)])[0].kept == pack([b"", b"no image"])
    assert reader.read([claim(content, keep_images=True)])[0].kept == b""
    assert reader.read([claim(content[:1])])[0].kept == b""


def test_a_chunk_without_a_good_image_needs_no_pass(reader: Reader) -> None:
    commit = reader.read([claim([b"", b"text"])])[0]
    assert (commit.succeeded, commit.failed) == (0, 2)


def test_an_image_the_network_cannot_take_spares_its_neighbours(
    reader: Reader, rng: np.random.Generator
) -> None:
    images = glyphs(6, rng)
    mixed = np.concatenate([images[:3], POISON[None], images[3:]])
    innocent, guilty = reader.read([claim(block(images)), claim(block(mixed))])
    assert innocent.failed == 0
    assert guilty.failed == 1
    failure = unpack(guilty.results)[3]
    assert isinstance(failure, Failure)
    assert failure.type == INFERENCE_FAILED


def test_that_there_is_no_decoder_is_not_laid_at_the_networks_door(
    reader: Reader, rng: np.random.Generator
) -> None:
    tries: list[int] = []

    def decode(images: Sequence[Encoded]) -> Sequence[Outcome]:
        tries.append(len(images))
        raise NoDecoder("none")

    own = Reader(Brittle(*load_checkpoint("balanced"), device="cpu"), decode)
    with pytest.raises(NoDecoder):
        own.read([claim(PixelBlock(glyphs(2, rng).tobytes())), claim(pngs(3, rng))])
    assert tries == [3]  # nor is it tried image by image, which would double the wait


def test_read_alone_skips_what_the_check_refuses(reader: Reader, rng: np.random.Generator) -> None:
    told: list[int] = []

    def check(index: int) -> Failure | None:
        told.append(index)
        return Failure(WORKER_LOST, "twice") if index == 1 else None

    images = glyphs(4, rng)
    commit = reader.read_alone(claim(block(images)), check)
    assert told == [0, 1, 2, 3]
    expected = directly(reader, images)
    assert labels(reader, commit) == expected[0] + "-" + expected[2:]


def test_a_chunk_that_cannot_be_opened_fails_image_by_image(reader: Reader) -> None:
    broken = Claim("a/b", 0, 1, 1, 3, Options("balanced"), b"")
    assert reader.read([broken])[0].failed == 3


def test_arrays_are_not_decoded(reader: Reader, rng: np.random.Generator) -> None:
    def refuse(images: Sequence[Encoded]) -> list[Outcome]:
        raise AssertionError("an array was sent to a decoder")

    images = glyphs(3, rng)
    commit = Reader(reader.predictor, refuse).read([claim(block(images))])[0]
    assert labels(reader, commit) == directly(reader, images)


def test_files_of_several_jobs_are_decoded_at_once_each_by_its_recipe(
    reader: Reader, decoders: Decoders, rng: np.random.Generator
) -> None:
    asked: list[Sequence[Encoded]] = []

    def decode(images: Sequence[Encoded]) -> list[Outcome]:
        asked.append(images)
        return decoders.read(images)

    files = pngs(3, rng)
    chunks = [claim(files), claim(block(glyphs(2, rng))), claim(files[:2], normalize="none")]
    Reader(reader.predictor, decode).read(chunks)
    assert [[each.recipe for each in images] for images in asked] == [["emnist"] * 3 + [None] * 2]
