"""The file of API keys as `inkqueue keys` edits it: whole or not at all, by one editor at a time."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .credentials import BadKeys, Credential, read_credentials

Known = Mapping[str, Credential]
Change = Callable[[Credential], tuple[Credential, ...]]
"""What takes the place of a key: itself, changed or not, others beside it, or nothing."""


def read_text(path: Path) -> str:
    """What is in a file of keys. Raises BadKeys."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise BadKeys(f"{path}: it is no regular file")
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadKeys(f"{path}: {why}") from None


def read_keyfile(path: Path) -> Known:
    """The keys in a file by id; none if there is no file. Raises BadKeys."""
    return read_credentials(read_text(path) if path.exists() else "", str(path))


def add_key(path: Path, key: Credential) -> None:
    """Write a key to the end of a file, which is made if there is none. Raises BadKeys."""
    with _editing(path) as lines:
        lines.append(key.line())


def change_key(path: Path, key_id: str, change: Change) -> None:
    """Put what `change` answers in the place of a key; all other lines stay. Raises BadKeys."""
    with _editing(path) as lines:
        if key_id not in read_keyfile(path):
            raise BadKeys(f"{path} has no key {key_id}; `inkqueue keys list` shows all")
        lines[:] = [new for line in lines for new in _changed(line, key_id, change)]


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
    """The lines of a file, to be changed in place; written if they are keys."""
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
    """Put a new file in the place of the old one, readable for the same people."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w") as file:
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
