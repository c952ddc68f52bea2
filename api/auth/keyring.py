"""The valid keys: from the environment, and from a file that is read again when it changes."""

import hmac
import logging
import re
import time
from datetime import UTC, datetime
from pathlib import Path

from ..settings import GatewaySettings
from .credentials import BadKeys, Credential, digest, read_credentials
from .keyfile import read_text

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often the file is checked for changes."""

REMIND_S = 60.0
"""How often it is logged that a file cannot be read."""

_KEY = re.compile(r"ink_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
_NOBODY = Credential("", "0" * 64, "")


class Keyring:
    """True if keys are required. Emptying the file does not change that: it lets nobody in."""

    def __init__(self, settings: GatewaySettings) -> None:
        """Raises BadKeys."""
        self._fixed = read_credentials(settings.api_keys, "INKQUEUE_API_KEYS")
        self._path = settings.api_keys_file
        try:
            self._text = read_text(self._path) if self._path else ""
            self._known = self._with(self._text)
        except BadKeys as error:
            raise BadKeys(f"INKQUEUE_API_KEYS_FILE: {error}") from None
        self._look_at = time.monotonic() + LOOK_S
        self._remind_at = 0.0

    def __bool__(self) -> bool:
        return bool(self._known) or self._path is not None

    def find(self, key: str) -> Credential | None:
        """The credential of a valid key, else None. An unknown id takes as long as a known one."""
        if self._path and time.monotonic() >= self._look_at:
            self._look(self._path)
        match = _KEY.fullmatch(key)
        known = self._known.get(match[1] if match else "", _NOBODY)
        same = hmac.compare_digest(known.sha256, digest(key))
        return known if same and known.live(datetime.now(UTC)) else None

    def _look(self, path: Path) -> None:
        """Load the file if it changed. If it cannot be read, log that and keep the keys as they are."""
        now = time.monotonic()
        self._look_at = now + LOOK_S
        try:
            text = read_text(path)
            if text == self._text:
                return
            self._known = self._with(text)
        except BadKeys as error:
            if now >= self._remind_at:
                self._remind_at = now + REMIND_S
                log.error("the API keys stay as they were: %s", error, extra={"event": "keys.broken"})
            return
        self._text, self._remind_at = text, 0.0
        log.info("API keys read again", extra={"event": "keys.read", "keys": len(self._known)})

    def _with(self, text: str) -> dict[str, Credential]:
        more = read_credentials(text, str(self._path))
        if self._fixed.keys() & more.keys():
            raise BadKeys(f"{self._path}: an id is in INKQUEUE_API_KEYS, too")
        return self._fixed | more
