"""What a client can do with webhooks, as flows (see calls)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson

from worker.webhooks.events import Event

from ..schemas.jobs import JobOut
from ..schemas.webhooks import (
    DeliveryOut,
    DeliveryPage,
    RegisteredOut,
    SecretOut,
    WebhookOut,
    WebhookPage,
)
from .calls import Call, Flow, M, ask, ask_as
from .flows import id_of, path_of
from .retries import RetryPolicy

PATH = "/v1/webhooks"


class WebhookFlows:
    """What can be done with webhooks, as flows."""

    def __init__(self, retries: RetryPolicy) -> None:
        self._retries = retries

    def create(self, url: str, events: Sequence[Event] | None, description: str) -> Flow[RegisteredOut]:
        given = {"url": url, "description": description} | ({"events": events} if events else {})
        call = Call("POST", PATH, repeatable=False, json=orjson.dumps(given))
        return self._ask_as(RegisteredOut, call)

    def list(self) -> Flow[Sequence[WebhookOut]]:
        return (yield from self._ask_as(WebhookPage, Call("GET", PATH))).data

    def update(self, webhook: str, changes: dict[str, Any]) -> Flow[WebhookOut]:
        return self._ask_as(WebhookOut, Call("PATCH", _path(webhook), json=orjson.dumps(changes)))

    def rotate_secret(self, webhook: str, overlap_s: int | None) -> Flow[SecretOut]:
        params = {} if overlap_s is None else {"overlap": str(overlap_s)}
        call = Call("POST", f"{_path(webhook)}/secret", params, repeatable=False)
        return self._ask_as(SecretOut, call)

    def delete(self, webhook: str) -> Flow[None]:
        yield from ask(Call("DELETE", _path(webhook), repeatable=False), self._retries)

    def deliveries(self, job: str | JobOut) -> Flow[Sequence[DeliveryOut]]:
        return (yield from self._ask_as(DeliveryPage, Call("GET", _deliveries(job)))).data

    def deliveries_to(self, webhook: str, limit: int | None) -> Flow[Sequence[DeliveryOut]]:
        params = {} if limit is None else {"limit": str(limit)}
        call = Call("GET", f"{_path(webhook)}/deliveries", params)
        return (yield from self._ask_as(DeliveryPage, call)).data

    def redeliver(self, job: str | JobOut, delivery: str) -> Flow[DeliveryOut]:
        path = f"{_deliveries(job)}/{quote(delivery, safe='')}/redeliver"
        return self._ask_as(DeliveryOut, Call("POST", path, repeatable=False))

    def _ask_as(self, shape: type[M], call: Call) -> Flow[M]:
        return ask_as(shape, call, self._retries)


def _path(webhook: str) -> str:
    return f"{PATH}/{quote(webhook, safe='')}"


def _deliveries(job: str | JobOut) -> str:
    return f"{path_of(id_of(job))}/deliveries"
