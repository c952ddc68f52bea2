"""Jobs as any HTTP client sends them, waits for them and reads them, without our own client."""

import json
from typing import Any

import httpx

from waiting import until

LONGEST_S = 120.0


def posted(http: httpx.Client, content: bytes, kind: str, **options: str | int) -> str:
    """The id of a job that was accepted."""
    answer = http.post("/v1/jobs", params=options, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def finished(http: httpx.Client, content: bytes, kind: str, **options: str | int) -> str:
    """The id of a job that is over."""
    headers = {"Content-Type": kind, "Prefer": "wait=60"}
    answer = http.post("/v1/jobs", params=options, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def ended(http: httpx.Client, job: str) -> dict[str, Any]:
    """The job, once it is over."""

    def over() -> dict[str, Any] | None:
        found: dict[str, Any] = http.get(f"/v1/jobs/{job}", params={"wait": 30}).json()
        return None if found["ended_at"] is None else found

    return until(over, LONGEST_S)


def results_of(http: httpx.Client, job: str) -> list[dict[str, Any]]:
    """The results of a job, once it is over."""
    ended(http, job)
    lines = http.get(f"/v1/jobs/{job}/results", params={"format": "ndjson"}).text.splitlines()
    return [json.loads(line) for line in lines]
