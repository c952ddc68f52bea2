"""A charset is measured: of each test set what it allows, as it is and framed anew."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model.charset import BadCharset, allowed_classes
from model.drawn import STROKES, glyph
from model.images import Grey
from model.opening import open_predictor
from training.cli import app
from training.measures.charsets import measure_charset
from training.measures.evaluate import read_split
from training.sets.catalogue import MNIST_TEST

DATA = Path(__file__).parent.parent / "data"


def drawn(labels: str) -> Grey:
    """Ten of each, as data sets have them."""
    rng = np.random.default_rng(1)
    return np.stack([glyph(label, rng) for label in labels for _ in range(10)])


def test_both_test_sets_are_measured_each_way(tmp_path: Path) -> None:
    predictor = open_predictor("balanced", device="cpu", threads=1)
    found = list(measure_charset(predictor, "digits", tmp_path, quick=True))
    assert [each.way for each in found] == ["as they are", "framed anew"] * 2
    assert [each.images for each in found] == [100] * 4
    assert min(each.top1 for each in found) > 0.85


def test_letters_are_read_better_where_nothing_else_may_be(tmp_path: Path) -> None:
    predictor = open_predictor("balanced", device="cpu", threads=1)
    found, _ = measure_charset(predictor, "letters", tmp_path, quick=True)
    test = read_split("balanced", tmp_path, True).test
    letters = test.take(np.flatnonzero(test.labels >= 10))
    free = predictor.probabilities(letters.images).argmax(axis=1)
    assert found.top1 > np.mean(free == letters.labels) + 0.01


@pytest.mark.parametrize("charset", ["digits", "upper", "AB", "0OQ"])
def test_what_is_not_allowed_is_never_answered(charset: str) -> None:
    predictor = open_predictor("balanced", device="cpu", threads=1)
    allowed = allowed_classes(charset, predictor.card.labels)
    likely = predictor.probabilities(drawn("".join(STROKES)), allowed)
    assert likely.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.delete(likely, allowed, axis=1).any()


def test_a_charset_of_nothing_is_refused(tmp_path: Path) -> None:
    predictor = open_predictor("digits-nano", device="cpu", threads=1)
    with pytest.raises(BadCharset, match="no label in charset 'letters'"):
        list(measure_charset(predictor, "letters", tmp_path, quick=True))
    done = CliRunner().invoke(app, ["evaluate", "digits-nano", "--charset", "letters", "--quick"])
    assert done.exit_code == 1
    assert "no label in charset" in done.output


@pytest.mark.skipif(not (DATA / "mnist").exists(), reason="no MNIST in data/")
def test_the_47_class_network_reads_mnist() -> None:
    predictor, test = open_predictor("balanced", device="cpu", threads=1), MNIST_TEST.read(DATA)
    allowed = allowed_classes("digits", predictor.card.labels)
    likely = predictor.probabilities(test.images[:1000], allowed)
    assert np.mean(likely.argmax(axis=1) == test.labels[:1000]) >= 0.985
