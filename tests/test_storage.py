"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from model.storage import whole


def test_what_fails_midway_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole(path) as draft:
        draft.write_text("new\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_is_never_taken_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    with whole(path) as draft:
        draft.write_text("new")
        assert not list(tmp_path.glob("*.safetensors"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
