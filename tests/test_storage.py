"""Files that are written whole or not at all."""

from dataclasses import replace
from pathlib import Path

import pytest

from model.card import Card
from model.storage import read_checkpoint, whole, write_checkpoint


def test_what_fails_midway_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole(path) as draft:
        draft.write_text("new\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_card_that_cannot_be_written_leaves_the_old_weights(tmp_path: Path) -> None:
    card = write_checkpoint(Card("a", {}, "01", "mnist", 0.1, 0.3, 1), b"old", tmp_path)
    with pytest.raises(UnicodeEncodeError):
        write_checkpoint(replace(card, measured_on="\ud800"), b"new", tmp_path)
    assert read_checkpoint("a", tmp_path) == (card, b"old")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.safetensors"]


def test_a_draft_is_never_taken_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    with whole(path) as draft:
        draft.write_text("new")
        assert not list(tmp_path.glob("*.safetensors"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
