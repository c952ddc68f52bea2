"""The asynchronous client. It only carries out flows, which define what is sent and understood."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Self, TypeVar, Unpack

import anyio
import anyio.to_thread
import httpx

from worker.ledger.jobs import JobState

from ..schemas.events import Event
from ..schemas.jobs import ItemOut, JobOut, ModelOut, Only
from ..schemas.queues import QueueOut
from .calls import Call, Flow, Heard, Listen, Next, Pause, Reply, advance, is_answer
from .flows import ExportOptions, Flows, Options, Progress, id_of
from .following import follow
from .listening import AsyncEventConnection
from .retries import RetryPolicy
from .settings import DEFAULT_URL, httpx_settings
from .uploads import Upload, What, prepare
from .webhooks import AsyncWebhooks

T = TypeVar("T")


class AsyncClient:
    """A client of the gateway at `url` (else ValueError). Methods raise ProblemError or Unreachable, and
    those that send files also FileChanged."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        retries: RetryPolicy | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**httpx_settings(url, api_key))
        self._flows = Flows(retries or RetryPolicy())
        self.webhooks = AsyncWebhooks(retries or RetryPolicy(), self._run)

    async def submit(
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
        with await anyio.to_thread.run_sync(prepare, what) as upload:
            return await self._run(self._flows.submit(upload, options, job_id, idempotency_key))

    async def predict(self, image: What, **options: Unpack[Options]) -> ItemOut:
        """Read one image and wait for it. An image that cannot be read is a ProblemError."""
        with await anyio.to_thread.run_sync(prepare, image) as upload:
            return await self._run(self._flows.predict(upload, options))

    async def job(self, job: str | JobOut) -> JobOut:
        """The job as it is now."""
        return await self._run(self._flows.job(id_of(job)))

    async def wait(
        self, job: str | JobOut, timeout: float | None = None, on_progress: Progress | None = None
    ) -> JobOut:
        """The job once it is final. Raises WaitTimeout after `timeout` seconds, or an error of the last
        call if the job's state is unknown by then."""
        return await self._run(self._flows.wait(id_of(job), timeout, on_progress))

    async def results(self, job: str | JobOut, only: Only | None = None) -> AsyncIterator[ItemOut]:
        """Every result in the order of upload, as soon as it is known, until the job is final."""
        cursor: int | None = 0
        while cursor is not None:
            page = await self._run(self._flows.page(id_of(job), cursor, only))
            for item in page.data:
                yield item
            cursor = page.next_cursor

    async def item(self, job: str | JobOut, index: int) -> ItemOut:
        """One image's result, by its place in the upload, from 0."""
        return await self._run(self._flows.item(id_of(job), index))

    async def image(self, job: str | JobOut, index: int) -> bytes:
        """One image as it was uploaded, while it is kept; of an array, as PNG."""
        return await self._run(self._flows.image(id_of(job), index))

    async def preview(self, job: str | JobOut, index: int) -> bytes:
        """A PNG of one image beside what the network saw, or with a box around each character."""
        return await self._run(self._flows.preview(id_of(job), index))

    async def export(
        self, job: str | JobOut, file: str | os.PathLike[str], **options: Unpack[ExportOptions]
    ) -> None:
        """Write a ZIP with a folder of images for each label, a data set to train on, to a file. By
        default it has the images that were corrected; the job must have been sent with keep_images."""
        await self._run(self._flows.export(id_of(job), file, options))

    async def events(self, job: str | JobOut, results: bool = True) -> AsyncIterator[Event]:
        """A job's events as they happen, until it is final: ProgressEvent, ResultEvent (each image once;
        only with `results`), CompletedEvent. A broken connection is resumed.
        """
        flow = follow(self._flows, id_of(job), results)
        reply: Reply | Heard = None
        async with aclosing(AsyncEventConnection(self._http)) as connection:
            while (step := advance(flow, reply)) is not None:
                reply = None
                if isinstance(step, Listen):
                    reply = await connection.open(step.call)
                elif isinstance(step, Next):
                    reply = await connection.next()
                elif isinstance(step, Call | Pause):
                    reply = await self._carry_out(step)
                else:
                    yield step

    async def jobs(self, state: JobState | None = None) -> AsyncIterator[JobOut]:
        """All jobs, newest first."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._run(self._flows.jobs(cursor or None, state))
            for job in page.data:
                yield job
            cursor = page.next_cursor

    async def cancel(self, job: str | JobOut) -> JobOut:
        """Cancel a job: no further image is read; results stay."""
        return await self._run(self._flows.cancel(id_of(job)))

    async def retry(self, job: str | JobOut) -> JobOut:
        """Submit the images that failed as a new job: one, however often this has to be sent."""
        return await self._run(self._flows.retry(id_of(job)))

    async def correct(
        self, job: str | JobOut, labels: Mapping[int, str | None], *, overwrite: bool = True
    ) -> dict[int, str]:
        """Store a person's labels of images by index, for a page its text; None withdraws one. Without
        `overwrite`, images that have another label keep it, and these labels are returned."""
        return await self._run(self._flows.correct(id_of(job), labels, overwrite))

    async def delete(self, job: str | JobOut) -> None:
        """Delete a finished job and everything that belongs to it."""
        await self._run(self._flows.delete(id_of(job)))

    async def models(self) -> list[ModelOut]:
        """The models that can read images: what they read, and how well."""
        return await self._run(self._flows.models())

    async def queue(self) -> QueueOut:
        """The backlog, the workers, and how many workers there should be."""
        return await self._run(self._flows.queue())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as end:
                result: T = end.value
                return result
            reply = await self._carry_out(step)

    async def _carry_out(self, call: Call | Pause) -> Reply:
        if isinstance(call, Pause):
            await anyio.sleep(call.seconds)
            return None
        body = _blocks(call.upload) if call.upload else call.json
        try:
            async with self._http.stream(content=body, **call.arguments()) as response:
                if call.file and is_answer(response):
                    with call.file.open("wb") as file:
                        async for block in response.aiter_bytes():
                            file.write(block)
                else:
                    await response.aread()
                return response
        except httpx.RequestError as error:
            return error


async def _blocks(upload: Upload) -> AsyncIterator[bytes]:
    """The body, read without a thread: its file is local, so reading a block takes little time."""
    for block in upload.blocks():
        yield block
