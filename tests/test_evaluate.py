"""Measures: exact on answers made by hand, honest on synthetic predictors, and told by the commands."""

import json
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from model.card import WEIGHTS, BadCard
from model.checkpoint import load_checkpoint, save_checkpoint
from model.engines.opening import open_predictor
from model.engines.openvino_predictor import native_precisions
from model.engines.predictor import Floats, Predictor, softmax
from model.storage import write_checkpoint
from training.cli import app
from training.measures.answers import Answers, Ints, Labels
from training.measures.calibration import (
    OUT_OF_REACH,
    best_temperature,
    rounded,
    uncertain_below,
)
from training.measures.comparison import averages, compare, contenders, table
from training.measures.engines import Rival, least_precision, rivals
from training.measures.evaluate import evaluate, open_network
from training.measures.metrics import (
    confused_pairs,
    groups_in,
    merged_accuracy,
    negative_log_likelihood,
    per_class,
    top_accuracy,
)
from training.measures.reliability import bins, coverage_at, coverage_table, expected_calibration_error
from training.measures.scorecard import scorecard
from training.measures.significance import ONE_SIDED_99, mcnemar, wilson
from training.publish import finish
from training.run import Run
from training.sets.data import Set
from training.sets.sources import DRAWN
from training.sets.tasks import TASKS, task_of
from training.train import Trainer

from datafiles import write_csv
from small_trainings import drawn_digits, short


def answers(rows: list[list[float]], truth: list[int], labels: str) -> Answers:
    """Answers with these probabilities."""
    return Answers(np.array(rows, np.float32), np.array(truth, np.uint8), labels)


def certain(read: str, truth: str, labels: str) -> Answers:
    """Characters read for those that are true, each with a probability of 1."""
    rows = np.eye(len(labels), dtype=np.float32)[[labels.index(each) for each in read]]
    return Answers(rows, np.array([labels.index(each) for each in truth], np.uint8), labels)


def sampled(rng: np.random.Generator, count: int = 20_000, spread: float = 2.0) -> tuple[Floats, Labels]:
    """Logits, and classes drawn with just the chances they speak of."""
    logits = rng.normal(0, spread, (count, 10)).astype(np.float32)
    chances = softmax(logits, 1.0)
    classes = (chances.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return logits, classes.astype(np.uint8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of a small network that read drawn digits."""
    folder, split = tmp_path_factory.mktemp("runs"), drawn_digits()
    for seed in (0, 1):
        run = Run(recipe := short(epochs=2, seed=seed), folder)
        finish(recipe, Trainer(recipe, split).train(run), split, run.folder)
    return folder


def command(*arguments: str | Path, code: int = 0) -> Result:
    """What `python -m training` with these arguments prints."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "1000"})
    assert done.exit_code == code, done.output
    return done


def test_top_k_counts_the_k_likeliest() -> None:
    found = answers([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [0, 2], "abc")
    assert [top_accuracy(found, k) for k in (1, 2, 3)] == [0.5, 0.5, 1.0]


def test_likelihood_is_the_mean_of_the_logarithms() -> None:
    found = answers([[0.5, 0.5], [0.25, 0.75]], [0, 0], "ab")
    assert negative_log_likelihood(found) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_recall_and_precision_of_every_class() -> None:
    first, second, third = per_class(certain(read="aabbb", truth="aaaab", labels="abc"))
    assert (first.images, first.recall, first.precision, first.taken_for) == (4, 0.5, 1.0, "b")
    assert (second.recall, second.precision, second.taken_for) == (1.0, pytest.approx(1 / 3), "")
    assert third.images == 0
    assert np.isnan(third.recall)


def test_pairs_count_both_ways_and_worst_comes_first() -> None:
    pairs = confused_pairs(certain(read="ababc", truth="baacc", labels="abc"))
    assert [(pair.first, pair.second, pair.mistakes) for pair in pairs] == [("a", "b", 2), ("b", "c", 1)]
    assert not confused_pairs(certain(read="abc", truth="abc", labels="abc"))


def test_look_alikes_are_merged_where_the_labels_have_them() -> None:
    assert groups_in("0123456789") == []
    assert groups_in("ABCFGIL") == ["IL"]
    found = certain(read="0O1X", truth="O0IY", labels="01IOXY")
    assert top_accuracy(found, 1) == 0
    assert merged_accuracy(found) == 0.75


def test_wilson_gives_the_bounds_of_the_books() -> None:
    """Newcombe 1998, table I: 81 of 263 and 0 of 20, method 3."""
    assert [float(bound) for bound in wilson(81, 263)] == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert [float(bound) for bound in wilson(0, 20)] == pytest.approx([0.0, 0.1611], abs=5e-5)


def test_mcnemar_is_the_sign_test_on_what_differs() -> None:
    first = np.array([True] * 9 + [False] + [True] * 50)
    second = np.array([False] * 9 + [True] + [True] * 50)
    duel = mcnemar(first, second)
    assert (duel.only_first, duel.only_second) == (9, 1)
    assert duel.p == pytest.approx(2 * (1 + 10) / 2**10)
    assert mcnemar(first, first).p == 1


def test_a_calibrated_predictor_has_no_calibration_error_and_an_overconfident_one_has(
    rng: np.random.Generator,
) -> None:
    logits, truth = sampled(rng)
    honest, boastful = (Answers(softmax(logits, heat), truth, "0123456789") for heat in (1, 0.5))
    assert expected_calibration_error(honest) < 0.015
    excess = float(boastful.confidence.mean() - boastful.right.mean())
    assert excess > 0.1
    assert expected_calibration_error(boastful) == pytest.approx(excess, abs=0.01)


def test_calibration_error_by_hand() -> None:
    """Two of four right at 0.9, one of one at 0.6: (4 * 0.4 + 1 * 0.4) / 5."""
    found = answers([[0.9, 0.1]] * 4 + [[0.4, 0.6]], [0, 0, 1, 1, 1], "ab")
    assert [each.answers for each in bins(found)] == [1, 4]
    assert expected_calibration_error(found) == pytest.approx(0.4)


def test_coverage_keeps_the_surest() -> None:
    sure = np.linspace(0.99, 0.6, 100, dtype=np.float32)
    rows = np.stack([sure, 1 - sure], axis=1)
    found = Answers(rows, (np.arange(100) >= 80).astype(np.uint8), "ab")
    assert [round(each.share, 2) for each in coverage_table(found)] == [1, 0.95, 0.9, 0.8, 0.7]
    assert [round(each.accuracy, 3) for each in coverage_table(found)] == [0.8, 0.842, 0.889, 1, 1]
    assert coverage_at(found, 0.995).share == 0


def test_coverage_has_a_row_for_answers_that_are_equally_sure_only_once() -> None:
    rows = np.array([[1, 0]] * 96 + [[0.6, 0.4]] * 4, np.float32)
    found = Answers(rows, np.array([0] * 96 + [1] * 4, np.uint8), "ab")
    assert [(each.share, each.accuracy) for each in coverage_table(found)] == [(1, 0.96), (0.96, 1)]


def test_the_temperature_that_was_hidden_is_found(rng: np.random.Generator) -> None:
    logits, truth = sampled(rng)
    assert best_temperature(logits * 2, truth) == pytest.approx(2, rel=0.03)


def test_the_threshold_keeps_its_word_on_other_data(rng: np.random.Generator) -> None:
    """One-sided 95 %: of 40 thresholds, each from 4,000 answers, a few may fall short of 98 %."""
    logits, truth = sampled(rng, 200_000, spread=6.0)
    chances = softmax(logits, 1.0)
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    kept = []
    for start in range(0, 160_000, 4000):
        below = uncertain_below(chances[start : start + 4000], truth[start : start + 4000])
        kept.append(float(right[confidence >= below].mean()))
    assert sum(share < 0.98 for share in kept) <= 6
    assert np.mean(kept) < 0.995


def test_the_threshold_is_the_least_that_can_be_relied_on() -> None:
    sure = np.linspace(1, 0.5, 1000, dtype=np.float32)
    rows = np.stack([sure, 1 - sure], axis=1)
    truth = (np.arange(1000) % 10 == 9).astype(np.uint8)
    truth[:600] = 0
    below = uncertain_below(rows, truth)
    kept = int((sure >= below).sum())
    hits = np.cumsum(truth == 0)
    assert wilson(hits[kept - 1], kept, ONE_SIDED_99)[0] >= 0.98
    assert (wilson(hits[kept:], np.arange(kept + 1, 1001), ONE_SIDED_99)[0] < 0.98).all()


def test_too_few_answers_are_never_relied_on() -> None:
    rows, truth = np.tile(np.array([[0.9, 0.1]], np.float32), (266, 1)), np.zeros(266, np.uint8)
    assert uncertain_below(rows[:265], truth[:265]) == OUT_OF_REACH
    assert uncertain_below(rows, truth) == np.float32(0.9)


def test_saturated_answers_are_not_relied_on_unless_they_proved_right() -> None:
    rows, truth = np.eye(2, dtype=np.float32)[np.zeros(300, int)], np.zeros(300, np.uint8)
    assert uncertain_below(rows, truth) == rounded(1.0) == 1.0
    for wrong in (slice(30), slice(-30, None)):  # whatever the order of answers that are as sure
        truth[:], truth[wrong] = 0, 1
        assert (rows.max(axis=1) < rounded(uncertain_below(rows, truth))).all()
    assert [rounded(each) for each in (0.99996, 0.99994, 0.98765)] == [0.99996, 0.9999, 0.9877]


def test_what_is_measured_is_what_is_served(runs: Path) -> None:
    split = drawn_digits()
    predictor, weights = open_network("small", runs)
    found = evaluate(predictor, weights, split.test, split.measured_on)
    served = open_predictor("small", runs / "small-0").probabilities(split.test.images)
    np.testing.assert_allclose(found.answers.probabilities, served, atol=1e-6)
    assert found.accuracy["top1"] == round(float((served.argmax(axis=1) == split.test.labels).mean()), 4)
    assert found.interval[0] <= found.accuracy["top1"] <= found.interval[1]
    assert not found.caveats
    elsewhere = replace(
        found, card=replace(found.card, measured_on="one test set"), measured_on="another"
    )
    for drawn in (replace(found, measured_on="another"), replace(elsewhere, measured_on=DRAWN)):
        assert not drawn.caveats, "no network has seen drawn characters, nor a drawn one any others"
    [caveat] = elsewhere.caveats
    assert "another test set" in caveat
    assert caveat in scorecard(elsewhere)[0].notes
    assert len(scorecard(found)[0].notes) == 1


def test_seeds_that_are_never_sure_are_never_wrong_when_sure(runs: Path) -> None:
    predictor, weights = open_network("small", runs)
    found = evaluate(predictor, weights, drawn_digits().test, DRAWN)
    sure, never = (
        replace(found, card=replace(found.card, uncertain_below=least)) for least in (0.0, 2.0)
    )
    figures = averages([sure, never])
    assert figures["coverage"] == 0.5
    assert figures["accuracy_of_sure"] == sure.accuracy["accuracy_of_sure"] > 0
    assert averages([never])["accuracy_of_sure"] == 0


def test_every_network_is_in_the_table_or_said_to_be_left_out(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, network = load_checkpoint("small", runs / "small-0")
    save_checkpoint(replace(card, name="served"), network, tmp_path)
    save_checkpoint(replace(card, name="strange", labels="abcdefghij"), network, tmp_path)
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "torn.safetensors").touch()
    (tmp_path / "metrics.json").write_text("{}")  # as in the folder of a run
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path))
    told: list[str] = []
    results = compare(contenders(runs), tmp_path, True, told.append)
    sheet = table(results)
    assert [row[:2] for row in sheet.rows] == [("served", "shipped"), ("small", "runs")]
    assert "(2 seeds)" in sheet.rows[1][4]
    assert len(told) == 4
    left_out = [note for note in sheet.notes if note.startswith("Not measured")]
    assert "strange: no task has the labels abcdefghij" in left_out[0]
    assert "torn.json" in left_out[1]
    with pytest.raises(BadCard, match="abcdefghij"):
        task_of(replace(card, labels="abcdefghij"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network": {"kind": "nonsense"}}, "unknown network kind"),
        ({"network": {"kind": "convnet", "classes": 10}}, "TypeError"),
        ({"network": {"kind": "convnet", "stages": ((8,), (8,)), "classes": 10}}, "state_dict"),
        ({"labels": "01234567"}, "10 classes, but labels for 8"),
        ({"temperature": 0.0}, "a temperature of 0.0"),
        ({"temperature": "warm"}, "do not fit together"),
    ],
)
def test_a_card_that_does_not_fit_its_weights_is_named_and_the_others_are_measured(
    changes: dict[str, object], reason: str, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, network = load_checkpoint("small", runs / "small-0")
    save_checkpoint(replace(card, name="bad", **changes), network, tmp_path)  # type: ignore[arg-type]
    save_checkpoint(replace(card, name="good"), network, tmp_path)
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path))
    with pytest.raises(BadCard, match=rf"^bad: .*{reason}"):
        load_checkpoint("bad", tmp_path)
    done = command("evaluate", "--all", "--quick", "--runs", tmp_path / "none")
    assert "Not measured: bad: " in done.stdout
    assert "good" in done.stdout


def test_weights_that_are_none_are_named(runs: Path, tmp_path: Path) -> None:
    card, _ = load_checkpoint("small", runs / "small-0")
    write_checkpoint(replace(card, name="bad"), b"nonsense", tmp_path)
    with pytest.raises(BadCard, match="bad: card and weights do not fit together: SafetensorError"):
        load_checkpoint("bad", tmp_path)


def test_one_table_of_all_as_markdown_and_json(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, network = load_checkpoint("small", runs / "small-0")
    save_checkpoint(replace(card, name="served"), network, tmp_path)
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path))
    file = tmp_path / "all.json"
    done = command("evaluate", "--all", "--quick", "--markdown", "--json", file, "--runs", runs)
    row = next(line for line in done.stdout.splitlines() if line.startswith("| small"))
    assert row.count("|") == done.stdout.splitlines()[0].count("|")
    assert "small (runs, seeds: 2)" in done.stderr
    served, small = json.loads(file.read_text())
    assert (served["from"], small["from"]) == ("shipped", "runs")
    assert [seed["images"] for seed in small["seeds"]] == [100, 100]
    assert 0 < small["seeds"][0]["top1"] <= 1


def test_one_network_by_name_and_by_file_is_the_same(runs: Path, tmp_path: Path) -> None:
    files = tmp_path / "name.json", tmp_path / "file.json"
    done = command("evaluate", "small", "--quick", "--runs", runs, "--json", files[0])
    for figure in (
        "top-1",
        "top-3",
        "temperature",
        "expected calibration error",
        "surest 80 %",
        "recall",
    ):
        assert figure in done.stdout
    command("evaluate", runs / "small-0" / "small.safetensors", "--quick", "--json", files[1])
    by_name, by_file = (json.loads(file.read_text())[0] for file in files)
    speed = {"images_per_second": 0}
    assert by_name | speed == by_file | speed


@pytest.mark.parametrize("known", [False, True])
def test_a_persons_own_images_are_measured_and_that_they_may_be_known_is_said(
    known: bool, runs: Path, tmp_path: Path
) -> None:
    split = drawn_digits()
    file = write_csv(tmp_path, split.test.images.transpose(0, 2, 1).copy(), split.test.labels + 1)
    card, network = load_checkpoint("small", runs / "small-0")
    card = replace(card, measured_on="train.csv, 100 images" if known else "elsewhere")
    save_checkpoint(card, network, tmp_path)
    line = "evaluate", tmp_path / "small.safetensors", "--test", file, "--transposed"
    record = tmp_path / "figures.json"
    done = command(*line, "--labels-from", "1", "--data", tmp_path / "none", "--json", record)
    assert "Measured on: train.csv, 100 images." in done.stdout
    assert ("may be among those it learned from" in done.stdout) is not known
    same = evaluate(*open_network(str(tmp_path / "small.json"), runs), split.test, "")
    assert json.loads(record.read_text())[0]["top1"] == same.accuracy["top1"]
    command(*line, code=1)  # label 10 is none


def test_own_images_are_of_one_network(runs: Path, tmp_path: Path) -> None:
    for line in (["--all"], ["small", "--scans"], ["small", "--charset", "digits"]):
        done = command("evaluate", *line, "--test", tmp_path, "--runs", runs, code=2)
        assert "--test goes with the name of a network alone" in done.stderr
    for option in (["--transposed"], ["--labels-from", "1"]):
        done = command("evaluate", "small", *option, "--runs", runs, code=2)
        assert "--transposed and --labels-from go with --test" in done.stderr


@pytest.mark.parametrize("name", ["evaluate", "report"])
def test_own_images_and_drawn_ones_exclude_each_other(name: str, runs: Path, tmp_path: Path) -> None:
    done = command(name, "small", "--quick", "--test", tmp_path, "--runs", runs, code=2)
    assert "--quick and --test exclude each other" in done.stderr


def test_missing_data_is_said_with_what_to_do(runs: Path, tmp_path: Path) -> None:
    done = command("evaluate", "small", "--runs", runs, "--data", tmp_path, code=1)
    assert "train-images" in done.stderr
    assert "--data" in done.stderr


def test_where_nothing_can_be_measured_each_reason_is_said_once(runs: Path, tmp_path: Path) -> None:
    done = command("evaluate", "--all", "--runs", runs, "--data", tmp_path, code=1)
    assert not done.stdout
    said = [line for line in done.stderr.splitlines() if "Not measured: " in line]
    assert len(said) == len(TASKS)
    assert "Not measured: digits-mlp, digits-nano, digits, small: no data for digits" in done.stderr


def test_what_cannot_be_written_or_read_is_one_line(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    line = "evaluate", "small", "--quick", "--runs", runs
    assert "no folder" in command(*line, "--json", tmp_path / "none" / "a.json", code=2).stderr
    for more in (("--json", tmp_path), ("--threads", "-1"), ("--runs", file)):
        command(*line, *more, code=2)
    below = file / "runs"
    done = command("train", "digits-nano", "--quick", "--runs", below, code=1)
    assert f"error: {below}" in done.stderr
    assert "Not a directory" in done.stderr


@pytest.mark.parametrize("limit", [500, 60_000], ids=["settings", "checkpoint"])
def test_a_full_disk_is_one_line(limit: int, tmp_path: Path) -> None:
    """A limit on the size of files fails where a full disk does: as an epoch is written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        done = command("train", "digits-nano", "--quick", "--threads", "1", "--runs", tmp_path, code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.stderr.splitlines()[-1].endswith("File too large")
    assert "Traceback" not in done.stderr


def test_an_unknown_network_and_no_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no network 'nobody'" in command("evaluate", "nobody", "--runs", tmp_path, code=1).stderr
    assert "--all" in command("evaluate", code=2).stderr
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path))
    done = command("evaluate", "--all", "--runs", tmp_path, code=2)
    assert "no network is shipped, and there is no finished run" in done.stderr


def test_engines_are_compared_and_told_which_may_serve() -> None:
    done = command("engines", "digits-nano", "--quick", "--threads", "1")
    assert f"digits-nanoin{WEIGHTS}:" in "".join(done.stderr.split())  # however it is wrapped
    rows = done.stdout.splitlines()
    said = {
        kind: next(row for row in rows if kind in row) for kind in ("torch float32", "OpenVINO float32")
    }
    assert all("digits-nano" in row and row.rstrip().endswith("yes") for row in said.values())
    assert "100.000 %" in said["OpenVINO float32"]
    for precision in native_precisions():  # it has no ranges for int8
        assert sum(f"OpenVINO {precision}," in row for row in rows) == (precision != "int8")


def test_an_engine_is_compared_with_torch_and_with_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(predictor: Predictor, _: Set) -> tuple[Ints, float]:
        return np.array([0, 1, 2, 3 if predictor.engine.startswith("torch") else 4]), 1.0

    monkeypatch.setattr("training.measures.engines._read", read)
    data = Set(np.zeros((4, 28, 28), np.uint8), np.array([0, 1, 9, 4], np.uint8))
    reference, other, *_ = rivals("digits-nano", WEIGHTS, data)
    assert (reference.accuracy, reference.lead) == (0.5, 0)
    assert (other.agreement, other.accuracy, other.lead) == (0.75, 0.75, 0.25)


def test_an_engine_that_says_something_else_may_not_serve() -> None:
    torch = Rival("a", "torch", "float32", 1.0, 0.9, 0.0, 1.0, 10_000)
    good = replace(torch, engine="OpenVINO", agreement=0.9999, lead=0.0001)
    mixed, reduced = replace(good, precision="mixed"), replace(good, precision="bfloat16")
    assert least_precision([torch, good, mixed, reduced, replace(good, precision="int8")]) == "int8"
    assert least_precision([torch, good, mixed, reduced]) == "bfloat16"
    assert least_precision([torch, good, mixed, replace(reduced, agreement=0.999)]) == "mixed"
    assert least_precision([torch, good, mixed, replace(reduced, lead=-0.0003)]) == "mixed"
    assert least_precision([torch, good, replace(mixed, agreement=0.999)]) == "float32"
    few = replace(mixed, images=2500, lead=-1 / 2500)
    assert few.passes, "no less than an image can differ"
    assert not replace(few, lead=2 / 2500).passes
    with pytest.raises(BadCard, match="torch"):
        least_precision([torch, replace(good, agreement=0.9), reduced])
