"""A network's report in a folder: report.md, one self-contained report.html, the figures as PNG."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..measures.comparison import record
from ..measures.evaluate import Evaluation
from ..measures.metrics import confused_pairs, groups_in, per_class
from ..measures.reliability import coverage_table
from ..registry import SETTINGS, read_json
from ..run import write_json
from ..sets.data import Set
from .figures import draw_confusion, draw_coverage, draw_reliability
from .findings import findings
from .gallery import Mistake, data_address, draw_gallery, mistakes_of, surest_mistakes
from .pages import templates


@dataclass(frozen=True)
class Subject:
    """A network's evaluation on the test `images`, on the validation images that it was chosen by if
    these are at hand, and its run's folder."""

    test: Evaluation
    validation: Evaluation | None
    images: Set
    run: Path
    remarks: tuple[str, ...]


def write_report(subject: Subject, folder: Path) -> None:
    """Write the report to `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    mistakes = surest_mistakes(subject.test.answers, subject.images.images)
    _draw(subject, mistakes, folder)
    content = _content(subject, mistakes) | {"pictures": _pictures(folder)}
    for name in ("report.md", "report.html"):
        (folder / name).write_text(templates().get_template(name).render(content))
    write_json(folder / "figures.json", record(subject.test))


def _draw(subject: Subject, mistakes: list[Mistake], folder: Path) -> None:
    answers, below = subject.test.answers, subject.test.card.uncertain_below
    draw_confusion(answers, folder / "confusion.png")
    draw_gallery(mistakes, folder / "mistakes.png")
    draw_reliability(answers, folder / "reliability.png")
    draw_coverage(answers, below, folder / "coverage.png")
    curves = subject.run / "curves.png"
    if curves.exists():
        shutil.copyfile(curves, folder / "curves.png")
    else:
        (folder / "curves.png").unlink(missing_ok=True)


def _pictures(folder: Path) -> dict[str, str]:
    return {path.stem: data_address(path.read_bytes()) for path in folder.glob("*.png")}


def _content(subject: Subject, mistakes: list[Mistake]) -> dict[str, Any]:
    test, images = subject.test, subject.images.images
    pairs = confused_pairs(test.answers)
    return {
        "test": test,
        "card": test.card,
        "figures": test.accuracy,
        "findings": [*findings(test, subject.validation), *subject.remarks],
        "groups": groups_in(test.card.labels),
        "classes": per_class(test.answers),
        "coverage": coverage_table(test.answers),
        "pairs": [(pair, mistakes_of(pair, test.answers, images)) for pair in pairs],
        "mistakes": mistakes,
        "settings": settings(subject),
    }


def settings(subject: Subject) -> Mapping[str, str]:
    """The run's settings, if there is a run, and what the card says of the network."""
    path, card = subject.run / SETTINGS, subject.test.card
    saved = read_json(path) if path.exists() else {"network": card.network}
    kept = {
        "labels": card.labels,
        "pixels": f"normalized by mean {card.mean}, deviation {card.std}",
        "temperature": card.temperature,
        "uncertain below": card.uncertain_below,
        "sha256 of the weights": card.sha256,
    }
    return {key: _plain(value) for key, value in {**saved, **kept}.items()}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
