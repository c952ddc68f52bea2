"""Publishing: gates on the test set, whole files, and a description that people read."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model.card import WEIGHTS, Precision, read_card, read_cards
from model.checkpoint import load_checkpoint
from training.cli import app
from training.gates import GATES, Gate
from training.measures.answers import Answers
from training.measures.comparison import measure
from training.measures.engines import Rival
from training.measures.evaluate import Evaluation, evaluate, open_network
from training.publish import Refused, finish, publish
from training.ranges import input_ranges
from training.run import Run
from training.sets.catalogue import DIGITS, LETTERS
from training.tables import TextTable, percent
from training.train import Trainer

from small_trainings import drawn_digits, short


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a small network that reads drawn digits."""
    network = {"kind": "convnet", "stages": ((8,), (12, 16)), "classes": 10}
    folder, recipe, split = tmp_path_factory.mktemp("runs"), short(network=network), drawn_digits()
    run = Run(recipe, folder)
    finish(recipe, Trainer(recipe, split).train(run), split, run.folder)
    return folder


@pytest.fixture
def found(runs: Path) -> Evaluation:
    split = drawn_digits()
    return evaluate(*open_network("small", runs), split.test, split.measured_on)


def elsewhere(found: Evaluation) -> Evaluation:
    """As `found`, by a network that was trained with another test set held out."""
    return replace(
        found, card=replace(found.card, measured_on="one test set"), measured_on="another test set"
    )


def open_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "faults", lambda gate, found: [])


def test_what_is_not_good_enough_is_refused_and_nothing_is_written(
    found: Evaluation, runs: Path, tmp_path: Path
) -> None:
    """100 images are too few for any threshold to be reliable on."""
    faults = list(Gate(DIGITS, 1.01, ece=0.0).faults(found))
    assert [fault.split()[0] for fault in faults[:2]] == ["top-1", "calibration"]
    wary = replace(found, card=replace(found.card, uncertain_below=1.01))
    assert list(Gate(DIGITS, 0.0, ece=1.0).faults(wary)) == ["every answer is uncertain"]
    with pytest.raises(Refused, match=r"not published as digits: (top-1|calibration)"):
        publish(found, runs / "small-0", "digits", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_sure_must_not_be_clearly_less_often_right_than_is_aimed_at(found: Evaluation) -> None:
    """Of 100 sure answers 4 may be wrong: 98 % are aimed at."""
    saturated = replace(found.card, uncertain_below=1.0)
    for wrong, faults in ((4, []), (5, ["of the answers that are not uncertain 0.95 are right"])):
        rows = np.eye(10, dtype=np.float32)[np.repeat([1, 0], [wrong, 100 - wrong])]
        answers = Answers(rows, np.zeros(100, np.uint8), DIGITS)
        said = Gate(DIGITS, top1=0.95, ece=0.05).faults(replace(found, card=saturated, answers=answers))
        assert [fault.partition(":")[0] for fault in said] == faults


@pytest.mark.parametrize(("more", "name"), [([], "small"), (["--as", "unheard-of"], "unheard-of")])
def test_a_name_that_nothing_is_served_as_is_refused_before_anything_is_read(
    more: list[str], name: str, runs: Path, tmp_path: Path
) -> None:
    line = ["publish", "small", *more, "--runs", str(runs), "--data", str(tmp_path)]
    done = CliRunner().invoke(app, line, env={"COLUMNS": "1000"})
    assert done.exit_code == 1
    assert f"error: nothing is served as {name!r}: --as takes one of" in done.stderr


def test_a_network_of_other_labels_takes_no_name(found: Evaluation, runs: Path, tmp_path: Path) -> None:
    assert "it reads" not in " ".join(Gate(DIGITS, 0.0).faults(found))
    for others in (LETTERS, DIGITS[::-1]):
        assert f"it reads {DIGITS}, and {others} are wanted" in Gate(others, 0.0).faults(found)
    with pytest.raises(Refused, match=f"not published as letters: it reads {DIGITS}"):
        publish(found, runs / "small-0", "letters", tmp_path)


def test_what_may_have_learned_from_the_test_set_is_not_served(
    found: Evaluation, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_gate(monkeypatch)
    with pytest.raises(Refused, match="these images may be among those it learned from"):
        publish(elsewhere(found), runs / "small-0", "digits", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_passes_is_served_with_its_figures_and_described(
    found: Evaluation, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_gate(monkeypatch)
    scans = TextTable("Real scans", ("scans", "top-1"), [("tablet pen", "99.00 %")])
    found = replace(found, measured_on="the test set")
    card = publish(found, runs / "small-0", "digits", tmp_path, scans=scans)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "digits.json",
        "digits.md",
        "digits.safetensors",
    ]
    assert load_checkpoint("digits", tmp_path)[0] == read_card(tmp_path / "digits.json")
    assert card.accuracy["top1"] == found.accuracy["top1"] > 0.9
    assert card.measured_on == "the test set"
    text = (tmp_path / "digits.md").read_text()
    assert f"{found.accuracy['top1']:.4f}" in text
    assert '"learning_rate": 0.006' in text
    assert str(card.uncertain_below) in text
    assert "evaluate digits --scans`:\n\n| scans | top-1 |" in text
    assert "| tablet pen | 99.00 % |" in text


def test_what_is_judged_is_read_in_the_precision_and_put_into_the_folder_that_it_is_served_from(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Evaluation] = []
    chosen_on: list[int] = []

    def choose(found: list[Rival]) -> Precision:
        chosen_on.extend(each.images for each in found)
        return "bfloat16"

    monkeypatch.setattr(Gate, "faults", lambda gate, found: judged.append(found) or [])
    command = import_module("training.cli.publish")
    split = drawn_digits()
    fewer = replace(split, validation=split.validation.take(np.arange(50)))
    monkeypatch.setattr(command, "read_split", lambda *of: fewer)
    monkeypatch.setattr(command, "least_precision", choose)
    (tmp_path / "scans").mkdir()
    monkeypatch.setattr(command, "_scans", lambda _, served, data: TextTable("", ("as",), [(served,)]))
    line = ["small", "--as", "digits", "--runs", str(runs), "--data", str(tmp_path)]
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path / "served"))
    before = (runs / "small-0" / "small.json").read_bytes()
    done = CliRunner().invoke(app, ["publish", *line])
    assert done.exit_code == 0, done.output
    card = read_card(tmp_path / "served" / "digits.json")
    assert card.precision == "bfloat16"
    assert "--scans`:\n\n| as |\n| --- |\n| digits |" in (tmp_path / "served" / "digits.md").read_text()
    _, network = load_checkpoint("digits", tmp_path / "served")
    assert card.ranges == input_ranges(card, network, fewer.validation) != {}
    assert (runs / "small-0" / "small.json").read_bytes() == before
    assert [each.cost.machine.split(",")[0] for each in judged] == ["OpenVINO bfloat16"]
    assert len(judged[0].answers) == len(split.test)
    assert "digits.safetensors: top-1 9" in done.stdout
    assert "reading 50 validation images on every engine, then 100 test images" in done.stderr
    assert done.stdout.endswith("Served as digits from the next start of `inkqueue up`.\n")
    assert "It replaces" not in done.stdout
    again = " ".join(CliRunner().invoke(app, ["publish", *line]).stdout.split())
    assert f"It replaces one with top-1 {percent(card.accuracy['top1'])}" in again
    assert set(chosen_on) == {50}, "nothing is chosen on the test set"


def test_every_shipped_network_passed_its_gate_and_all_are_small() -> None:
    for name, card in read_cards(WEIGHTS).items():
        gate, figures = GATES[name], card.accuracy
        assert figures["top1"] >= gate.top1
        assert figures["ece"] <= gate.ece
        row = f"| {figures['top2']:.4f} | {figures['top3']:.4f} | {figures['ece']:.4f} | "
        row += f"{figures['coverage']:.4f} | {figures['accuracy_of_sure']:.4f} |"
        text = (WEIGHTS / f"{name}.md").read_text()
        assert name in text
        assert f"| {figures['top1']:.4f} (" in text
        assert row in text, "the card for people has the same figures"
    assert set(read_cards(WEIGHTS)) == set(GATES)
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 40_000_000


@pytest.mark.parametrize("name", GATES)
def test_the_shipped_accuracy_is_what_the_test_set_says(name: str) -> None:
    if not Path("data").exists():
        pytest.skip("the data sets are not here (see: inkqueue data)")
    found = measure(name, Path("data"), runs=Path("none"))
    assert found.accuracy["top1"] == pytest.approx(found.card.accuracy["top1"], abs=3e-4)


def test_the_whole_line_runs_by_its_commands_without_any_data_set(tmp_path: Path) -> None:
    runs = ["--runs", str(tmp_path / "runs")]

    def training(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, *runs], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    command = [sys.executable, "-m", "training", "train", "digits-nano", "--quick", *runs]
    environment = os.environ | {"COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "epoch 3 of 3" in said
    assert "img/s" in said
    metrics = json.loads((tmp_path / "runs" / "digits-nano-quick-0" / "metrics.json").read_text())
    assert metrics["parameters"] == 9956
    assert metrics["epochs"][-1]["validation_accuracy"] > 0.9
    assert "digits-nano-quick" in training("runs")
    assert "9,956" in training("evaluate", "digits-nano-quick", "--quick")
    training("report", "digits-nano-quick", "--quick", "--out", str(tmp_path / "report"))
    assert (tmp_path / "report" / "report.html").exists()


def test_the_line_is_reached_by_the_command_of_everything_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "runs", "--runs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    assert "begin one with: inkqueue train NAME" in done.stdout + done.stderr
    assert done.returncode == 0
    done = subprocess.run([*command[:-3], "train"], capture_output=True, text=True)
    assert done.stderr.startswith("Usage: inkqueue train "), "by the name that was typed"


def test_without_its_packages_it_says_what_to_install() -> None:
    script = """if True:
        import runpy, sys
        sys.modules["matplotlib"] = None
        runpy.run_module("training", None, "__main__")"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1
    assert (
        done.stderr
        == "error: matplotlib is not installed: in Inkqueue's folder, pip install '.[training]'\n"
    )
