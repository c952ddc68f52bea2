"""The client that blocks. It only carries out flows, which define what is sent and understood."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Self, TypeVar, Unpack

import httpx

from worker.ledger.jobs import JobState

from ..schemas.events import Event
from ..schemas.jobs import ItemOut, JobOut, ModelOut, Only
from ..schemas.queues import QueueOut
from .calls import Call, Flow, Heard, Listen, Next, Pause, Reply, advance, is_answer
from .flows import ExportOptions, Flows, Options, Progress, id_of
from .following import follow
from .listening import EventConnection
from .retries import RetryPolicy
from .settings import DEFAULT_URL, httpx_settings
from .uploads import What, prepare
from .webhooks import Webhooks

T = TypeVar("T")


class Client:
    """A client of the gateway at `url` (else ValueError). Methods raise ProblemError or Unreachable, and
    those that send files also FileChanged."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._http = httpx.Client(**httpx_settings(url, api_key))
        self._flows = Flows(retries or RetryPolicy())
        self.webhooks = Webhooks(retries or RetryPolicy(), self._run)

    def submit(
        self,
        what: What,
        *,
        job_id: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> JobOut:
        """Submit a job: paths of files and folders, the bytes of a file, or an array (n, 28, 28) uint8
        of characters that are cut out and centred, as MNIST's are.

        However often this has to be sent, it becomes one job. Raises NoImages.
        """
        with prepare(what) as upload:
            return self._run(self._flows.submit(upload, options, job_id, idempotency_key))

    def predict(self, image: What, **options: Unpack[Options]) -> ItemOut:
        """Read one image and wait for it. An image that cannot be read is a ProblemError."""
        with prepare(image) as upload:
            return self._run(self._flows.predict(upload, options))

    def job(self, job: str | JobOut) -> JobOut:
        """The job as it is now."""
        return self._run(self._flows.job(id_of(job)))

    def wait(
        self, job: str | JobOut, timeout: float | None = None, on_progress: Progress | None = None
    ) -> JobOut:
        """The job once it is final. Raises WaitTimeout after `timeout` seconds, or an error of the last
        call if the job's state is unknown by then."""
        return self._run(self._flows.wait(id_of(job), timeout, on_progress))

    def results(self, job: str | JobOut, only: Only | None = None) -> Iterator[ItemOut]:
        """Every result in the order of upload, as soon as it is known, until the job is final."""
        cursor: int | None = 0
        while cursor is not None:
            page = self._run(self._flows.page(id_of(job), cursor, only))
            yield from page.data
            cursor = page.next_cursor

    def item(self, job: str | JobOut, index: int) -> ItemOut:
        """One image's result, by its place in the upload, from 0."""
        return self._run(self._flows.item(id_of(job), index))

    def image(self, job: str | JobOut, index: int) -> bytes:
        """One image as it was uploaded, while it is kept; of an array, as PNG."""
        return self._run(self._flows.image(id_of(job), index))

    def preview(self, job: str | JobOut, index: int) -> bytes:
        """A PNG of one image beside what the network saw, or with a box around each character."""
        return self._run(self._flows.preview(id_of(job), index))

    def export(
        self, job: str | JobOut, file: str | os.PathLike[str], **options: Unpack[ExportOptions]
    ) -> None:
        """Write a ZIP with a folder of images for each label, a data set to train on, to a file. By
        default it has the images that were corrected; the job must have been sent with keep_images."""
        self._run(self._flows.export(id_of(job), file, options))

    def events(self, job: str | JobOut, results: bool = True) -> Iterator[Event]:
        """A job's events as they happen, until it is final: ProgressEvent, ResultEvent (each image once;
        only with `results`), CompletedEvent. A broken connection is resumed.
        """
        flow = follow(self._flows, id_of(job), results)
        reply: Reply | Heard = None
        with closing(EventConnection(self._http)) as connection:
            while (step := advance(flow, reply)) is not None:
                reply = None
                if isinstance(step, Listen):
                    reply = connection.open(step.call)
                elif isinstance(step, Next):
                    reply = connection.next()
                elif isinstance(step, Call | Pause):
                    reply = self._carry_out(step)
                else:
                    yield step

    def jobs(self, state: JobState | None = None) -> Iterator[JobOut]:
        """All jobs, newest first."""
        cursor: str | None = ""
        while cursor is not None:
            page = self._run(self._flows.jobs(cursor or None, state))
            yield from page.data
            cursor = page.next_cursor

    def cancel(self, job: str | JobOut) -> JobOut:
        """Cancel a job: no further image is read; results stay."""
        return self._run(self._flows.cancel(id_of(job)))

    def retry(self, job: str | JobOut) -> JobOut:
        """Submit the images that failed as a new job: one, however often this has to be sent."""
        return self._run(self._flows.retry(id_of(job)))

    def correct(
        self, job: str | JobOut, labels: Mapping[int, str | None], *, overwrite: bool = True
    ) -> dict[int, str]:
        """Store a person's labels of images by index, for a page its text; None withdraws one. Without
        `overwrite`, images that have another label keep it, and these labels are returned."""
        return self._run(self._flows.correct(id_of(job), labels, overwrite))

    def delete(self, job: str | JobOut) -> None:
        """Delete a finished job and everything that belongs to it."""
        self._run(self._flows.delete(id_of(job)))

    def models(self) -> list[ModelOut]:
        """The models that can read images: what they read, and how well."""
        return self._run(self._flows.models())

    def queue(self) -> QueueOut:
        """The backlog, the workers, and how many workers there should be."""
        return self._run(self._flows.queue())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            reply = self._carry_out(step)

    def _carry_out(self, call: Call | Pause) -> Reply:
        if isinstance(call, Pause):
            time.sleep(call.seconds)
            return None
        body = call.upload.blocks() if call.upload else call.json
        try:
            with self._http.stream(content=body, **call.arguments()) as response:
                if call.file and is_answer(response):
                    with call.file.open("wb") as file:
                        file.writelines(response.iter_bytes())
                else:
                    response.read()
                return response
        except httpx.RequestError as error:
            return error
