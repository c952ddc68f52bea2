"""A charset is measured: of each test set what it allows, as it is and framed anew."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model.charset import BadCharset, allowed_classes
from model.drawn import STROKES, glyph
from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.files.images import Grey
from training.cli import app
from training.measures.charsets import measure_charset
from training.sets.data import Split
from training.sets.tasks import read_split

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """The network of all characters."""
    return open_predictor("balanced", device="cpu", threads=1)


def drawn(labels: str) -> Grey:
    """Ten of each, as data sets have them."""
    rng = np.random.default_rng(1)
    return np.stack([glyph(label, rng) for label in labels for _ in range(10)])


def test_the_digits_of_its_own_test_set_are_measured_each_way(
    predictor: Predictor, tmp_path: Path
) -> None:
    found = list(measure_charset(predictor, "digits", tmp_path, quick=True))
    assert [each.way for each in found] == ["as they are", "framed anew"]
    assert [each.images for each in found] == [100] * 2
    assert min(each.top1 for each in found) > 0.85


def test_no_network_is_measured_on_a_test_set_that_it_may_have_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MNIST's digits are of the forms that the 47-class network learned from."""
    read: list[str] = []

    def reading(task: str, *rest: object) -> Split:
        read.append(task)
        return read_split(task, tmp_path, True)

    monkeypatch.setattr("training.measures.charsets.read_split", reading)
    for name in ("balanced", "digits-nano"):
        list(measure_charset(open_predictor(name, device="cpu", threads=1), "digits", tmp_path))
    assert read == ["balanced", "digits"]


def test_letters_are_read_better_where_nothing_else_may_be(predictor: Predictor, tmp_path: Path) -> None:
    found, _ = measure_charset(predictor, "letters", tmp_path, quick=True)
    test = read_split("balanced", tmp_path, True).test
    letters = test.take(np.flatnonzero(test.labels >= 10))
    free = predictor.probabilities(letters.images).argmax(axis=1)
    assert found.top1 > np.mean(free == letters.labels) + 0.01


@pytest.mark.parametrize("charset", ["digits", "upper", "AB", "0OQ"])
def test_what_is_not_allowed_is_never_answered(predictor: Predictor, charset: str) -> None:
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


@pytest.mark.skipif(not (DATA / "emnist").exists(), reason="no EMNIST in data/")
def test_the_47_class_network_reads_digits(predictor: Predictor) -> None:
    as_they_are, _ = measure_charset(predictor, "digits", DATA)
    assert as_they_are.top1 >= 0.985
