"""Everything a client can do, as flows (see calls)."""

import json
import math
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

import httpx
import orjson
from pydantic import RootModel

from model.layout import Kind
from worker.ledger.jobs import JobState, Lane

from ..schemas.corrections import Corrected
from ..schemas.jobs import ItemOut, ItemPage, JobOut, JobPage, ModelOut, Only
from ..schemas.queues import QueueOut
from ..spellings import JOB_ID, KEY, LONGEST_KEY, WORDS
from .calls import Call, Flow, M, Pause, ask, ask_as, read_as
from .errors import BadCall, ProblemError, WaitTimeout
from .retries import RetryPolicy, retry_after
from .uploads import Upload

LONG_POLL_S = 30.0
PROGRESS_S = 0.5
TOGETHER, TOGETHER_BYTES = 1000, 200_000
"""Corrections in one request: the gateway reads no more of them, and 256 KiB."""


Progress = Callable[[JobOut], object]


class Options(TypedDict, total=False):
    """How a job is to be read; what is left out or None takes the gateway's default (see /docs)."""

    model: str | None
    charset: str | None
    top_k: int | None
    normalize: Literal["auto", "none"] | None
    layout: Kind | None
    rows: int | None
    columns: int | None
    priority: Lane | None
    keep_images: bool | None
    expires_in: int | None
    callback_url: str | None
    metadata: Mapping[str, str] | None


class ExportOptions(TypedDict, total=False):
    """What is exported of a job; what is left out or None takes the gateway's default (see /docs)."""

    what: Literal["corrections", "all"] | None
    images: Literal["glyphs", "uploads"] | None
    cursor: int | None
    limit: int | None


class _Models(RootModel[list[ModelOut]]):
    """The answer to GET /v1/models."""


class Flows:
    """The operations of one client."""

    def __init__(self, retries: RetryPolicy) -> None:
        self._retries = retries

    def submit(
        self, upload: Upload, options: Options, job_id: str | None, key: str | None
    ) -> Flow[JobOut]:
        method, path = ("POST", "/v1/jobs") if job_id is None else ("PUT", path_of(job_id))
        return read_as(JobOut, (yield from self._send(method, path, upload, options, key)))

    def predict(self, upload: Upload, options: Options) -> Flow[ItemOut]:
        response = yield from self._send("POST", "/v1/predictions", upload, options, None)
        if response.status_code == 200:
            item = read_as(ItemOut, response)
        else:
            job = yield from self.wait(read_as(JobOut, response).id, None, None)
            item = yield from self.item(job.id, 0)
        if item.status != "succeeded":
            raise ProblemError.of_item(item)
        return item

    def job(self, job_id: str, wait_s: float = 0) -> Flow[JobOut]:
        return self._get(JobOut, path_of(job_id), wait_s=wait_s)

    def wait(self, job_id: str, timeout: float | None, on_progress: Progress | None) -> Flow[JobOut]:
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        poll = PROGRESS_S if on_progress else LONG_POLL_S
        while True:
            left = max(0.0, end - time.monotonic())
            asked, began = min(poll, left), time.monotonic()
            response = yield from ask(Call("GET", path_of(job_id), wait_s=asked), self._retries, end)
            job = read_as(JobOut, response)
            if on_progress:
                on_progress(job)
            if job.state.final:
                return job
            if time.monotonic() >= end:
                raise WaitTimeout(job)
            early = asked - (time.monotonic() - began)
            if early > 0:  # this gateway does not let anyone wait that long
                yield Pause(min(retry_after(response) or 1.0, early))

    def page(self, job_id: str, cursor: int, only: Only | None) -> Flow[ItemPage]:
        """The next results available; empty only at the end."""
        while True:
            page = yield from self.known(job_id, cursor, only)
            if page.data or page.next_cursor is None:
                return page
            if page.next_cursor == cursor:
                yield from self.job(job_id, PROGRESS_S)
            cursor = page.next_cursor

    def known(self, job_id: str, cursor: int, only: Only | None = None) -> Flow[ItemPage]:
        """The results available at this moment."""
        return self._get(ItemPage, f"{path_of(job_id)}/results", {"cursor": cursor, "only": only})

    def jobs(self, cursor: str | None, state: JobState | None) -> Flow[JobPage]:
        return self._get(JobPage, "/v1/jobs", {"cursor": cursor, "state": state})

    def item(self, job_id: str, index: int) -> Flow[ItemOut]:
        return self._get(ItemOut, _item(job_id, index))

    def image(self, job_id: str, index: int) -> Flow[bytes]:
        return (yield from self._ask(Call("GET", f"{_item(job_id, index)}/image"))).content

    def preview(self, job_id: str, index: int) -> Flow[bytes]:
        return (yield from self._ask(Call("GET", f"{_item(job_id, index)}/preview.png"))).content

    def export(self, job_id: str, file: str | os.PathLike[str], options: ExportOptions) -> Flow[None]:
        yield from self._ask(Call("GET", f"{path_of(job_id)}/export", _given(options), file=Path(file)))

    def cancel(self, job_id: str) -> Flow[JobOut]:
        return self._ask_as(JobOut, Call("POST", f"{path_of(job_id)}/cancel"))

    def retry(self, job_id: str) -> Flow[JobOut]:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._ask_as(JobOut, Call("POST", f"{path_of(job_id)}/retry", headers=headers))

    def correct(
        self, job_id: str, labels: Mapping[int, str | None], overwrite: bool
    ) -> Flow[dict[int, str]]:
        kept: dict[int, str] = {}
        for some in _together(labels):
            body = orjson.dumps({"labels": some, "overwrite": overwrite}, option=orjson.OPT_NON_STR_KEYS)
            call = Call("PATCH", f"{path_of(job_id)}/corrections", json=body)
            answer = yield from self._ask_as(Corrected, call)
            kept |= {int(index): label for index, label in answer.kept.items()}
        return kept

    def delete(self, job_id: str) -> Flow[None]:
        yield from self._ask(Call("DELETE", path_of(job_id), repeatable=False))

    def models(self) -> Flow[list[ModelOut]]:
        return (yield from self._get(_Models, "/v1/models")).root

    def queue(self) -> Flow[QueueOut]:
        return self._get(QueueOut, "/v1/queue")

    def _send(
        self, method: str, path: str, upload: Upload, options: Options, key: str | None
    ) -> Flow[httpx.Response]:
        if key is not None and not (len(key) <= LONGEST_KEY and re.fullmatch(KEY, key)):
            raise BadCall(
                f"the idempotency key {key[:300]!r}: give 1 to {LONGEST_KEY} printable ASCII characters"
            )
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._ask(Call(method, path, _given(options), headers, upload))

    def _get(
        self, shape: type[M], path: str, params: Mapping[str, Any] | None = None, wait_s: float = 0
    ) -> Flow[M]:
        return self._ask_as(shape, Call("GET", path, _given(params or {}), wait_s=wait_s))

    def _ask_as(self, shape: type[M], call: Call) -> Flow[M]:
        return ask_as(shape, call, self._retries)

    def _ask(self, call: Call) -> Flow[httpx.Response]:
        return ask(call, self._retries)


def id_of(job: str | JobOut) -> str:
    """A job's id."""
    return job if isinstance(job, str) else job.id


def path_of(job_id: str) -> str:
    """The path of a job. Raises BadCall."""
    if not re.fullmatch(JOB_ID, job_id):
        raise BadCall(f"{job_id[:80]!r} is no job's id: {WORDS[JOB_ID]}")
    return f"/v1/jobs/{job_id}"


def _item(job_id: str, index: int) -> str:
    return f"{path_of(job_id)}/items/{index}"


def _together(labels: Mapping[int, str | None]) -> Iterator[dict[int, str | None]]:
    """`labels` in groups that fit into one request."""
    group: dict[int, str | None] = {}
    size = 0
    for index, label in labels.items():
        more = len(orjson.dumps({index: label}, option=orjson.OPT_NON_STR_KEYS))
        if group and (len(group) == TOGETHER or size + more > TOGETHER_BYTES):
            yield group
            group, size = {}, 0
        group[index] = label
        size += more
    if group:
        yield group


def _given(values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that were given, as text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }
