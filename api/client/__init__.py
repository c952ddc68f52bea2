"""The Python client: Client blocks, AsyncClient is asynchronous; they do the same.

    with Client("http://127.0.0.1:8000") as client:
        job = client.wait(client.submit("scans/"))
        for item in client.results(job):
            print(item.name, item.label)

Whatever goes wrong with a call is an InkqueueError; where there is no image to send, it is NoImages.
"""

from model.folders import NoImages

from ..schemas.events import CompletedEvent, Event, ProgressEvent, ResultEvent
from .asynchronous import AsyncClient
from .errors import BadCall, FileChanged, InkqueueError, ProblemError, Unreachable, WaitTimeout
from .flows import ExportOptions, Options
from .retries import RetryPolicy
from .synchronous import Client
from .uploads import What

__all__ = [
    "AsyncClient",
    "BadCall",
    "Client",
    "CompletedEvent",
    "Event",
    "ExportOptions",
    "FileChanged",
    "InkqueueError",
    "NoImages",
    "Options",
    "ProblemError",
    "ProgressEvent",
    "ResultEvent",
    "RetryPolicy",
    "Unreachable",
    "WaitTimeout",
    "What",
]
