"""What became of an image, as plain data."""

import pytest

from api.items import item_data
from model.layout import Box
from worker.ledger.results import Answer, Found, Page, Result
from worker.ledger.store import Item

STRAY = Answer((0, 3), (0.9, 0.1), False)


@pytest.mark.parametrize("result", [STRAY, Page((Found(STRAY, Box(0, 0, 9, 9), 0, 0),))])
def test_an_answer_that_is_none_of_the_labels_is_a_failure(result: Result) -> None:
    item = item_data(Item(4, "a.png", result, "7"), "012", "queued")
    assert item.pop("error")["type"] == "inference-failed"
    assert item == {"index": 4, "name": "a.png", "correction": "7", "status": "failed"}


@pytest.mark.parametrize("unread", ["queued", "canceled"])
def test_an_image_without_a_result_has_the_status_of_its_job(unread: str) -> None:
    item = item_data(Item(0, "0", None), "012", unread)
    assert item == {"index": 0, "name": "0", "correction": None, "status": unread}
