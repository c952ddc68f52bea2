"""Requests that are repeated: under one Idempotency-Key, or with one id."""

import time

from .asking import message, outcome, talk, uploaded
from .cases import Ask, cases
from .stage import GOOD, Stage
from wire import Wire

PNG = GOOD["good-0.png"]


def under_way(stage: Stage) -> str:
    """Send a second request with an Idempotency-Key while the first one is still being uploaded."""
    for attempt in range(20):
        fields = {"Content-Type": "image/png", "Idempotency-Key": f"under-way-{attempt}"}
        data = message("POST", "/v1/jobs", fields, PNG)
        with Wire(stage.url("plain")) as first:
            first.send(data[:-1])
            time.sleep(0.02 * attempt)
            second = talk(stage.url("plain"), data)
            if second.status == 409:
                assert first.send(data[-1:]).answer().status == 202
                break
    return outcome(second)


def repeated(path: str, second: bytes, **fields: str) -> Ask:
    """Send the same path and fields with one body, and then with another."""

    def ask(stage: Stage) -> str:
        head = {"Content-Type": "image/png"} | {
            name.replace("_", "-"): value for name, value in fields.items()
        }
        method = "POST" if fields else "PUT"
        first, again = (
            talk(stage.url("plain"), message(method, path, head, body)) for body in (PNG, second)
        )
        assert first.status == 202, first
        return outcome(again)

    return ask


TABLE = {
    "an odd Idempotency-Key": {
        name: (uploaded("image/png", PNG, Idempotency_Key=key), "400 malformed-request")
        for name, key in {
            "nothing": "",
            "256 characters": "x" * 256,
            "20 KB": "x" * 20_000,
            "a tab": "tab\there",
            "no ASCII": "k\x85\xa0",
        }.items()
    },
    "the same key for another body": {
        "a key": (repeated("/v1/jobs", PNG[:-1], Idempotency_Key="twice"), "422 idempotency-mismatch"),
        "an id": (repeated("/v1/jobs/of-my-own", PNG[:-1]), "422 idempotency-mismatch"),
        "the same body": (repeated("/v1/jobs", PNG, Idempotency_Key="same"), "202"),
    },
    "the same key under way": {"a key": (under_way, "409 request-in-progress")},
}

CASES = list(cases("repeats", TABLE))
