"""Real scans as a measure: two ZIPs, split by file name, read as they are served, told in one table."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from model.card import WEIGHTS, read_cards
from model.drawn import draw
from model.files.images import decode, png
from model.ink.normalization import normalize
from training.cli import app
from training.sets.data import BadData
from training.sets.scans import HALVES, SCANS, half_of, read_examples, read_files, read_half

from datafiles import put
from samples import zip_of

TEXT = "0123456789cCaA" * 3


def evaluate(*arguments: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "1000"})
    assert done.exit_code == code, done.output
    return done


def archive_of(rng: np.random.Generator) -> bytes:
    """Drawn characters and their labels, as the real sets have them; a small letter is cut off."""
    names = [f"{number:05}.png" for number in range(len(TEXT))]
    drawn = [draw(each.upper(), rng)[24 if each.islower() else 0 :] for each in TEXT]
    files = dict(zip(names, map(png, drawn), strict=True))
    lines = ["file,label", *(f"{name},{each}" for name, each in zip(names, TEXT, strict=True))]
    return zip_of(files | {"labels.csv": "\n".join(lines).encode()})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data sets with small scans in it."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(5)
    (folder / "scans").mkdir()
    for name in SCANS.values():
        (folder / "scans" / name).write_bytes(archive_of(rng))
    return folder


def test_every_file_is_in_one_half(data: Path) -> None:
    path = data / "scans" / "tablet-pen.zip"
    work, report = ([file for file, _, _ in read_files(path, half)] for half in HALVES)
    assert sorted(work + report) == [f"{number:05}.png" for number in range(len(TEXT))]
    assert min(len(work), len(report)) > 5
    assert [half_of(file) for file in work[:2]] == [HALVES[0]] * 2


def test_a_half_is_what_the_network_is_shown(data: Path) -> None:
    balanced, digits = read_cards()["balanced"], read_cards()["digits"]
    half = read_half(data / "scans", "tablet pen", HALVES[0], balanced)
    files = read_files(data / "scans" / "tablet-pen.zip", HALVES[0])
    shown = [normalize(decode(content), "emnist") for _, content, _ in files]
    assert np.array_equal(half.data.images, np.stack([each.pixels for each in shown]))
    assert half.flags.tolist() == [int(each.flags) for each in shown]
    folded = "".join(balanced.labels[each] for each in half.data.labels)
    assert folded == "".join(label.replace("c", "C") for _, _, label in files)
    only = read_half(data / "scans", "tablet pen", HALVES[0], digits)
    rows = [row for row, (_, _, label) in enumerate(files) if label.isdigit()]
    assert len(only.data) == len(rows)
    assert any(half.flags)
    flags = [int(normalize(decode(files[row][1]), "mnist").flags) for row in rows]
    assert only.flags.tolist() == flags
    with pytest.raises(BadData, match="the half 'reported' has none of XYZ"):
        read_half(data / "scans", "tablet pen", HALVES[1], replace(digits, labels="XYZ"))


def test_what_is_learned_from_is_every_half_to_work_on_and_nothing_else(data: Path) -> None:
    balanced = read_cards()["balanced"]
    examples = read_examples(data / "scans", balanced.labels, "emnist")
    halves = [read_half(data / "scans", name, HALVES[0], balanced).data for name in SCANS]
    assert np.array_equal(examples.images, np.concatenate([each.images for each in halves]))
    assert np.array_equal(examples.labels, np.concatenate([each.labels for each in halves]))


def test_a_recipe_that_wants_scans_says_where_they_are_missing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = import_module("training.cli.train")
    shorten = command.shorten
    monkeypatch.setattr(command, "shorten", lambda full: replace(shorten(full), epochs=1, draws=640))
    done = CliRunner().invoke(app, ["train", "small-scanned", "--quick", "--runs", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with pytest.raises(BadData, match=r"paper-photos\.zip is missing"):
        read_examples(tmp_path, "0123456789", "mnist")


def test_the_table_has_both_halves_of_both_sets(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "scans.json"
    done = evaluate("digits-nano", "--scans", "--data", data, "--markdown", "--json", file)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| digits-nano")]
    assert [row.split("|")[3].strip() for row in rows] == ["learned from", "reported"] * 2
    found = json.loads(file.read_text())
    assert sum(each["images"] for each in found) == 2 * 30
    assert min(each["top1"] for each in found) > 0.7
    assert all(each["top1"] <= each["top3"] <= 1 for each in found)
    assert all(0 <= each["flags"]["blank"] <= each["uncertain"] <= 1 for each in found)


def test_without_a_name_every_shipped_network_reads_and_with_all_every_run_too(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name in (
        ("shipped", "digits"),
        ("shipped", "digits-nano"),
        ("runs/mine-0", "digits-mlp"),
    ):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        for kind in ("json", "safetensors"):
            (tmp_path / place / f"{name}.{kind}").symlink_to(WEIGHTS / f"{name}.{kind}")
    monkeypatch.setenv("INKQUEUE_WEIGHTS", str(tmp_path / "shipped"))
    for more, read in (
        ([], ["digits-nano", "digits"]),
        (["--all"], ["digits-mlp", "digits-nano", "digits"]),
    ):
        done = evaluate("--scans", *more, "--data", data, "--markdown", "--runs", tmp_path / "runs")
        rows = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("| ")]
        assert sorted(rows[2:]) == sorted(read * 4)


def test_missing_and_broken_scans_are_refused(tmp_path: Path) -> None:
    done = evaluate("digits-nano", "--scans", "--data", tmp_path, code=1)
    assert "paper-photos.zip is missing" in done.stderr
    assert "--data" in done.stderr
    for other in ("--all", "--quick"):
        assert other in evaluate("digits-nano", "--scans", other, code=2).stderr
    for two in (("--scans", "--rejects"), ("--scans", "--charset", "digits"), ("--all", "--rejects")):
        assert "exclude each other" in evaluate(*two, code=2).stderr
    no_images = zip_of({"labels.csv": b"file,label\n00011.png,a\n", "00011.png": b"?"})
    for name in SCANS.values():
        put(tmp_path / "scans" / name, no_images)
    done = evaluate("digits-nano", "--scans", "--data", tmp_path, code=1)
    assert "paper-photos.zip: 00011.png: not a PNG" in done.stderr
    broken = tmp_path / "broken.zip"
    for content, reason in (
        (b"?", "labels.csv"),
        (zip_of({"a.png": b""}), "labels.csv"),
        (zip_of({"labels.csv": b"file,label\n00000.png,a\n00001.png,a\n"}), "0000"),
    ):
        broken.write_bytes(content)
        with pytest.raises(BadData, match=reason):
            [read_files(broken, half) for half in HALVES]
