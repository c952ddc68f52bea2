"""The Celery message that wakes a worker or a sender: "something is due". Anonymous, without work in it.

Built once for each queue and pushed by Lua, so that a submission rings in the call that stores it. The
form is Celery's message protocol 2 in kombu's Redis envelope; `@TAG@` is replaced by a number.
"""

import base64
import json
from functools import cache
from typing import Any

TASK = "drain"
SENDER_TASK = SENDER_QUEUE = "webhooks"
TAG = "@TAG@"


def queue(model: str) -> str:
    """The Celery queue of a model's doorbells."""
    return f"drain.{model}"


@cache
def message(model: str) -> bytes:
    """A doorbell for `model`."""
    return _message(TASK, queue(model), [model])


@cache
def sender_message() -> bytes:
    """A doorbell for the senders of webhooks."""
    return _message(SENDER_TASK, SENDER_QUEUE, [])


def is_doorbell(message: Any) -> bool:
    """Whether a message in kombu's envelope is a doorbell of any version; Celery would act on others."""
    try:
        arguments, named, linked = json.loads(base64.b64decode(message["body"], validate=True))
        headers, properties = message["headers"], message["properties"]
        texts = [*arguments, message["body"], headers["id"], properties["delivery_tag"]]
        unset = [*linked.values(), *map(headers.get, ("eta", "expires", "compression", "group"))]
        return (
            message["content-type"] == "application/json"
            and headers["task"] in (TASK, SENDER_TASK)
            and headers["timelimit"] == [None, None]
            and (type(arguments), named) == (list, {})
            and all(isinstance(text, str) for text in texts)
            and not any(unset)
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return False


def _message(task: str, queue: str, arguments: list[str]) -> bytes:
    body = [arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    envelope = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": TAG,
            "root_id": TAG,
            "parent_id": None,
            "group": None,
            "retries": 0,
            "eta": None,
            "expires": None,
            "timelimit": [None, None],
            "ignore_result": True,
            "argsrepr": repr(tuple(arguments)),
            "kwargsrepr": "{}",
            "origin": "inkqueue",
        },
        "properties": {
            "correlation_id": TAG,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": TAG,
        },
    }
    return json.dumps(envelope).encode()
