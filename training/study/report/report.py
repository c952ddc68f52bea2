"""The report of a study in a folder: study.md, one self-contained study.html, the pictures as PNG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.engines.predictor import Predictor

from ...curves import draw_curves
from ...measures.evaluate import Evaluation
from ...measures.metrics import Pair, confused_pairs
from ...reports.figures import draw_confusion
from ...reports.gallery import Mistake, data_address, draw_gallery, mistakes_of
from ...reports.pages import templates
from ...run import Epoch, write_text
from ...sets.data import Split
from ..chapter import Chapter
from .evidence import evidence, neighbours
from .finalists import Finalist, table
from .letters import Letter, by_recall, every_letter
from .plots import draw_letters, draw_plot
from .reasons import reason
from .samples import counts, description, draw_samples
from .scalars import file_name
from .summary import summary

EXTREMES = 5
"""How many letters are named as best and as worst read."""

SHOWN = 3
"""The picker shows a letter's mistakes with this many of the letters it is most confused with."""


@dataclass(frozen=True)
class Study:
    """All that the report tells of: the data, what was learned from them, and the test set.

    `other` is a network that tells cases apart and knows digits, if there is one; `epochs` are those of
    the best network's training, if its run is at hand; `settings` say how all of it was made.
    """

    task: str
    split: Split
    chapters: Sequence[Chapter]
    finalists: Sequence[Finalist]
    best: Evaluation
    other: Predictor | None
    epochs: Sequence[Epoch]
    settings: Mapping[str, str]

    @property
    def findings(self) -> list[str]:
        """The sentences at the head of the report."""
        return summary(self.chapters, self.finalists, self.best)


@dataclass(frozen=True)
class Confusion:
    """A pair that is often confused, why, pictures of it, and the name of their file."""

    pair: Pair
    reason: str
    mistakes: Sequence[Mistake]
    picture: str


def write_report(study: Study, folder: Path) -> Path:
    """Write the report to `folder`, which is made if need be; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    content = _content(study) | {"pictures": _draw(study, folder)}
    for confusion in content["confusions"]:
        draw_gallery(confusion.mistakes, folder / f"{confusion.picture}.png")
    for name in ("study.md", "study.html"):
        write_text(folder / name, templates("training.study").get_template(name).render(content))
    return folder / "study.html"


def _draw(study: Study, folder: Path) -> dict[str, str]:
    """Draw every picture of the page; return their contents by name, as data: addresses."""
    answers, labels = study.best.answers, study.best.card.labels
    drawn = [folder / f"{name}.png" for name in ("samples", "confusion", "letters")]
    draw_samples(study.split.train, labels, drawn[0])
    draw_confusion(answers, drawn[1])
    draw_letters(every_letter(answers), drawn[2])
    for chapter in study.chapters:
        for plot in chapter.plots:
            draw_plot(plot, path := folder / f"{plot.name}.png")
            drawn.append(path)
    curves = folder / "curves.png"
    curves.unlink(missing_ok=True)
    if study.epochs:
        draw_curves(study.epochs, study.best.card.name, curves)
        drawn.append(curves)
    return {path.stem: data_address(path.read_bytes()) for path in drawn}


def _content(study: Study) -> dict[str, Any]:
    letters = every_letter(study.best.answers)
    ordered = by_recall(letters)
    return {
        "study": study,
        "best": study.best,
        "counts": counts(study.split, study.best.card.labels),
        "description": description(study.split, study.best.card.labels),
        "test": table(study.finalists, study.best),
        "letters": [(each, _pictures(each, study)) for each in letters],
        "worst": ordered[:EXTREMES],
        "best_read": ordered[: -EXTREMES - 1 : -1],
        "confusions": list(_confusions(study)),
        "anchor": file_name,
    }


def _confusions(study: Study) -> Iterator[Confusion]:
    answers, images = study.best.answers, study.split.test.images
    near = neighbours(study.split.train, len(answers.labels))
    below = study.best.card.uncertain_below
    for number, pair in enumerate(confused_pairs(answers), 1):
        found = evidence(pair, answers, below, images, near, study.other)
        yield Confusion(pair, reason(found), mistakes_of(pair, answers, images), f"pair-{number}")


def _pictures(letter: Letter, study: Study) -> list[Mistake]:
    """Mistakes between a letter and those that it is most confused with, both ways."""
    totals = dict(letter.taken_for)
    for other, images in letter.mistaken_from:
        totals[other] = totals.get(other, 0) + images
    most = sorted(totals, key=lambda other: -totals[other])[:SHOWN]
    pairs = [Pair(letter.label, other, totals[other]) for other in most]
    answers, test = study.best.answers, study.split.test
    return [each for pair in pairs for each in mistakes_of(pair, answers, test.images)]
