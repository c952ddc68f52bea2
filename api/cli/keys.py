"""`inkqueue keys`: make, rotate, list and revoke API keys. A key is shown once and stored nowhere."""

import os
import shlex
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ..auth.credentials import SCOPES, Credential, read_credentials
from ..auth.keyfile import add_key, change_key, read_text
from ..settings import GatewaySettings
from .console import Commands, Refusal, notes
from .key_options import FILE, File, KeyId, Owner, Scopes, Until
from .output import write_table

app = typer.Typer(cls=Commands, help="API keys: make, rotate, list, revoke.")

DAY_S, MOST_S = 86_400, 3650 * 86_400


@app.callback(invoke_without_command=True)
def keys(context: typer.Context, file: File = None) -> None:
    """API keys: make (the default), rotate, list, revoke."""
    if context.invoked_subcommand is None:
        make(file=file)
    elif file:
        os.environ[FILE] = str(file)  # used by the command that follows unless it names a file itself


@app.command()
def make(owner: Owner = None, scopes: Scopes = None, until: Until = None, file: File = None) -> None:
    """Make a key. With --file the gateway accepts it within a second; else prints how to add it."""
    fields = {"scopes": scopes} if scopes else {}
    key, known = Credential.new(owner or "", until=until, **fields)
    if file:
        add_key(file, known, lambda: _show(key))
        _explain(f"{known.id} is in {file}; a gateway that reads it accepts the key within a second.")
        return
    _show(key)
    typer.echo(f"INKQUEUE_API_KEYS={shlex.quote(known.line())}")
    notes.print(
        "The first line is the caller's: `inkqueue` reads it from the environment, others send the key\n"
        "as `Authorization: Bearer ...`. The second is the gateway's: set it where `inkqueue up` or\n"
        "`python -m api` starts; several are separated by spaces, or are one a line in the file that\n"
        "INKQUEUE_API_KEYS_FILE names, which is read again when it changes."
    )


@app.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        int, typer.Option(min=0, max=MOST_S, help="seconds for which the old key is still valid")
    ] = DAY_S,
    until: Until = None,
    file: File = None,
) -> None:
    """Replace a key: make one with its owner, scopes and end; the old one expires after the overlap."""
    path, end = _required(file), datetime.now(UTC) + timedelta(seconds=overlap)
    key, new = Credential.new("")

    def replaced(old: Credential) -> tuple[Credential, ...]:
        if old.until and old.until <= end and not until:
            raise Refusal(
                f"{key_id} expires before the overlap is over; give the new one's end with --until"
            )
        return replace(old, until=min(end, old.until or end)), replace(
            old, id=new.id, sha256=new.sha256, until=until or old.until
        )

    change_key(path, key_id, replaced, lambda: _show(key))
    _explain(f"{key_id} is valid until {end:%Y-%m-%d %H:%M:%S} UTC at most; then only the new one.")


@app.command()
def revoke(key_id: KeyId, file: File = None) -> None:
    """Revoke a key: within a second it is refused. Its owner's jobs stay."""
    path = _required(file)
    change_key(path, key_id, lambda _: ())
    notes.print(f"{key_id} is no longer in {path}")


@app.command("list")
def list_(file: File = None) -> None:
    """List the keys of the file and of INKQUEUE_API_KEYS, without their secrets."""
    now = datetime.now(UTC)
    known = read_credentials(GatewaySettings().api_keys, "INKQUEUE_API_KEYS")
    if file:
        known |= read_credentials(read_text(file), str(file))
    rows = (
        (
            each.id,
            each.owner,
            ",".join(name for name in SCOPES if name in each.scopes),
            f"{each.until:%Y-%m-%d %H:%M:%S}" if each.until else "",
            "valid" if each.live(now) else "expired",
        )
        for each in known.values()
    )
    write_table([("key", "owner", "scopes", "until", "state"), *rows], sys.stdout)


def _required(file: Path | None) -> Path:
    if file is None:
        raise Refusal(
            "name the file of keys with --file or INKQUEUE_API_KEYS_FILE; those in"
            " INKQUEUE_API_KEYS can only be changed there, and are read at the gateway's next start"
        )
    return file


def _show(key: str) -> None:
    typer.echo(f"INKQUEUE_API_KEY={key}")


def _explain(words: str) -> None:
    notes.print(f"{words} The key is shown only this once.")
