"""`inkqueue read --layout`: pages, lines and grids here and now, and what was seen of them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from model.command import app
from model.drawn import draw
from model.files.images import png

from samples import page

LINES = ["ABC 47", "HKE 2Z"]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.png"
    path.write_bytes(png(page(LINES, np.random.default_rng(8))))
    return path


def read(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_the_text_of_a_page_is_its_lines(sheet: Path) -> None:
    text = read(sheet, "--layout", "page")
    assert [[len(word) for word in line.split()] for line in text.splitlines()] == [[3, 2], [3, 2]]
    assert sum(a != b for a, b in zip(text, "\n".join(LINES), strict=False)) <= 2


def test_of_several_pages_each_stands_below_its_name(sheet: Path) -> None:
    (sheet.parent / "other.png").write_bytes(png(page(["7"], np.random.default_rng(2))))
    lines = read(sheet.parent, "--layout", "page", "--charset", "digits").splitlines()
    assert lines[0] == f"==> {sheet.parent}/other.png <=="
    assert lines[2] == f"==> {sheet} <=="
    assert lines[1].isdigit()


def test_ndjson_has_lines_and_csv_the_text(sheet: Path) -> None:
    item = json.loads(read(sheet, "--layout", "page", "--format", "ndjson"))
    assert item["text"] == "\n".join(line["text"] for line in item["lines"])
    assert item["lines"][1]["words"][1]["characters"][0].keys() == {
        *("label", "confidence", "uncertain", "flags", "top_k", "box")
    }
    (row,) = csv.DictReader(io.StringIO(read(sheet, "--layout", "page", "--format", "csv")))
    assert (row["text"], row["label"], row["path"]) == (item["text"], "", str(sheet))


def test_a_grid_has_its_cells(sheet: Path) -> None:
    item = json.loads(read(sheet, "--layout", "grid", "--rows", 2, "--columns", 3, "--format", "ndjson"))
    assert [len(line["words"]) for line in item["lines"]] == [3, 3]


def test_a_preview_of_a_page_has_its_boxes(sheet: Path) -> None:
    preview = sheet.parent / "preview.png"
    read(sheet, "--layout", "page", "--preview", preview)
    with Image.open(preview) as picture:
        colours = np.asarray(picture.convert("RGB")).astype(int)
    assert (np.ptp(colours, axis=2) > 50).sum() > 500  # nothing else has a colour


def test_a_preview_of_a_character_has_the_glyph_beside_it(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    (tmp_path / "a.png").write_bytes(png(draw("g", rng)))
    read(tmp_path / "a.png", "--preview", tmp_path / "preview.out")
    with Image.open(tmp_path / "preview.out") as picture:
        assert picture.size == (912, 448)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--layout", "grid", "--rows", "2"], "rows, columns: give both, or neither"),
        (["--rows", "2", "--columns", "2"], "only for the layout grid"),
        (["--preview", "nowhere/at/all.png"], "cannot write nowhere/at/all.png"),
    ],
)
def test_refusals_say_what_to_do(sheet: Path, options: list[str], reason: str) -> None:
    done = CliRunner().invoke(app, [str(sheet), *options])
    assert done.exit_code == 1
    assert reason in done.stderr


def test_a_preview_is_not_named_as_another_kind_of_image(sheet: Path) -> None:
    done = CliRunner().invoke(app, [str(sheet), "--preview", str(sheet.parent / "p.JPG")])
    assert done.exit_code == 1
    assert "--preview writes a PNG, and" in done.stderr
    assert not (sheet.parent / "p.JPG").exists()


def test_a_preview_is_of_one_image(sheet: Path) -> None:
    (sheet.parent / "other.png").write_bytes(sheet.read_bytes())
    done = CliRunner().invoke(app, [str(sheet.parent), "--preview", str(sheet.parent / "p.png")])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "there are 2" in done.stderr
