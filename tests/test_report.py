"""The report: files that hold what they must, pictures that decode, sentences computed from figures."""

import io
import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model.checkpoint import load_checkpoint, save_checkpoint
from model.networks import head_of
from training.cli import app
from training.measures.answers import Answers
from training.measures.comparison import Contender, Result, table
from training.measures.evaluate import Evaluation, evaluate, open_network
from training.measures.metrics import Pair, confused_pairs
from training.measures.significance import Duel
from training.publish import finish
from training.reports.figures import DPI, MATRIX_INCHES, draw_confusion
from training.reports.findings import findings, verdict
from training.reports.gallery import MOST, mistakes_of, surest_mistakes
from training.reports.report import Subject, write_report
from training.run import Run
from training.tables import TextTable
from training.tables import short as shortened
from training.train import Trainer

from datafiles import write_csv
from small_trainings import drawn_digits, short

PICTURES = ("confusion", "mistakes", "reliability", "coverage", "curves")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network after one epoch: it makes mistakes."""
    folder, recipe, split = tmp_path_factory.mktemp("runs"), short(epochs=1), drawn_digits()
    run = Run(recipe, folder)
    finish(recipe, Trainer(recipe, split).train(run), split, run.folder)
    return folder


@pytest.fixture(scope="module")
def subject(runs: Path) -> Subject:
    split, (predictor, weights) = drawn_digits(), open_network("small", runs)
    test, validation = (
        evaluate(predictor, weights, part, split.measured_on) for part in (split.test, split.validation)
    )
    return Subject(test, validation, split.test, weights.parent, ("A remark of <ours>.",))


@pytest.fixture(scope="module")
def folder(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report."""
    out = tmp_path_factory.mktemp("out") / "report"
    write_report(subject, out)
    return out


def answering(found: Evaluation, read: list[int], truth: list[int]) -> Evaluation:
    """As `found`, but with these answers, each with a confidence of 0.91."""
    rows = np.full((len(read), 10), 0.01, np.float32)
    rows[np.arange(len(read)), read] = 0.91
    return replace(found, answers=Answers(rows, np.array(truth, np.uint8), found.card.labels))


def test_the_page_needs_nothing_else(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert "http" not in page
    assert "url(" not in page
    embedded = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    sizes = [Image.open(io.BytesIO(b64decode(each))).size for each in embedded]
    assert sum(size != (28, 28) for size in sizes) == 4, "matrix, reliability, coverage, curves"
    assert sum(size == (28, 28) for size in sizes) > 10


def test_the_page_and_the_text_hold_the_figures(folder: Path, subject: Subject) -> None:
    page, text = ((folder / f"report.{kind}").read_text() for kind in ("html", "md"))
    for sentence in findings(subject.test, subject.validation):
        assert sentence in text
        assert sentence.replace(" %", "\u00a0%") in page
    figures = subject.test.accuracy
    for name in ("top1", "top2", "top3"):
        assert f"{100 * figures[name]:.2f} %" in page
        assert f"{100 * figures[name]:.2f} %" in text
    assert page.count('<tr><td class="mono">') == 10
    told = json.loads((folder / "figures.json").read_text())
    assert told["top1"] == figures["top1"] != subject.validation.accuracy["top1"]  # type: ignore[union-attr]
    assert "learning_rate" in text
    assert "prefers-color-scheme: dark" in page
    assert "A remark of &lt;ours&gt;." in page


def test_every_picture_is_there_and_named_in_the_text(folder: Path) -> None:
    text = (folder / "report.md").read_text()
    for name in PICTURES:
        with Image.open(folder / f"{name}.png") as picture:
            picture.load()
            assert min(picture.size) > 100
        assert f"({name}.png)" in text


def test_a_report_without_a_run_has_no_curves(folder: Path, subject: Subject, tmp_path: Path) -> None:
    write_report(replace(subject, run=tmp_path / "nowhere"), tmp_path)
    assert not (tmp_path / "curves.png").exists()
    assert "Training" not in (tmp_path / "report.md").read_text()
    assert '"convnet"' in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("classes", [2, 10, 47])
def test_the_confusion_matrix_has_its_size_and_shows_the_mistake(classes: int, tmp_path: Path) -> None:
    labels = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"[:classes]
    truth = np.arange(classes, dtype=np.uint8)
    right = np.eye(classes, dtype=np.float32)
    wrong = right.copy()
    wrong[0] = right[1]
    red = []
    for number, rows in enumerate((right, wrong)):
        path = tmp_path / f"{number}.png"
        draw_confusion(Answers(rows, truth, labels), path)
        with Image.open(path) as picture:
            assert picture.size == tuple(round(side * DPI) for side in MATRIX_INCHES)
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        matrix = pixels[:, : int(0.85 * pixels.shape[1])]  # without the colour bar
        red.append(int(((matrix[..., 0] > 150) & (matrix[..., 1] < 60)).sum()))
    assert red[0] == 0
    assert red[1] > 0.3 * (0.75 * MATRIX_INCHES[1] * DPI / classes) ** 2


def test_the_gallery_begins_with_the_surest_mistake(subject: Subject) -> None:
    answers, images = subject.test.answers, subject.images.images
    found = surest_mistakes(answers, images)
    sure = [each.confidence for each in found]
    assert len(found) == min(MOST, (~answers.right).sum()) > 1
    assert sure == sorted(sure, reverse=True)
    assert found[0].confidence == answers.confidence[~answers.right].max()
    assert all(each.truth != each.read for each in found)
    row = int(np.flatnonzero(answers.confidence == found[0].confidence)[0])
    np.testing.assert_array_equal(found[0].image, images[row])
    assert found[0].truth == answers.labels[subject.images.labels[row]]


def test_a_pair_is_shown_both_ways(subject: Subject) -> None:
    images = subject.images.images[:4]
    answers = answering(subject.test, [1, 1, 7, 7], [7, 7, 1, 7]).answers
    assert confused_pairs(answers) == [Pair("1", "7", 3)]
    shown = mistakes_of(Pair("1", "7", 3), answers, images)
    assert [(each.truth, each.read) for each in shown] == [("1", "7"), ("7", "1"), ("7", "1")]


def test_where_every_answer_is_uncertain_no_share_of_the_others_is_right(
    subject: Subject, tmp_path: Path
) -> None:
    timid = replace(subject.test, card=replace(subject.test.card, uncertain_below=1.01))
    assert table([Result(Contender("timid", "runs", ()), (timid,))]).rows[0][-2] == "0.0 %: -"
    write_report(replace(subject, test=timid), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<b>-</b><span>right of the 0.0 % not flagged uncertain" in page


def test_sentences_follow_the_figures(subject: Subject) -> None:
    good = answering(subject.test, [0, 1, 2, 3] * 500, [0, 1, 2, 3] * 500)
    poor = answering(subject.test, [0, 1, 2, 3] * 500, [0, 1, 2, 4] * 500)
    good, poor = (replace(each, card=replace(each.card, uncertain_below=0.5)) for each in (good, poor))
    praise, blame = " ".join(findings(good, poor)), " ".join(findings(poor, good))
    assert "100.00 % of 2,000 images are read right" in praise
    assert "lies above the 98 %" in praise
    assert "9.0 points below the share that is right" in praise
    assert "25.00 points less than on the test set" in praise
    assert "Most confused" not in praise
    assert "Hardest" not in praise
    assert "4 of 4 characters are read right 98 % of the time or more." in praise
    assert "lies below the 98 %" in blame
    assert "16.0 points above the share that is right" in blame
    assert "Most confused: 3 and 4, 100 % of all mistakes (500)." in blame
    assert "Hardest to read: 4 (0.0 %). 3 of 4 characters" in blame
    timid = replace(good, card=replace(good.card, uncertain_below=0.95))
    assert "Every answer is flagged uncertain." in findings(timid, poor)
    assert "points more than on the test set" in findings(poor, timid)[-1]
    assert "not flagged uncertain" not in findings(poor, timid)[-1]


def test_a_duel_is_told_with_its_chance() -> None:
    assert "30 are read right by one alone and 5 by other alone, more than" in verdict(
        "one", "other", Duel(30, 5, 1e-4)
    )
    assert "may well be chance" in verdict("one", "other", Duel(6, 5, 1.0))


def test_the_command_writes_a_report_and_compares(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, network = load_checkpoint("small", runs / "small-0")
    head_of(network).bias.data[0] += 1000  # all are a 0 to it
    save_checkpoint(replace(card, name="worse"), network, runs / "worse-0")
    monkeypatch.chdir(tmp_path)
    line = ["report", "small", "--quick", "--runs", str(runs), "--against", "worse"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert done.stdout == "reports/small/report.html\n"
    text = Path("reports/small/report.md").read_text()
    found = re.search(r"(\d+) are read right by small alone and (\d+) by worse alone", text)
    assert found
    assert int(found[1]) > int(found[2])
    assert "On the 100 validation images" in text
    done = CliRunner().invoke(app, [*line[:-1], "letters"], env={"COLUMNS": "1000"})
    assert "letters reads ABCDEFGHIJKLMNOPQRSTUVWXYZ, and small reads 0123456789" in done.stderr


def test_a_report_on_a_persons_own_images_tells_of_no_others(runs: Path, tmp_path: Path) -> None:
    """Of the two networks, it is said which one may have learned from them."""
    card, network = load_checkpoint("small", runs / "small-0")
    save_checkpoint(replace(card, name="other", measured_on="elsewhere"), network, runs / "other-0")
    split = drawn_digits()
    file = write_csv(tmp_path, split.test.images, split.test.labels)
    line = ["report", "small", "--test", str(file), "--against", "other", "--runs", str(runs)]
    done = CliRunner().invoke(app, [*line, "--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out" / "report.md").read_text()
    assert "Measured on: train.csv, 100 images." in text
    assert "validation" not in text
    assert "other was trained with another test set held out (elsewhere)" in text
    assert "small was trained" not in text


def test_missing_data_is_said_with_what_to_do(runs: Path, tmp_path: Path) -> None:
    line = [
        "report",
        "small",
        "--runs",
        str(runs),
        "--data",
        str(tmp_path),
        "--out",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(app, line, env={"COLUMNS": "1000"})
    assert done.exit_code == 1
    assert "train-images" in done.stderr
    assert "--data" in done.stderr
    assert not (tmp_path / "out").exists()


def test_tables_keep_their_cells_in_markdown() -> None:
    table = TextTable("title", ("name", "value"), [("a|b", "1")], ["note"])
    assert table.markdown() == "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n\nnote\n"


def test_numbers_are_shortened_to_what_is_said() -> None:
    assert [shortened(each) for each in (0, 9956, 216055, 999_999, 14.7e6, 161e6, 2.5e9)] == [
        "0", "9,956", "216 k", "1.00 M", "14.7 M", "161 M", "2.50 G",
    ]  # fmt: skip
