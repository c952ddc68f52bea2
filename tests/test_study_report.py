"""The study's report: what it says of chapters, finalists and letters, and what it draws."""

import io
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model import networks
from model.card import WEIGHTS, read_card
from model.checkpoint import save_checkpoint
from training.measures.answers import Answers
from training.measures.evaluate import Evaluation, evaluate, open_network
from training.publish import draft_card
from training.run import Epoch, Run
from training.sets.tasks import TASKS, read_split
from training.study.chapter import Chapter, Plot, Series
from training.study.report.exam import Exam
from training.study.report.finalists import Finalist, table
from training.study.report.letters import every_letter, label_meant, letter_table
from training.study.report.plots import bands, draw_plot
from training.study.report.report import Study, write_report
from training.study.report.samples import description
from training.study.report.scalars import write_best, write_trials
from training.study.report.summary import summary
from training.study.study import training_of
from training.study.trials.networks import build
from training.study.trials.outcomes import write_outcome
from training.study.trials.trial import Outcome, Point, Trial
from training.tables import TextTable

from small_trainings import short

LETTERS = "ABC"
LINES = [
    Series("<batch>", [2, 8, 32], [[0.5, 0.6], [0.7, 0.72], [0.8, 0.8]]),
    Series("group", [2, 8, 32], [[0.6, 0.61], [0.7, 0.71], [0.7, 0.74]]),
]
PLOT = Plot("by-batch", "Accuracy by <batch>.", "batch size", LINES, log_x=True)
DOTS = [Series("one", range(2), [[0.5, 0.6], [0.7]])]
DOTTED = Plot("by-kind", "By kind.", "kind", DOTS, ticks=("a", "b"), joined=False)


def answering(read: str, truth: str) -> Answers:
    """Answers among A, B, C, each with a confidence of 0.8."""
    rows = np.full((len(read), 3), 0.1, np.float32)
    rows[np.arange(len(read)), [LETTERS.index(each) for each in read]] = 0.8
    return Answers(rows, np.array([LETTERS.index(each) for each in truth], np.uint8), LETTERS)


def outcome(name: str, seed: int = 0, accuracy: float = 0.5, **network: Any) -> Outcome:
    layout = {"kind": "perceptron", "hidden": [8], "classes": 26} | network
    points = [Point(32, 2.0, 0.2, 1.9, 0.3), Point(64, 1.0, 0.4, 1.1, accuracy)]
    trial = Trial(str(layout["kind"]), name, layout, 64, 32, 1e-3, seed=seed)
    return Outcome(trial, points, 1000, 2000 * len(layout["hidden"]), 1.5)


def finalist(name: str, read: str, truth: str, accuracy: float, **network: Any) -> Finalist:
    """Of two seeds that answer alike."""
    seeds = [outcome(name, seed, accuracy, **network) for seed in range(2)]
    return Finalist(name, "A chapter", seeds, [answering(read, truth)] * 2)


@pytest.fixture(scope="module")
def best() -> Evaluation:
    """The served letters on drawn ones, but for every second I, which is read as L."""
    split = read_split("letters", Path(), drawn=True)
    found = evaluate(*open_network("letters", Path(), threads=1), split.test, split.measured_on)
    rows, labels = found.answers.probabilities.copy(), found.card.labels
    mistaken = np.flatnonzero(split.test.labels == labels.index("I"))[::2]
    rows[mistaken] = np.roll(rows[mistaken], labels.index("L") - labels.index("I"), axis=1)
    return replace(found, answers=replace(found.answers, probabilities=rows))


def study_of(best: Evaluation, task: str = "letters") -> Study:
    split = read_split(task, Path(), drawn=True)
    tables = [TextTable("What <it> took", ("network", "time"), [("a|b", "1 s")], ["A note."])]
    chapter = Chapter("Batches & norms", "Why?", ["Norm pays.", "So it is."], tables, [PLOT, DOTTED])
    seeds = [outcome("best dense", seed) for seed in range(2)]
    answers = [replace(best.answers, probabilities=np.roll(best.answers.probabilities, 1, axis=1))] * 2
    finalists = [Finalist("best dense", chapter.title, seeds, answers)]
    other = open_network("balanced", Path(), threads=1)[0]
    settings = {"command": f"study | {task}"}
    return Study(task, split, [chapter], finalists, best, other, [], settings)


@pytest.fixture(scope="module")
def folder(best: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "report"
    assert write_report(study_of(best), out) == out / "study.html"
    return out


def test_a_letter_knows_both_sides_of_its_mistakes() -> None:
    letters = every_letter(answering("ABBBCCAA", "AAABBCCC"))
    a, b, c = letters
    assert a.taken_for == [("B", 2)]
    assert a.mistaken_from == [("C", 2)]
    assert c.mistaken_from == [("B", 1)]
    assert "1 of 3 images of A are read right: 33.3 %" in a.summary
    assert "33.3 % of what is read as A is one." in a.summary
    assert a.interval[0] < 1 / 3 < a.interval[1]
    assert letter_table(b).rows == [("A", "0", "2"), ("C", "1", "0")]
    nothing = every_letter(answering("A", "A"))
    assert "No image of B" in nothing[1].summary
    assert "No mistake was seen." in letter_table(nothing[0]).notes


def test_a_letter_may_be_given_small_and_nothing_else() -> None:
    assert [label_meant(each, LETTERS) for each in ("a", "B")] == ["A", "B"]
    for wrong in ("", "AB", "7", "\N{LATIN SMALL LETTER SHARP S}"):
        with pytest.raises(ValueError, match="is none of ABC"):
            label_meant(wrong, LETTERS)


def test_bands_are_intervals_over_seeds() -> None:
    means, low, high = bands(LINES[0])
    np.testing.assert_allclose(means, [0.55, 0.71, 0.8])
    np.testing.assert_allclose(high - means, means - low)
    assert high[0] - means[0] == pytest.approx(12.706 * 0.05, rel=1e-3)
    assert high[2] == low[2] == 0.8


@pytest.mark.parametrize("plot", [PLOT, DOTTED])
def test_every_kind_of_plot_is_drawn(plot: Plot, tmp_path: Path) -> None:
    draw_plot(plot, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    blue = (pixels[..., 2] - pixels[..., 0] > 100).sum()
    assert blue > 100, "the first series is seen"


def test_what_was_measured_is_not_measured_again(tmp_path: Path, best: Evaluation) -> None:
    told: list[str] = []
    split, trained = read_split("letters", Path(), drawn=True), outcome("dense")
    network = build(trained.trial.network)
    (tmp_path / "trials").mkdir()
    write_outcome(trained, dict(network.state_dict()), tmp_path / "trials")
    exam = Exam(tmp_path, split.test, split.measured_on, told.append)
    first = exam.finalist(trained, tmp_path / "trials", best.card.labels)
    found, when = exam.network("letters", Path())
    assert len(told) == 2
    others = found.answers.truth != best.card.labels.index("I")
    np.testing.assert_array_equal(found.answers.read[others], best.answers.read[others])
    (tmp_path / "trials" / f"{trained.trial.key}.safetensors").unlink()
    again = Exam(tmp_path, split.test, split.measured_on, told.append)
    np.testing.assert_array_equal(
        again.finalist(trained, tmp_path / "trials", best.card.labels).probabilities, first.probabilities
    )
    assert again.network("letters", Path())[1] == when
    assert again.network("letters", Path())[0].cost == found.cost
    assert len(told) == 2
    other = Exam(tmp_path, split.validation, "others", told.append)
    assert len(other.network("letters", Path())[0].answers) == len(split.validation)
    assert len(told) == 3, "other images are measured anew"


def test_finalists_are_told_by_their_mean_and_against_their_neighbour(best: Evaluation) -> None:
    better = finalist("better", "ABC" * 10, "ABC" * 10, 0.9)
    worse = finalist("worse", "ABA" * 10, "ABC" * 10, 0.8)
    served = replace(best, answers=answering("ABA" * 9 + "ABC", "ABC" * 10))
    rows = table([better, worse], served).rows
    assert [row[0] for row in rows] == ["better", "letters", "worse"]
    assert rows[0][-1] == "9 : 0, p = 0.0039"
    assert rows[0][-2] == "100.00 % ± 0.00"
    assert rows[1][-2].startswith("70.00 % (")
    assert rows[2][-1] == ""


def test_the_summary_follows_the_figures(best: Evaluation) -> None:
    truth = "ABC" * 10
    kind: Mapping[str, Any] = {"kind": "convolutions"}
    deep = finalist("two", truth, truth, 0.9, widths=[8, 8], hidden=[1, 1], **kind)
    flat = finalist("one", "ABA" * 10, truth, 0.7, widths=[8], **kind)
    served = replace(best, answers=answering(truth, truth))
    text = " ".join(summary([Chapter("T", "", ["It pays."], [], [])], [deep, flat], served))
    assert "letters, the network that is served, reads 100.00 % of 30 test images" in text
    assert "two (A chapter) is the best on validation: 100.00 %" in text
    assert "one (2,000: 66.67 %), two (4,000: 100.00 %)" in text
    assert "The most expensive is 33.33 points better than the cheapest, for 2.0 times" in text
    assert "2 convolutional layers after 1 pay: on the test set a depth of 2 is 33.33 points" in text
    assert "Validation images chose two, which is also best" in text
    assert "T: It pays." in text
    misled = [deep, replace(flat, outcomes=[outcome("one", 0, 0.99, widths=[8], **kind)])]
    text = " ".join(summary([], misled, served))
    assert "chose one; on the test set two is 33.33 points better" in text
    useless = [replace(flat, name="one"), replace(deep, answers=flat.answers)]
    text = " ".join(summary([], useless, served))
    assert "2 convolutional layers after 1 do not clearly pay: " in text
    assert "Worth their" not in text


def test_the_data_are_told_by_the_rarest_and_the_most_frequent_class() -> None:
    split = read_split("letters", Path(), drawn=True)
    assert "1,560 to train on, 60 of a class" in description(split, TASKS["letters"].labels)[0]
    fewer = replace(split, train=split.train.take(np.arange(1550)))
    assert "1,550 to train on, 59 to 60 of a class" in description(fewer, TASKS["letters"].labels)[0]


def test_the_page_needs_nothing_else(folder: Path) -> None:
    page = (folder / "study.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "http" not in page
    assert "url(" not in page
    places = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= places
    embedded = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    sizes = [Image.open(io.BytesIO(b64decode(each))).size for each in embedded]
    assert sum(size != (28, 28) for size in sizes) == 5, "samples, matrix, letters, two plots"
    assert sum(size == (28, 28) for size in sizes) > 10
    assert "Accuracy by &lt;batch&gt;." in page
    assert "What &lt;it&gt; took" in page


def test_page_and_text_hold_findings_tables_and_every_letter(folder: Path, best: Evaluation) -> None:
    page, text = (unescape((folder / f"study.{kind}").read_text()) for kind in ("html", "md"))
    for sentence in study_of(best).findings:
        assert sentence in text
        assert sentence.replace(" %", "\u00a0%") in page
    for letter in best.card.labels:
        assert f'id="letter-{letter}"' in page
        assert f"\n| {letter} | 10 |" in text
    assert "\n| a\\|b | 1 s |" in text
    assert "## Batches & norms" in text
    assert "as it is served" in page
    assert "5 of 10 images of I are read right: 50.0" in page
    assert "Mostly one way: 5 of 5 are I read as L." in text
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_study_of_digits_does_not_speak_of_letters(tmp_path: Path) -> None:
    split = read_split("digits", Path(), drawn=True)
    best = evaluate(*open_network("digits", Path(), threads=1), split.test, split.measured_on)
    write_report(study_of(best, "digits"), tmp_path)
    page = re.sub(
        r"<(style|script)>.*?</\1>|<[^>]+>", "", (tmp_path / "study.html").read_text(), flags=re.S
    )
    assert "Every character" in page
    for text in (page, (tmp_path / "study.md").read_text().replace("letters.png", "")):
        assert "letter" not in text.lower()


def test_that_nothing_was_misread_is_said_where_the_pairs_would_be(
    best: Evaluation, tmp_path: Path
) -> None:
    perfect = np.eye(len(best.card.labels), dtype=np.float32)[best.answers.truth]
    write_report(study_of(replace(best, answers=replace(best.answers, probabilities=perfect))), tmp_path)
    for kind in ("html", "md"):
        assert "Every test image is read right." in (tmp_path / f"study.{kind}").read_text()


def test_every_picture_that_the_text_names_is_there(folder: Path) -> None:
    names = re.findall(r"\]\(([^)]+\.png)\)", (folder / "study.md").read_text())
    assert {"samples.png", "confusion.png", "letters.png", "by-batch.png", "pair-1.png"} <= set(names)
    for name in names:
        with Image.open(folder / name) as picture:
            picture.load()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar below `folder`, by where it is and what it is called."""
    found = {}
    for place in sorted({path.parent for path in folder.rglob("events.*")}):
        events = EventAccumulator(str(place)).Reload()
        for tag in events.Tags()["scalars"]:
            points = [(each.step, round(each.value, 4)) for each in events.Scalars(tag)]
            found[f"{place.relative_to(folder)}/{tag}"] = points
    return found


def test_curves_are_written_once_however_often(tmp_path: Path) -> None:
    tried = [outcome("8 neurons, x/y", seed) for seed in range(2)]
    for _ in range(2):
        write_trials(tried, {tried[0].trial.key: 0.45}, tmp_path)
        write_best("letters", [], 0.95, tmp_path)
    found, name = scalars(tmp_path), "perceptron/8-neurons,-x-y"
    assert found[f"{name}-0/training/loss"] == [(32, 2.0), (64, 1.0)]
    assert found[f"{name}-1/validation/accuracy"] == [(32, 0.3), (64, 0.5)]
    assert found[f"{name}-0/test/accuracy"] == [(64, 0.45)]
    assert f"{name}-1/test/accuracy" not in found
    assert found["best/letters/test/accuracy"] == [(0, 0.95)]


def test_the_run_that_a_network_came_from_is_found_by_its_weights(tmp_path: Path) -> None:
    recipe, run = short(), Run(short(), tmp_path)
    network = networks.build(recipe.network)
    run.epochs = [Epoch(1, 2.0, 0.3, 1.8, 0.4, 1e-3, 1.0, 100.0)]
    run.write_metrics({})
    card = save_checkpoint(draft_card(recipe, network), network, run.folder)
    assert training_of(card, tmp_path) == run.epochs
    assert training_of(read_card(WEIGHTS / "letters.json"), tmp_path) == []
    assert training_of(card, tmp_path / "nowhere") == []
