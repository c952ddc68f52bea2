"""An image and its result as plain data: an ItemOut made by hand, since results come by the thousand."""

from typing import Any

from model.writing import Written, lines_of, said, text_of
from worker.ledger.jobs import Job
from worker.ledger.results import RELABELED, Answer, Failure, Page
from worker.ledger.store import Item


def item_out(job: Job, item: Item) -> dict[str, Any]:
    """Image `item` of `job`, as a client sees it."""
    return item_data(item, job.labels, status_unread(job))


def status_unread(job: Job) -> str:
    """The status of an image of `job` that has no result."""
    return "canceled" if job.state.final else "queued"


def item_data(item: Item, labels: str, unread: str) -> dict[str, Any]:
    """An image of a job with these `labels`, as a client sees it; `unread` is its status if it has no
    result."""
    index, name, result, correction = item
    known: dict[str, Any] = {"index": index, "name": name, "correction": correction}
    try:
        match result:
            case Answer():
                known["status"] = "succeeded"
                return said(known, labels, *result)
            case Page() as page:
                return known | {"status": "succeeded", **_written(labels, page)}
    except IndexError:  # of a class without a label, which no worker of ours commits
        result = RELABELED
    if isinstance(result, Failure):
        return known | {"status": "failed", "error": {"type": result.type, "detail": result.detail}}
    return known | {"status": unread}


def _written(labels: str, page: Page) -> dict[str, Any]:
    lines = lines_of(
        [
            Written(said({}, labels, *each.answer), each.box, each.line, each.word)
            for each in page.characters
        ]
    )
    return {
        "label": None,
        "confidence": page.confidence,
        "uncertain": page.uncertain,
        "flags": page.flags.names,
        "text": text_of(lines),
        "lines": lines,
    }
