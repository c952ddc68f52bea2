"""The trial of cutting: what `inkqueue sheets` prints, on characters drawn here."""

from pathlib import Path

from typer.testing import CliRunner

from training.cli import app
from training.sheets.pages import Writing
from training.sheets.trial import SheetTrial, read_sheets

SMALL = Writing(lines=3, characters=8, width=900, height=500, touching=0)


def test_pages_and_grids_are_drawn_cut_read_and_counted(tmp_path: Path) -> None:
    told: list[None] = []
    trials = [SheetTrial("page", 2, writing=SMALL), SheetTrial("grid", 1, camera=True, seed=4)]
    sheet = read_sheets("digits-nano", trials, tmp_path, tmp_path, True, lambda: told.append(None))
    assert len(told) == 3
    page, grid = (dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows)
    assert page["sheets"] == "pages, scanned"
    assert (page["places"], page["found in order"], page["found beside"]) == ("48", "100.00 %", "0.00 %")
    assert grid["found in order"] == "100.00 %"
    for row in (page, grid):
        errors, alone = (float(row[name].split()[0]) for name in ("character errors", "alone"))
        assert errors <= alone + 5


def test_nothing_to_draw_is_refused() -> None:
    done = CliRunner().invoke(app, ["sheets", "--pages", "0", "--grids", "0"])
    assert (done.exit_code, "nothing to draw" in done.stderr) == (2, True)
