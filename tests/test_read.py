"""`inkqueue read`: no server, and yet what the service says of the same images."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from typer.testing import CliRunner

from api.client import Client
from model.command import app
from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.files.images import png
from model.scans import BATCH, Scan, ScanReader

from samples import drawings, glyphs, pngs, tiff_of
from services import Services

READ = [sys.executable, "-m", "api.cli", "read"]


@pytest.fixture(scope="module")
def balanced() -> Predictor:
    return open_predictor("balanced", device="cpu")


@pytest.fixture
def sheet(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Scans, glyphs of a data set, a TIFF of three pages, and a file that is none of these."""
    folder = tmp_path / "sheet"
    (folder / "deep").mkdir(parents=True)
    for number, data in enumerate(pngs(30, rng)):
        (folder / f"{number:02}.png").write_bytes(data)
    for number, image in enumerate(glyphs(20, rng)):
        (folder / "deep" / f"{number:02}.png").write_bytes(png(image))
    (folder / "pages.tif").write_bytes(tiff_of(drawings(3, rng)))
    (folder / "torn.png").write_bytes(pngs(1, rng)[0][:100])
    return folder


@pytest.mark.parametrize("charset", [None, "digits"])
def test_it_says_what_the_service_says(services: Services, sheet: Path, charset: str | None) -> None:
    options = ["--format", "ndjson", *(["--charset", charset] if charset else [])]
    done = CliRunner().invoke(app, [str(sheet), *options])
    read = {line["path"]: line for line in map(json.loads, done.stdout.splitlines())}
    with Client(services.url) as client:
        items = list(client.results(client.submit(sheet, charset=charset)))

    served = {f"{sheet}/{item.name}": item for item in items if item.label is not None}
    assert len(served) == 53
    assert read.keys() == served.keys()
    for path, item in served.items():
        assert (read[path]["label"], read[path]["uncertain"]) == (item.label, item.uncertain)
        assert read[path]["confidence"] == pytest.approx(item.confidence, abs=1e-6)
    assert done.exit_code == 1


def test_a_line_is_label_tab_path(sheet: Path, balanced: Predictor) -> None:
    done = CliRunner().invoke(app, [str(sheet / "deep"), str(sheet / "00.png")])
    paths = [*sorted((sheet / "deep").iterdir()), sheet / "00.png"]
    scans = ScanReader(balanced).read(paths)
    expected = [f"{scan.label}\t{scan.path}" for scan in scans if isinstance(scan, Scan)]
    assert done.stdout.splitlines() == expected
    assert (done.exit_code, done.stderr) == (0, "")


def test_the_pictures_of_the_readme_are_read_as_it_says() -> None:
    docs = Path(__file__).parents[1] / "docs"
    assert CliRunner().invoke(app, [str(docs / "scan.png")]).stdout.split("\t")[0] == "g"
    line = CliRunner().invoke(app, [str(docs / "line.png"), "--layout", "line"])
    assert line.stdout == "R2D7\n"


def test_csv_has_the_confidence(sheet: Path, balanced: Predictor) -> None:
    done = CliRunner().invoke(app, [str(sheet / "deep"), "--format", "csv"])
    head, *rows = csv.reader(io.StringIO(done.stdout))
    assert head == ["path", "label", "confidence", "uncertain", "flags", "text"]
    scans = ScanReader(balanced).read(sorted((sheet / "deep").iterdir()))
    assert rows == [
        [scan.path, scan.label, str(scan.confidence), str(scan.uncertain), " ".join(scan.flags), ""]
        for scan in scans
        if isinstance(scan, Scan)
    ]


def test_what_cannot_be_read_is_on_stderr_only(sheet: Path) -> None:
    done = CliRunner().invoke(app, [str(sheet), "--no-recursive"])
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 33
    assert "torn" not in done.stdout
    assert "deep" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{sheet}/torn.png: ")
    assert "damaged or cut off" in line


def test_of_a_zip_it_says_what_reads_it(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "scans.zip", "w") as archive:
        archive.writestr("a.png", b"")
    done = CliRunner().invoke(app, [str(tmp_path / "scans.zip")])
    assert done.exit_code == 1
    assert "image; submit a ZIP with `inkqueue submit`" in done.stderr


def test_order_is_kept_over_batches(
    tmp_path: Path, balanced: Predictor, rng: np.random.Generator
) -> None:
    images = glyphs(BATCH + 40, rng)
    files = [tmp_path / f"{number:04}.png" for number in range(len(images))]
    for path, image in zip(files, images, strict=True):
        path.write_bytes(png(image))
    best = balanced.probabilities(images).argmax(axis=1)
    scans = list(ScanReader(balanced).read(files))
    assert [scan.path for scan in scans] == list(map(str, files))
    assert [scan.label for scan in scans if isinstance(scan, Scan)] == [
        balanced.card.labels[each] for each in best
    ]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["nowhere"], "nowhere is not there"),
        (["."], "no image"),
        (["a.png", ""], "a path is empty"),
        (
            ["a.png", "--model", "roman"],
            "there is no network 'roman'; there are balanced",
        ),
        (["a.png", "--charset", "é"], "the model knows no 'é'"),
        (["a.png", "--device", "abacus"], "device 'abacus' cannot be used"),
    ],
)
def test_refusals_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if options[0] == "a.png":
        (tmp_path / "a.png").touch()
    done = CliRunner().invoke(app, options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {reason}")


def test_a_gpu_without_torch_says_what_to_install(sheet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.engines.opening.find_spec", lambda name: None)
    done = CliRunner().invoke(app, [str(sheet), "--device", "cuda"])
    assert done.exit_code == 1
    assert "pip install '.[torch]'" in done.stderr


def test_folders_of_the_same_names_as_ours_are_not_ours(sheet: Path) -> None:
    (sheet / "model").mkdir()
    (sheet / "model" / "__main__.py").write_text("raise SystemExit('not ours')")
    done = subprocess.run([*READ, "00.png"], cwd=sheet, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\t00.png\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("where", "code", "said"),
    [(">/dev/full", 1, "error: No space left on device\n"), (">&-", 0, ""), ("| true", 0, "")],
)
def test_what_cannot_be_written_is_said_in_a_line(
    sheet: Path, where: str, code: int, said: str, unbuffered: str
) -> None:
    command = ["/bin/sh", "-c", f'"$@" {where}', "sh", *READ, "00.png"]
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, cwd=sheet, env=environment, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (code, said)


def test_help_is_of_the_command_that_people_type() -> None:
    done = subprocess.run([*READ, "--help"], capture_output=True, text=True)
    assert "Usage: inkqueue read [OPTIONS] {PATH}... \n" in re.sub(" +", " ", done.stdout)


def test_a_path_is_no_formula_to_a_spreadsheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("=1+1.png").write_bytes(pngs(1, rng)[0])
    done = CliRunner().invoke(app, ["=1+1.png", "--format", "csv"])
    assert done.exit_code == 0
    _, (path, *_) = csv.reader(io.StringIO(done.stdout))
    assert path == "'=1+1.png"
