"""How every process of ours writes its log: lines for people, or JSON for machines (INKQUEUE_LOG).

The facts of a line are in its `extra`: `event`, `job`, `chunk`; those given to `bind` are in every line.
No line can forge another, and none shows a password in a URL, an API key or a signing secret.
"""

import logging
import os
import re
import sys
from typing import Any, NoReturn

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from .settings import QueueSettings

_PASSWORD = re.compile(r"(\w://)[^\s/]*@")
_SECRET = re.compile(r"(ink_[a-z0-9]{8}_|whsec_)[\w+/=-]{16,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_RESERVED = {*RESERVED_ATTRS, "event", "taskName", "color_message"}
_bound: dict[str, str] = {}


def configure(settings: QueueSettings, process: str) -> None:
    """Log to stderr as `settings` say; `process` is the kind of this one: gateway, worker, stack."""
    _bound.clear()
    bind(process=process)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log == "json" else TextLines())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore", "urllib3", "celery", "kombu", "amqp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def bind(**facts: str) -> None:
    """Add these facts to every line of this process."""
    _bound.update(facts)


def refuse(process: str, reason: object) -> NoReturn:
    """End a process that cannot start, with a line on stderr that says why, even if its settings cannot
    be read."""
    if os.environ.get("INKQUEUE_LOG") != "json":
        raise SystemExit(_escaped(f"{process}: {reason}"))
    bind(process=process)
    record = logging.makeLogRecord({"name": "inkqueue", "levelname": "ERROR", "msg": str(reason)})
    record.event = "refused"
    raise SystemExit(JsonLines().format(record))


class JsonLines(JsonFormatter):
    """One JSON object a line: time, level, logger, event, message, and its facts."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            reserved_attrs=sorted(_RESERVED - {"event"}),
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields of a line, in the order in which people look at them."""
        known = {"time": log_data.pop("time"), "level": log_data.pop("level")}
        rest = {"event": "message", **_bound, **super().process_log_record(log_data)}
        return known | {key: _veiled(value) for key, value in rest.items()}


class TextLines(logging.Formatter):
    """Time, level, logger, message, `key=value` for facts not in it; tracebacks are indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        line = plain = super().formatMessage(record)
        for key, value in vars(record).items():
            if key not in _RESERVED and str(value) not in plain:
                line += f" {key}={value}"
        return _escaped(line)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {_escaped(line)}" for line in super().formatException(ei).split("\n"))


def _escaped(line: str) -> str:
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(_veiled(line)))


def _veiled(value: object) -> object:
    """The value without passwords in addresses, API keys (a path may hold one) and signing secrets."""
    if not isinstance(value, str):
        return value
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***@", value))
