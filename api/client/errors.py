"""The errors that the client raises.

* InkqueueError
  x ProblemError     the gateway refused, and said why (RFC 9457)
  x Unreachable      no answer came, or none that makes sense
  x WaitTimeout      the job is not final yet
  x FileChanged      a file became shorter or longer while it was sent
  x BadCall          it cannot be asked like this; nothing was sent (a ValueError, too)
"""

from collections.abc import Mapping
from typing import Any, Self

import httpx

from ..schemas.jobs import ItemOut, JobOut

MEMBERS = ("type", "title", "status", "detail")


class InkqueueError(Exception):
    """The base of all errors of the client."""


class ProblemError(InkqueueError):
    """A refusal. `type` is one of /problems/..., `extra` holds all further members of the problem."""

    def __init__(
        self, status: int, type: str, title: str, detail: str, extra: Mapping[str, Any] | None = None
    ) -> None:
        self.status, self.type, self.title, self.detail = status, type, title, detail
        self.extra = dict(extra or {})
        super().__init__(f"{title}: {detail}" if detail else title)

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """The problem in an answer; any other answer, such as a proxy's, is turned into one."""
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            body = {}
        title = f"{response.status_code} {response.reason_phrase}"
        return cls.read({"title": title, **body, "status": response.status_code})

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """The problem with these members."""
        return cls(
            int(body["status"]),
            str(body.get("type", "about:blank")),
            str(body.get("title", "")),
            str(body.get("detail", "")),
            {key: value for key, value in body.items() if key not in MEMBERS},
        )

    @classmethod
    def of_item(cls, item: ItemOut) -> Self:
        """Why one image was not read, as the problem that a prediction of it would get."""
        if error := item.error:
            return cls(422, f"/problems/{error.type}", "The image cannot be read", error.detail)
        return cls(409, "/problems/item-pending", "The image has not been read", f"It is {item.status}.")


class Unreachable(InkqueueError):
    """There is no gateway at this address, or it stopped answering."""


class WaitTimeout(InkqueueError):
    """The time to wait is over; `job` is as it was last seen, and is still being read."""

    def __init__(self, job: JobOut) -> None:
        self.job = job
        super().__init__(f"{job.id} is still {job.state}")


class BadCall(InkqueueError, ValueError):
    """An argument is of no use; nothing was sent."""


class FileChanged(InkqueueError):
    """A file became shorter or longer while it was sent: no job was made of it."""
