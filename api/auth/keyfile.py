"""The file of API keys, as `inkqueue keys` edits it: atomically, by one editor at a time."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .credentials import BadKeys, Credential, read_credentials

Change = Callable[[Credential], tuple[Credential, ...]]
"""What a key is replaced by: itself, changed or not, itself and others, or nothing."""


def read_text(path: Path) -> str:
    """The text of a file of keys. Raises BadKeys."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe would block
            raise BadKeys(f"{path}: it is no regular file")
        return path.read_text("utf-8-sig")  # some editors put a byte order mark before it
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text; save it as UTF-8"
        raise BadKeys(f"{path}: {why}") from None


def read_keyfile(path: Path) -> dict[str, Credential]:
    """The keys in a file by id; none if there is no file. Raises BadKeys."""
    return read_credentials(read_text(path) if path.exists() else "", str(path))


def add_key(path: Path, key: Credential, show: Callable[[], object] = lambda: None) -> None:
    """Append a key to a file, which is created if missing, once `show` has shown it. Raises BadKeys."""
    with _editing(path) as lines:
        lines.append(key.line())
        show()


def change_key(
    path: Path, key_id: str, change: Change, show: Callable[[], object] = lambda: None
) -> None:
    """Replace a key by what `change` returns, once `show` has shown that; all other lines stay. Raises
    BadKeys."""
    with _editing(path) as lines:
        if key_id not in read_keyfile(path):
            raise BadKeys(f"{path} has no key {key_id}; `inkqueue keys list` shows all")
        lines[:] = [new for line in lines for new in _changed(line, key_id, change)]
        show()


def _changed(line: str, key_id: str, change: Change) -> list[str]:
    known = read_credentials(line, "")
    if key_id not in known:
        return [line]
    _, sign, comment = line.partition("#")
    said = [
        each.line() for old in known.values() for each in (change(old) if old.id == key_id else (old,))
    ]
    return [*([sign + comment] if sign else []), *said]


@contextmanager
def _editing(path: Path) -> Iterator[list[str]]:
    """Yield the lines of a locked file, to be changed in place; write them back if they are valid."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        read_keyfile(path)
        lines = read_text(path).splitlines() if path.exists() else []
        yield lines
        text = "".join(f"{line}\n" for line in lines)
        read_credentials(text, str(path))
        _write(path, text)
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, text: str) -> None:
    """Replace the file atomically, keeping its permissions and, where permitted, its owner."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            if path.exists():
                old = path.stat()
                os.fchmod(file.fileno(), old.st_mode & 0o7777)
                with suppress(PermissionError):
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
