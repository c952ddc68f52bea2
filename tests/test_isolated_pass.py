"""A suspected image is read in a process of its own: it answers as ever, or is given up for good."""

import sys

import numpy as np
import pytest

from model.engines.opening import open_predictor
from model.engines.predictor import Floats, Images
from model.glyph import Glyph
from model.layout import Box, Character
from worker.engine import isolated_pass
from worker.ledger.chunks import PixelBlock, pack
from worker.ledger.claims import Claim
from worker.ledger.jobs import Options
from worker.ledger.packing import unpack
from worker.ledger.results import WORKER_LOST, Answer, Failure, Page

from plain_reader import PlainReader, Suspicions
from samples import glyphs

DIGITS = "0123456789"
SAYS_READY = "import sys; sys.stdout.write('ready'); sys.stdout.flush(); "


def test_an_innocent_image_is_read_as_by_the_worker(rng: np.random.Generator) -> None:
    images = glyphs(3, rng)
    expected = open_predictor("digits").outputs(images)
    found = isolated_pass.run_isolated("digits", images)
    assert found is not None
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "death",
    [
        "import os; os.kill(os.getpid(), 9)",
        "import faulthandler; faulthandler._sigsegv()",
        "raise MemoryError",
        "import time; time.sleep(60)",
        "pass",
    ],
)
def test_one_that_kills_is_known_by_its_victim(
    death: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_pass, "PROGRAMME", [sys.executable, "-c", SAYS_READY + death])
    monkeypatch.setattr(isolated_pass, "PASS_S", 2.0)
    assert isolated_pass.run_isolated("digits", glyphs(1, rng)) is None


def test_a_process_that_comes_to_nothing_condemns_nobody(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated_pass, "PROGRAMME", [sys.executable, "-c", "raise MemoryError"])
    with pytest.raises(OSError, match="did not start"):
        isolated_pass.run_isolated("digits", glyphs(1, rng))


@pytest.mark.parametrize("deadly", [True, False])
def test_only_what_the_pass_finds_deadly_is_given_up(deadly: bool, rng: np.random.Generator) -> None:
    images = glyphs(3, rng)
    predictor = open_predictor("digits")
    reader = PlainReader(
        predictor,
        lambda files: [],
        run_isolated=lambda glyph: None if deadly else predictor.logits(glyph),
    )
    claim = Claim("a/b", 0, 1, 4, 3, Options("digits"), pack(PixelBlock(images.tobytes())), DIGITS)
    suspicion = Failure(WORKER_LOST, "3 workers were lost")
    commit = reader.read_guarded(claim, Suspicions({1: suspicion}))
    results = unpack(commit.results)
    assert results[1] == suspicion if deadly else isinstance(results[1], Answer)
    assert isinstance(results[0], Answer)
    assert isinstance(results[2], Answer)


@pytest.mark.parametrize("deadly", [True, False])
def test_a_page_is_tried_with_all_its_characters(
    deadly: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.engine.passes.MOST", 2)
    cut = [Character(Glyph(each), Box(1, 2, 3, 4), 0, 0, at) for at, each in enumerate(glyphs(5, rng))]
    tried, touched, predictor = list[int](), list[None](), open_predictor("digits")

    def run_isolated(images: Images) -> Floats | None:
        tried.append(len(images))
        return None if deadly and len(images) == 1 else predictor.logits(images)

    reader = PlainReader(
        predictor, lambda files: [cut], run_isolated=run_isolated, touch=lambda: touched.append(None)
    )
    claim = Claim("a/b", 0, 1, 4, 1, Options("digits", layout="page"), pack([b"page"]), DIGITS)
    suspicion = Failure(WORKER_LOST, "3 workers were lost")
    (found,) = unpack(reader.read_guarded(claim, Suspicions({0: suspicion})).results)
    assert tried == [2, 2, 1]
    assert len(touched) == 3
    if deadly:
        assert found == suspicion
    else:
        (plain,) = unpack(reader.read([claim])[0].results)
        assert found == plain


def test_a_blank_page_that_is_suspected_needs_no_isolated_pass() -> None:
    def fail(images: Images) -> Floats:
        raise AssertionError("nothing is there to be tried")

    reader = PlainReader(open_predictor("digits"), lambda files: [[]], run_isolated=fail)
    claim = Claim("a/b", 0, 1, 4, 1, Options("digits", layout="page"), pack([b"page"]), DIGITS)
    suspicion = Failure(WORKER_LOST, "3 workers were lost")
    assert unpack(reader.read_guarded(claim, Suspicions({0: suspicion})).results) == [Page(())]
