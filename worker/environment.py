"""All INKQUEUE_ variables that any process reads: any other one must be a typing error.

`inkqueue up` refuses to start with one. A gateway, worker or sender on its own only warns: its
environment may have been written for another version. `python -m worker.environment` names all such.
"""

import os
import re
from difflib import get_close_matches
from logging import Logger

from .settings import PREFIX, SenderSettings, WorkerSettings

GATEWAY = """
ALLOWED_HOSTS ALLOW_ANONYMOUS API_KEYS API_KEYS_FILE BODY_S CHUNK_BYTES CHUNK_GLYPHS CHUNK_IMAGES DRAIN_S
EXPIRES_IN HEAD_S HEARTBEAT_FD HOST INTERACTIVE_IMAGES KEEP_ALIVE_S MAX_BODY_BYTES MAX_CONNECTIONS
MAX_CONNECTIONS_PER_ADDRESS MAX_EXPIRES_IN MAX_FORM_FILES MAX_HEADERS MAX_HEADER_BYTES MAX_IMAGES
MAX_IMAGE_BYTES MAX_JSON_BYTES MAX_JSON_HELD MAX_OPEN MAX_PIPELINED MAX_QUEUED MAX_RATIO MAX_STREAMS
MAX_TIFF_PAGES MAX_UNPACKED_BYTES MAX_URL_BYTES MAX_WAIT MAX_WEBHOOKS MAX_WORKERS MAX_ZIP_ENTRIES
MEMORY_MARK MIN_RATE MIN_WORKERS PING_S PORT PREDICTION_WAIT PUBLISHED QUOTAS QUOTA_BURST QUOTA_BYTES
QUOTA_QUEUED QUOTA_REQUESTS QUOTA_STREAMS REDIS_MEMORY SHARE_PORT TRUSTED_PROXIES UNREAD_S WINDOW
"""
"""What api/settings.py, which must not be imported here, has beyond worker/settings.py."""

OTHERS = """
URL API_KEY WEIGHTS FAILPOINTS
BIND EXTRA FOLDER GRAFANA_PASSWORD GRAFANA_PORT PROMETHEUS_PORT API_MEM_LIMIT REDIS_MEM_LIMIT
WORKER_MEM_LIMIT REDIS_ACL REDIS_MAXMEMORY REDIS_PASSWORD BROKER_PASSWORD GATEWAY_PASSWORD
SENDER_PASSWORD WORKER_PASSWORD
"""
"""Those of clients, of networks and of tests; then those that only docker compose reads."""

KNOWN = {name: PREFIX + name for name in (GATEWAY + OTHERS).split()} | {
    name.upper(): str(field.validation_alias or PREFIX + name.upper())
    for settings in (SenderSettings, WorkerSettings)
    for name, field in settings.model_fields.items()
}
"""Every variable by its name without the prefix."""

_SERVICE = re.compile(rf"{PREFIX}\w+_(SERVICE_(HOST|PORT)\w*|PORT(_\d+_(TCP|UDP)\w*)?)")
"""Variables that Kubernetes sets in every pod for a service that is called inkqueue-something."""


def unknown_settings() -> list[str]:
    """A sentence for every variable that nobody reads."""
    ours = [name for name in os.environ if name.upper().startswith(PREFIX)]
    known = KNOWN.values()
    return [_sentence(name) for name in ours if not (name.upper() in known or _SERVICE.fullmatch(name))]


def warn_of_unknown_settings(log: Logger) -> None:
    """Log a warning for each of them."""
    for sentence in unknown_settings():
        log.warning(sentence, extra={"event": "setting.unknown"})


def _sentence(name: str) -> str:
    near = get_close_matches(name.upper().removeprefix(PREFIX), KNOWN, 1)
    return f"{name}: no such setting" + "".join(f"; did you mean {KNOWN[each]}?" for each in near)


if __name__ == "__main__":
    raise SystemExit("\n".join(unknown_settings()) or None)
