"""The command `study`: the whole of it on drawn characters, one letter, and what it refuses."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from training.cli import app
from training.study.rounds import QUICK
from training.study.study import SECTIONS


def study(*line: str, runs: Path) -> Result:
    return CliRunner().invoke(app, ["study", *line, "--runs", str(runs)], env={"COLUMNS": "300"})


def test_the_whole_study_runs_in_short_and_is_found_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one seed, since two take twice as long and show no other step."""
    monkeypatch.setattr(import_module("training.cli.study"), "QUICK", replace(QUICK, seeds=1))
    out = tmp_path / "report"
    line = ("letters", "--quick", "--out", str(out))
    done = study(*line, runs=tmp_path / "runs")
    assert done.exit_code == 0, done.output
    assert str(out / "study.html") in done.stdout
    assert f"{len(SECTIONS)}. " in done.stdout
    assert "letters, the network that is served, reads" in done.stdout
    kept = tmp_path / "runs" / "study-letters-quick"
    times = {path: path.stat().st_mtime_ns for path in (kept / "trials").iterdir()}
    times |= {path: path.stat().st_mtime_ns for path in (kept / "test").iterdir()}
    text = (out / "study.md").read_text()
    again = study(*line, "--processes", "1", runs=tmp_path / "runs")
    assert again.exit_code == 0, again.output
    assert (out / "study.md").read_text() == text
    assert {path: path.stat().st_mtime_ns for path in times} == times, "nothing is trained again"
    assert "test images" not in again.stderr
    assert {path.name for path in (kept / "tensorboard").iterdir()} == {"best", *SECTIONS}


def test_one_letter_is_printed_without_any_study(tmp_path: Path) -> None:
    done = study("letters", "--quick", "--letter", "k", runs=tmp_path)
    assert done.exit_code == 0, done.output
    assert "10 of 10 images of K are read right: 100.0 %" in done.stdout
    assert "reading 260 test images: letters" in done.stderr
    again = study("letters", "--quick", "--letter", "K", runs=tmp_path)
    assert again.stdout == done.stdout
    assert "test images" not in again.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("words",), "no task 'words'; there are balanced, letters, digits"),
        (("letters", "--section", "poems"), "no section 'poems'; there are perceptrons"),
        (("letters", "--letter", "7"), "'7' is none of ABC"),
        (("letters", "--letter", "AB"), "'AB' is none of ABC"),
        (("letters", "--test", "my.csv"), "--labels-from go with --train"),
        (("letters", "--transposed"), "--labels-from go with --train"),
        (("letters", "--labels-from", "1"), "--labels-from go with --train"),
        (("letters", "--weights", "nowhere.pth"), "no file nowhere.pth"),
        (("letters", "--weights", "my.pth", "--section", "convolutions"), "give that --section, too"),
        (("letters", "--letter", "k", "--processes", "1"), "--letter only reads"),
        (("letters", "--letter", "k", "--out", "report"), "--letter only reads"),
        (("letters", "--best", "digits"), "the letters study needs a network for letters: --best"),
        (("letters", "--best", "nobody"), "no network 'nobody'"),
        (("letters", "--data", "nowhere"), "no data for letters in nowhere"),
    ],
)
def test_what_cannot_be_studied_is_refused_at_once(
    line: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = study(*line, runs=tmp_path)
    assert done.exit_code in (1, 2)
    assert told in done.stderr
    assert not list(tmp_path.iterdir())
