"""`inkqueue webhooks`: who is notified when a job ends, and what was sent."""

import sys
from typing import Annotated

import typer

from worker.webhooks.events import Event

from ..client.settings import DEFAULT_URL
from ..schemas.webhooks import DeliveryOut
from .console import Commands, notes
from .options import ApiKey, JobId, Url, connect
from .output import write_table

app = typer.Typer(
    cls=Commands, help="Who is notified when a job ends, and what was sent.", no_args_is_help=True
)

HookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="an endpoint's id")]


@app.command()
def add(
    receiver: Annotated[str, typer.Argument(metavar="RECEIVER", help="the URL to notify")],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    event: Annotated[list[Event] | None, typer.Option(help="only these; may be repeated")] = None,
    description: Annotated[str, typer.Option(help="a note for yourself")] = "",
) -> None:
    """Register a receiver; print its id and its secret, which is shown only this once."""
    with connect(url, api_key) as client:
        made = client.webhooks.create(receiver, event, description)
    notes.print(f"Keep the secret of {made.id} where messages are verified; it is not shown again.")
    typer.echo(f"{made.id} {made.secret}")


@app.command("list")
def list_(url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List the endpoints."""
    with connect(url, api_key) as client:
        found = client.webhooks.list()
    rows = (
        (each.id, each.url, ",".join(each.events), each.disabled_reason or "enabled") for each in found
    )
    write_table([("webhook", "url", "events", "state"), *rows], sys.stdout)


@app.command()
def enable(webhook: HookId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Send again to an endpoint that was disabled."""
    with connect(url, api_key) as client:
        client.webhooks.update(webhook, enabled=True)
    notes.print(f"{webhook} is enabled")


@app.command()
def secret(
    webhook: Annotated[str, typer.Argument(help="an endpoint's id, or `callback`")] = "callback",
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="seconds for which the old secret signs, too")
    ] = None,
) -> None:
    """Make a new secret, by default that of all callback_urls, and print it: it is not shown again."""
    with connect(url, api_key) as client:
        typer.echo(client.webhooks.rotate_secret(webhook, overlap).secret)


@app.command()
def delete(webhook: HookId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Delete an endpoint."""
    with connect(url, api_key) as client:
        client.webhooks.delete(webhook)
    notes.print(f"{webhook} is deleted")


@app.command()
def deliveries(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """List what was sent about a job, and how the last attempt went."""
    with connect(url, api_key) as client:
        found = client.webhooks.deliveries(job)
    headings = ("delivery", "webhook", "event", "state", "attempts", "last")
    write_table([headings, *map(_row, found)], sys.stdout)


@app.command()
def redeliver(
    job: JobId,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="its webhook-id")],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Send a delivery again at once."""
    with connect(url, api_key) as client:
        client.webhooks.redeliver(job, delivery)
    notes.print(f"{delivery} is sent again")


def _row(delivery: DeliveryOut) -> tuple[object, ...]:
    last = delivery.attempts[-1] if delivery.attempts else None
    said = (last.status or last.error) if last else ""
    tried = len(delivery.attempts)
    return delivery.id, delivery.webhook_id, delivery.type, delivery.state, tried, said
