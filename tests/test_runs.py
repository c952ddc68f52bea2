"""The table of past runs: what is finished, what was interrupted, and what cannot be read."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.networks import build, count_parameters
from training.cli import app
from training.history import history, parameters, read_run
from training.publish import finish
from training.recipes import RECIPES
from training.run import Run
from training.study.driver import keep_settings
from training.study.rounds import QUICK
from training.tables import TextTable
from training.train import Trainer

from small_trainings import drawn_digits, short


def train(runs: Path, **changes: object) -> Run:
    """A run, all of it but its end."""
    run = Run(recipe := short(epochs=2, **changes), runs)
    network = Trainer(recipe, drawn_digits()).train(run)
    if changes.get("name") != "half":
        finish(recipe, network, drawn_digits(), run.folder)
    return run


def rows(table: TextTable) -> dict[str, dict[str, str]]:
    """Every row by its first cell, its cells by column."""
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def age(run: Run, seconds: float) -> None:
    """Let the run's last epoch have ended `seconds` ago."""
    then = time.time() - seconds
    os.utime(run.folder / "metrics.json", (then, then))


def test_finished_interrupted_and_running_are_told_apart(tmp_path: Path) -> None:
    whole, half = train(tmp_path, name="whole", patience=5), train(tmp_path, name="half")
    best = whole.epochs[0] = replace(whole.epochs[0], validation_loss=0.0)
    whole.write_metrics({})
    age(half, 3600)
    age(whole, 7200)
    found = rows(history(tmp_path))
    assert list(found) == ["whole", "half"], "the latest last"
    assert found["whole"]["state"] == "finished"
    assert found["half"]["state"] == "interrupted at epoch 2"
    assert found["half"]["epochs"] == "2/2"
    assert found["whole"]["result"] == "epoch 1", "the best one, though another came after it"
    assert found["half"]["result"] == "epoch 2"
    assert found["whole"]["val. loss"] == "0.0000"
    assert found["whole"]["val. accuracy"] == f"{100 * best.validation_accuracy:.2f} %"
    age(half, 0)
    assert read_run(half.folder).state == "under way at epoch 2"


def test_a_screen_is_finished_though_its_weights_lie_elsewhere(tmp_path: Path) -> None:
    run = train(tmp_path, name="half")
    run.end(1000)
    age(run, 3600)
    assert read_run(run.folder).state == "finished"


def test_a_study_is_no_run_and_nothing_is_wrong_with_it(tmp_path: Path) -> None:
    keep_settings(tmp_path / "study-digits", drawn_digits(), QUICK)
    table = history(tmp_path)
    assert not table.rows
    assert "no run here yet" in table.notes[0]


def test_what_was_made_of_others_is_shown_with_what_it_was_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.cli.composites.read_split", lambda *of: drawn_digits())
    for line in (
        "ensemble digits-nano digits-mlp --name both",
        "cascade digits-nano digits --name quick",
    ):
        done = CliRunner().invoke(app, [*line.split(), "--runs", str(tmp_path)])
        assert done.exit_code == 0, done.output
    (tmp_path / "quick-0" / "quick.json").write_text("{")
    table = history(tmp_path)
    assert rows(table)["both"]["state"] == "ensemble of digits-nano, digits-mlp"
    assert rows(table)["both"]["epochs"] == ""
    assert len(table.notes) == 1
    assert table.notes[0].startswith(f"{tmp_path / 'quick-0'}: cannot be read: ")


def test_a_network_is_counted_without_being_made() -> None:
    wide = RECIPES["balanced-wide"].network
    assert parameters(wide) == count_parameters(build(wide)) > 10_000_000


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("settings.json", None, "settings.json"),
        ("settings.json", "{", "Expecting"),
        ("settings.json", "{}", "no 'name' in it"),
        ("metrics.json", None, "no epoch has ended yet"),
        ("metrics.json", '{"epochs": []}', "no epoch has ended yet"),
        ("metrics.json", '{"epochs": [1]}', "not"),
    ],
)
def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(
    file: str, content: str | None, why: str, tmp_path: Path
) -> None:
    run = train(tmp_path, name="half")
    if content is None:
        (run.folder / file).unlink()
    else:
        (run.folder / file).write_text(content)
    table = history(tmp_path)
    assert not table.rows
    assert table.notes[0].startswith(f"{run.folder}: cannot be read: ")
    assert why in table.notes[0]


def test_the_command_prints_whole_rows_and_says_where_nothing_is(tmp_path: Path) -> None:
    train(tmp_path / "some", name="whole")
    done = CliRunner().invoke(app, ["runs", "--runs", str(tmp_path / "some")], env={"COLUMNS": "60"})
    assert done.exit_code == 0, done.output
    row = next(each for each in done.stdout.splitlines() if each.startswith("  whole"))
    assert "finished" in row
    assert "2/2" in row
    settings = json.loads((tmp_path / "some" / "whole-0" / "settings.json").read_text())
    assert f"{parameters(settings['network']):,}" in row
    done = CliRunner().invoke(app, ["runs", "--runs", str(tmp_path / "none")])
    assert "inkqueue train" in done.stdout
