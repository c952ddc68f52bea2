"""The gateway's access log: uvicorn's lines, without possible secrets, and with fields to search by.

A query may hold a caller's metadata or URLs, so it is left out. Successful health checks are logged only
at the level `debug`.
"""

import logging
import re

WATCHED = ("/healthz", "/readyz", "/metrics")
_JOB = re.compile(r"^/v1/jobs/([A-Za-z0-9_-]{1,64})(?:/|$)")


class AccessLogFilter(logging.Filter):
    """Turns a record of `uvicorn.access` into one of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, target, _, status = record.args
            path = str(target).partition("?")[0]
            record.msg, record.args = "%s %s %s", (method, path, status)
            facts = {"event": "request", "client": client, "method": method, "path": path}
            record.__dict__.update(facts | {"status": status})
            if found := _JOB.match(path):
                record.__dict__["job"] = found[1]
            if path in WATCHED and status == 200:
                return logging.getLogger().isEnabledFor(logging.DEBUG)
        return True
