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
from .calls import Call, Flow, M, ask, read_as
from .flows import id_of, path_of
from .retries import RetryPolicy

PATH = "/v1/webhooks"


class WebhookFlows:
    """What can be done with webhooks, as flows."""

    def __init__(self, retries: RetryPolicy) -> None:
        self._retries = retries

    def create(self, url: str, events: Sequence[Event] | None, description: str) -> Flow[RegisteredOut]:
        given = {"url": url, "description": description} | ({"events": events} if events else {})
        return self._ask(RegisteredOut, "POST", PATH, given, repeatable=False)

    def list(self) -> Flow[Sequence[WebhookOut]]:
        page = yield from self._ask(WebhookPage, "GET", PATH)
        return page.data

    def update(self, webhook: str, changes: dict[str, Any]) -> Flow[WebhookOut]:
        return self._ask(WebhookOut, "PATCH", _path(webhook), changes)

    def rotate_secret(self, webhook: str, overlap_s: int | None) -> Flow[SecretOut]:
        params = {} if overlap_s is None else {"overlap": str(overlap_s)}
        call = Call("POST", f"{_path(webhook)}/secret", params, repeatable=False)
        return read_as(SecretOut, (yield from ask(call, self._retries)))

    def delete(self, webhook: str) -> Flow[None]:
        yield from ask(Call("DELETE", _path(webhook), repeatable=False), self._retries)

    def deliveries(self, job: str | JobOut) -> Flow[Sequence[DeliveryOut]]:
        page = yield from self._ask(DeliveryPage, "GET", _deliveries(job))
        return page.data

    def deliveries_to(self, webhook: str, limit: int | None) -> Flow[Sequence[DeliveryOut]]:
        params = {} if limit is None else {"limit": str(limit)}
        call = Call("GET", f"{_path(webhook)}/deliveries", params)
        return read_as(DeliveryPage, (yield from ask(call, self._retries))).data

    def redeliver(self, job: str | JobOut, delivery: str) -> Flow[DeliveryOut]:
        path = f"{_deliveries(job)}/{quote(delivery, safe='')}/redeliver"
        return self._ask(DeliveryOut, "POST", path, repeatable=False)

    def _ask(
        self,
        shape: type[M],
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        repeatable: bool = True,
    ) -> Flow[M]:
        json = None if body is None else orjson.dumps(body)
        call = Call(method, path, repeatable=repeatable, json=json)
        return read_as(shape, (yield from ask(call, self._retries)))


def _path(webhook: str) -> str:
    return f"{PATH}/{quote(webhook, safe='')}"


def _deliveries(job: str | JobOut) -> str:
    return f"{path_of(id_of(job))}/deliveries"
