"""Options of the commands of `inkqueue keys`, checked as they are parsed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..auth.credentials import SCOPES, read_owner, read_scopes, read_until


def _checked(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _read_end(text: str) -> datetime:
    """The end of a key, which must lie in the future. Raises ValueError."""
    if (end := read_until(text)) <= datetime.now(UTC):
        raise ValueError(f"{text} is past, and the key would never be valid")
    return end


FILE = "INKQUEUE_API_KEYS_FILE"
File = Annotated[
    Path | None,
    typer.Option(envvar=FILE, dir_okay=False, help="the gateway's file of keys"),
]
Owner = Annotated[
    str | None,
    typer.Option(
        parser=_checked(read_owner),
        metavar="NAME",
        help="who owns it; by default the key is its own owner",
    ),
]
Scopes = Annotated[
    Any,
    typer.Option(
        parser=_checked(read_scopes),
        metavar="SCOPE,...",
        help="what it may be used for, by default everything: "
        + "; ".join(f"{name}: {meaning}" for name, meaning in SCOPES.items()),
    ),
]
Until = Annotated[
    Any,
    typer.Option(
        parser=_checked(_read_end), metavar="DATE", help="its last day, or 2027-01-31T12:00:00Z (UTC)"
    ),
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="the eight characters after ink_")]
