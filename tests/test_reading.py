"""From claimed chunks to results: one forward pass for all, and nobody fails for another."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from model.checkpoint import load_checkpoint
from model.engines.opening import open_predictor
from model.engines.predictor import Floats, Images
from model.engines.torch_predictor import TorchPredictor
from model.files.images import Grey, png
from model.flags import NONE, Flag
from model.glyph import Glyph
from model.layout import Box, Character
from worker.decoding.decoder import Decoder
from worker.decoding.fork_server import NoDecoder
from worker.decoding.replies import Outcome
from worker.decoding.wire import Encoded
from worker.engine.reading import Reader
from worker.ledger.chunks import Content, Files, PixelBlock, pack
from worker.ledger.claims import Claim, Commit
from worker.ledger.jobs import Options
from worker.ledger.measures import ForwardPass
from worker.ledger.packing import unpack
from worker.ledger.results import (
    INFERENCE_FAILED,
    UNDECODABLE,
    WORKER_LOST,
    Answer,
    Failure,
    Page,
    Result,
)

from ledgers import LABELS
from plain_reader import PlainReader, Suspicions, unflagged
from samples import glyphs, page, pngs, ruled

POISON = np.full((28, 28), 100, np.uint8)


class Brittle(TorchPredictor):
    """A real network that cannot take one certain image, and counts its passes."""

    passes = 0

    def outputs(self, images: Images) -> Floats:
        self.passes += 1
        if (images == POISON).all(axis=(1, 2)).any():
            raise RuntimeError("out of memory")
        return super().outputs(images)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """A real decoder of image files."""
    made = Decoder(10**6, 2.0)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(decoder: Decoder) -> Reader:
    """On the shipped network."""
    return PlainReader(Brittle(*load_checkpoint("balanced"), device="cpu"), decoder.read)


def claim(content: Content, labels: str = LABELS, **options: object) -> Claim:
    return Claim(
        "a/b",
        0,
        1,
        1,
        len(content),
        Options("balanced", **options),
        pack(content),  # type: ignore[arg-type]
        labels,
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

    own = PlainReader(Brittle(*load_checkpoint("balanced"), device="cpu"), decode)
    with pytest.raises(NoDecoder):
        own.read([claim(PixelBlock(glyphs(2, rng).tobytes())), claim(pngs(3, rng))])
    assert tries == [3]  # nor is it tried image by image, which would double the wait


def test_a_suspected_image_that_kills_is_given_up_alone(
    reader: Reader, rng: np.random.Generator
) -> None:
    images, suspicions = glyphs(4, rng), Suspicions({1: Failure(WORKER_LOST, "twice")})
    commit = reader.read_guarded(claim(block(images)), suspicions)
    assert suspicions.checked == [0, 1, 2, 3]
    expected = directly(reader, images)
    assert labels(reader, commit) == expected[0] + "-" + expected[2:]


def test_a_chunk_that_cannot_be_opened_fails_image_by_image(reader: Reader) -> None:
    broken = Claim("a/b", 0, 1, 1, 3, Options("balanced"), b"", LABELS)
    assert reader.read([broken])[0].failed == 3


def test_what_was_accepted_for_other_labels_is_not_misread(
    reader: Reader, rng: np.random.Generator
) -> None:
    relabeled = claim(block(glyphs(3, rng)), labels=LABELS[::-1])
    commits = reader.read([claim(block(glyphs(2, rng))), relabeled])
    assert [each.failed for each in commits] == [0, 3]
    assert commits[1].kept == relabeled.payload
    assert reader.read_guarded(relabeled, Suspicions({})).failed == 3


def test_arrays_are_not_decoded(reader: Reader, rng: np.random.Generator) -> None:
    def refuse(images: Sequence[Encoded]) -> list[Outcome]:
        raise AssertionError("an array was sent to a decoder")

    images = glyphs(3, rng)
    commit = PlainReader(reader.predictor, refuse).read([claim(block(images))])[0]
    assert labels(reader, commit) == directly(reader, images)


def test_an_array_may_have_dark_ink(reader: Reader, rng: np.random.Generator) -> None:
    images = glyphs(20, rng)
    mixed = np.where(np.arange(20)[:, None, None] % 3 == 0, 255 - images, images)
    right, same, taken = reader.read(
        [claim(block(images)), claim(block(mixed)), claim(block(mixed), normalize="none")]
    )
    assert same.results == right.results
    assert labels(reader, taken) == directly(reader, mixed)


def test_an_empty_image_of_an_array_is_blank(reader: Reader, rng: np.random.Generator) -> None:
    images = np.concatenate([glyphs(1, rng), *(np.full((1, 28, 28), v, np.uint8) for v in (0, 90, 255))])
    auto, none = reader.read([claim(block(images)), claim(block(images), normalize="none")])
    assert [each.flags for each in unpack(auto.results)] == [NONE, *[Flag.BLANK] * 3]  # type: ignore[union-attr]
    assert {each.flags for each in unpack(none.results)} == {NONE}  # type: ignore[union-attr]


def test_files_of_several_jobs_are_decoded_at_once_each_by_its_normalization(
    reader: Reader, decoder: Decoder, rng: np.random.Generator
) -> None:
    asked: list[Sequence[Encoded]] = []

    def decode(images: Sequence[Encoded]) -> list[Outcome]:
        asked.append(images)
        return decoder.read(images)

    files = pngs(3, rng)
    chunks = [claim(files), claim(block(glyphs(2, rng))), claim(files[:2], normalize="none")]
    PlainReader(reader.predictor, decode).read(chunks)
    assert [[each.normalization for each in images] for images in asked] == [["emnist"] * 3 + [None] * 2]


def sheet(lines: Sequence[str], seed: int = 8) -> bytes:
    """A drawn page, as a PNG."""
    return png(page(lines, np.random.default_rng(seed)))


def text(reader: Reader, result: Result) -> str:
    """What a page says: its lines, words by spaces."""
    assert isinstance(result, Page)
    names, said, before = reader.predictor.card.labels, "", (0, 0)
    for each in result.characters:
        if (each.line, each.word) != before:
            said += "\n" if each.line != before[0] else " "
        before = (each.line, each.word)
        said += names[each.answer.classes[0]]
    return said


def test_characters_of_pages_share_a_pass_with_everything_else(
    reader: Reader, rng: np.random.Generator
) -> None:
    images = glyphs(5, rng)
    before = reader.predictor.passes  # type: ignore[attr-defined]
    grid = claim([png(ruled(["AB7", "K2E"], rng))], layout="grid")
    pages = claim([sheet(["ABC 47", "HKE 2Z"]), sheet(["747"])], layout="page")
    read = reader.read([pages, claim(block(images)), grid, claim(pngs(3, rng))])
    assert reader.predictor.passes == before + 1  # type: ignore[attr-defined]
    assert [each.succeeded for each in read] == [2, 5, 1, 3]
    assert [text(reader, each) for each in unpack(read[0].results)] == ["ABC 47\nHKE 2Z", "747"]
    assert labels(reader, read[1]) == directly(reader, images)
    assert text(reader, unpack(read[2].results)[0]) == "A B 7\nK 2 E"
    for one, other in zip(unpack(read[0].results), unpack(reader.read([pages])[0].results), strict=True):
        assert text(reader, one) == text(reader, other)
        assert [each.box for each in one.characters] == [each.box for each in other.characters]  # type: ignore[union-attr]


def test_a_page_has_its_characters_where_they_are(reader: Reader) -> None:
    (found,) = unpack(reader.read([claim([sheet(["A7", "K"])], layout="page")])[0].results)
    assert isinstance(found, Page)
    for each, (left, top) in zip(found.characters, [(80, 80), (160, 80), (80, 240)], strict=True):
        assert left <= each.box.left < each.box.left + each.box.width <= left + 80
        assert top <= each.box.top < each.box.top + each.box.height <= top + 80


def test_a_blank_page_is_a_page_and_a_bad_one_fails_alone(reader: Reader) -> None:
    blank = png(np.full((90, 300), 240, np.uint8))
    commit = reader.read([claim([blank, b"no image", sheet(["74"])], layout="line")])[0]
    empty, failure, line = unpack(commit.results)
    assert empty == Page(())
    assert isinstance(failure, Failure)
    assert text(reader, line).replace(" ", "") == "74"
    assert commit.kept == pack([b"", b"no image", b""])


def test_a_page_the_network_cannot_take_spares_its_neighbours(reader: Reader) -> None:
    def decode(images: Sequence[Encoded]) -> Sequence[Outcome]:
        return [
            sheet_of(POISON if bytes(each.file) == b"bad" else np.zeros_like(POISON)) for each in images
        ]

    own = PlainReader(reader.predictor, decode)
    good, bad, other = unpack(own.read([claim([b"good", b"bad", b"other"], layout="page")])[0].results)
    assert isinstance(good, Page)
    assert isinstance(other, Page)
    assert isinstance(bad, Failure)
    assert bad.type == INFERENCE_FAILED


def sheet_of(*images: Grey, rivals: int = 0) -> list[Character]:
    """Characters as a decoder cuts them, the last `rivals` of them readings of the same ink."""
    single = len(images) - rivals
    return [
        Character(Glyph(image), Box(at, 0, 1, 1), 0, 0, min(at, single), max(0, at - single))
        for at, image in enumerate(images)
    ]


def test_of_rival_readings_the_surest_stands(reader: Reader, rng: np.random.Generator) -> None:
    images = glyphs(12, rng)
    whole = np.maximum(images[3], np.roll(images[7], 6, 1))
    sure = reader.predictor.probabilities(np.stack([whole, *images])).max(axis=1)
    assert sure[0] < sure[11 + 1]
    cut = sheet_of(images[0], whole, images[11], rivals=2)
    own = PlainReader(reader.predictor, lambda files: [cut])
    (found,) = unpack(own.read([claim([b""], layout="page")])[0].results)
    assert text(reader, found) == directly(reader, images[[0, 11]])


def test_a_large_page_is_given_to_the_networks_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("passes", "answering"):
        monkeypatch.setattr(f"worker.engine.{module}.MOST", 8)
    many, passes, touched, screened = 21, list[ForwardPass](), list[None](), list[int]()
    dark = np.zeros((28, 28), np.uint8)
    own = PlainReader(
        open_predictor("digits-nano", device="cpu"),
        lambda images: [sheet_of(*[dark] * many)],
        screen=lambda shown, said: screened.append(len(shown)) or unflagged(shown, said),  # type: ignore[func-returns-value]
        touch=lambda: touched.append(None),
    )
    (found,) = unpack(own.read([claim([b""], "0123456789", layout="page")], None, passes)[0].results)
    assert isinstance(found, Page)
    assert len(found.characters) == many
    assert [each.images for each in passes] == screened == [8, 8, 5]
    assert len(touched) == 3


def test_flags_come_with_an_answer_and_make_it_uncertain(
    reader: Reader, rng: np.random.Generator
) -> None:
    images, asked = glyphs(4, rng), list[int]()
    says = {0: NONE, 1: Flag.SEVERAL_CHARACTERS, 2: Flag.TOUCHES_EDGE, 3: NONE}

    def screen(shown: Images, said: Floats) -> np.ndarray:
        asked.append(len(shown))
        known = [next(n for n, image in enumerate(images) if (image == each).all()) for each in shown]
        return np.array([says[n] for n in known], np.uint8)

    def decode(files: Sequence[Encoded]) -> list[Outcome]:
        seen = [images[int(bytes(each.file))] for each in files]
        return [Glyph(each, Flag.TOO_SMALL if (each == images[2]).all() else NONE) for each in seen]

    own = PlainReader(reader.predictor, decode, screen=screen)
    files = [b"0", b"1", b"2"]
    read = own.read([claim(files), claim(block(images)), claim(files, normalize="none"), claim([b"3"])])
    assert asked == [4]
    flags = [[each.flags for each in unpack(commit.results)] for commit in read]  # type: ignore[union-attr]
    assert flags[0] == [NONE, Flag.SEVERAL_CHARACTERS, Flag.TOO_SMALL | Flag.TOUCHES_EDGE]
    assert flags[1:] == [[NONE] * 4, [NONE, NONE, Flag.TOO_SMALL], [NONE]]
    sure = [each.uncertain for each in unpack(read[1].results)]  # type: ignore[union-attr]
    assert [each.uncertain for each in unpack(read[0].results)] == [sure[0], True, True]  # type: ignore[union-attr]


def test_each_image_is_read_by_its_own_charset(reader: Reader, rng: np.random.Generator) -> None:
    files = [sheet(["AB"]), sheet(["12"]), sheet(["CD"]), sheet(["34"])]
    content = Files(files, ["digits", None, "upper", "7"])
    commit = reader.read([claim(content, layout="line", charset="letters", top_k=2)])[0]
    said = [text(reader, each).replace(" ", "") for each in unpack(commit.results)]
    assert said[0].isdigit()
    assert said[1].isalpha()
    assert said[2].isupper()
    assert said[3] == "77"
    first, *_, last = unpack(commit.results)
    assert isinstance(first, Page)
    assert isinstance(last, Page)
    assert [len(each.answer.classes) for each in (first.characters[0], last.characters[0])] == [2, 1]
    assert last.characters[0].answer.probabilities == (1.0,)


def test_failed_images_keep_their_charsets(reader: Reader, rng: np.random.Generator) -> None:
    content = Files([pngs(1, rng)[0], b"no image"], [None, "digits"])
    assert reader.read([claim(content)])[0].kept == pack(Files([b"", b"no image"], [None, "digits"]))


def test_an_option_that_the_network_cannot_serve_harms_no_other_job(
    reader: Reader, rng: np.random.Generator
) -> None:
    good = glyphs(5, rng)
    bad, innocent = reader.read([claim(block(good[:2]), charset="\u00e9"), claim(block(good))])
    assert [each.type for each in unpack(bad.results) if isinstance(each, Failure)] == [
        INFERENCE_FAILED
    ] * 2
    assert labels(reader, innocent) == directly(reader, good)
