"""What became of an image, as plain data: an ItemOut by hand, since results come by the thousand."""

from typing import Any

from model.writing import Written, lines_of, said, text_of
from worker.jobs import Job
from worker.results import Answer, Failure, Page
from worker.store import Item


def item_out(job: Job, item: Item) -> dict[str, Any]:
    """Image `item` of `job`, as a client sees it."""
    shown: dict[str, Any] = {"index": item.index, "name": item.name, "correction": item.correction}
    match item.result:
        case Failure(type=kind, detail=detail):
            return shown | {"status": "failed", "error": {"type": kind, "detail": detail}}
        case Answer() as answer:
            return shown | {"status": "succeeded", **_said(job.labels, answer)}
        case Page() as page:
            return shown | {"status": "succeeded", **_written(job.labels, page)}
    return shown | {"status": "canceled" if job.state.final else "queued"}


def _said(labels: str, answer: Answer) -> dict[str, Any]:
    classes = [labels[each] for each in answer.classes]
    return said(classes, answer.probabilities, answer.uncertain, answer.flags)


def _written(labels: str, page: Page) -> dict[str, Any]:
    lines = lines_of(
        [Written(_said(labels, each.answer), each.box, each.line, each.word) for each in page.characters]
    )
    return {
        "label": None,
        "confidence": None if page.confidence is None else round(page.confidence, 7),
        "uncertain": page.uncertain,
        "flags": page.flags.names,
        "text": text_of(lines),
        "lines": lines,
    }
