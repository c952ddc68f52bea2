"""Files that are written whole or not at all."""

from dataclasses import replace
from pathlib import Path

import pytest

from model.card import BadCard, Card
from model.engines.opening import open_predictor
from model.storage import read_checkpoint, whole, write_checkpoint

CARD = Card("a", {"kind": "lenet", "classes": 2}, "01", "mnist", 0.1, 0.3, 1)


def test_what_fails_midway_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole(path) as draft:
        draft.write_text("new\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_card_that_cannot_be_written_leaves_the_old_weights(tmp_path: Path) -> None:
    card = write_checkpoint(CARD, b"old", tmp_path)
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


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"labels": "0"}, "2 classes, but labels for 1"),
        ({"temperature": 0.0}, "a temperature of 0.0; it must be above 0"),
        ({"temperature": float("nan")}, "a temperature of nan"),
        ({"temperature": "warm"}, "do not fit together"),
        ({"network": {"kind": "nonsense"}}, "unknown network kind 'nonsense'"),
        ({"network": {}}, "do not fit together: KeyError: 'kind'"),
    ],
)
def test_a_card_that_nothing_can_be_answered_by_is_refused_by_every_engine(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    write_checkpoint(replace(CARD, **changes), b"weights", tmp_path)  # type: ignore[arg-type]
    with pytest.raises(BadCard, match=rf"^a: .*{reason}"):
        open_predictor("a", tmp_path, "cpu", "openvino")
    with pytest.raises(BadCard, match=rf"^a: .*{reason}"):
        open_predictor("a", tmp_path, "cpu", "torch")
