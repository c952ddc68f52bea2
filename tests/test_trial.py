"""A suspected image is read in a process of its own: it answers as ever, or is given up for good."""

import sys

import numpy as np
import pytest

from model.opening import open_predictor
from worker import trial
from worker.chunks import PixelBlock, pack
from worker.jobs import Options
from worker.ledger import Claim
from worker.packing import unpack
from worker.reading import Reader
from worker.results import WORKER_LOST, Answer, Failure

from samples import glyphs

SAYS_READY = "import sys; sys.stdout.write('ready'); sys.stdout.flush(); "


def test_an_innocent_image_is_read_as_by_the_worker(rng: np.random.Generator) -> None:
    glyph = glyphs(1, rng)
    expected = open_predictor("digits").logits(glyph)
    found = trial.read_apart("digits", glyph)
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
    monkeypatch.setattr(trial, "PROGRAMME", [sys.executable, "-c", SAYS_READY + death])
    monkeypatch.setattr(trial, "TRIAL_S", 2.0)
    assert trial.read_apart("digits", glyphs(1, rng)) is None


def test_a_process_that_comes_to_nothing_condemns_nobody(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PROGRAMME", [sys.executable, "-c", "raise MemoryError"])
    with pytest.raises(OSError, match="could not be had"):
        trial.read_apart("digits", glyphs(1, rng))


@pytest.mark.parametrize("deadly", [True, False])
def test_only_what_the_trial_finds_deadly_is_given_up(deadly: bool, rng: np.random.Generator) -> None:
    images = glyphs(3, rng)
    predictor = open_predictor("digits")
    reader = Reader(
        predictor,
        lambda files: [],
        trial=lambda glyph: None if deadly else predictor.logits(glyph),
    )
    claim = Claim("a/b", 0, 1, 4, 3, Options("digits"), pack(PixelBlock(images.tobytes())))
    suspicion = Failure(WORKER_LOST, "3 workers were lost")
    commit = reader.read_alone(claim, lambda index: suspicion if index == 1 else None)
    results = unpack(commit.results)
    assert results[1] == suspicion if deadly else isinstance(results[1], Answer)
    assert isinstance(results[0], Answer)
    assert isinstance(results[2], Answer)
