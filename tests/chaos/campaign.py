"""A campaign: clients send while strikes fall, until all is sent and enough was struck; then the
result is judged. Its ledger says what was done, what came of it, and what is broken.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from api.client import Client

from .clients import Caller, quiet_run
from .evidence import Evidence, Inbox
from .figures import Run, figures_of, promises_broken
from .invariants import violations
from .look import System, settle
from .notes import Notes
from .stage import Stage, standing
from .stock import Pool, Quota
from .storm import Storm, Terms, Toll
from receivers import Receiver, running_receiver
from samples import glyphs

DISTINCT = 1000
"""Distinct images; each job is made of some of them."""


@dataclass(frozen=True)
class Ledger:
    """The campaign in figures, and what is broken."""

    figures: dict[str, Any]
    broken: list[str]


def run(terms: Terms, watch: Callable[[Toll, Quota, Notes], None]) -> Ledger:
    """The whole campaign; `watch` is called now and then while it runs."""
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        standing(Path(folder) / "stage", terms.cast) as stage,
        running_receiver() as receiver,
    ):
        return Campaign(terms, stage, receiver).run(watch)


class Campaign:
    """One run on a running stage."""

    def __init__(self, terms: Terms, stage: Stage, receiver: Receiver) -> None:
        self._terms, self._stage, self._receiver = terms, stage, receiver
        self._toll, self._notes = Toll(), Notes(stage.redis_url)
        ahead = max(4 * terms.bulk[1], terms.images // 10)
        share = lambda: self._toll.share(terms.intensity)  # noqa: E731
        self._quota = Quota(terms.images, ahead, share)

    def run(self, watch: Callable[[Toll, Quota, Notes], None]) -> Ledger:
        """The quiet run first, then the storm, then the judgement."""
        owner, key = next(iter(self._stage.owners.items()))
        with Client(self._stage.urls[0], key) as client:
            secret = client.webhooks.create(self._receiver.url).secret
        images = glyphs(DISTINCT, np.random.default_rng(self._terms.seed))
        pool, quiet = quiet_run(self._stage.urls[0], key, owner, self._terms.cast.model, images)
        self._notes.accept(quiet, "quiet jobs")
        began = time.monotonic()
        with self._storm():
            callers = self._call(pool)
            late = self._watch(callers, watch)
        fire_s = time.monotonic() - began
        broken = [f"client: {each} is not done after {self._terms.limit_s:.0f} s" for each in late]
        broken += self._settle()
        whole_s = time.monotonic() - began
        broken += self._notes.complaints + self._judge(Inbox(owner, secret, self._heard()), not late)
        left = (self._terms, self._stage, self._toll, self._quota, self._notes)
        figures = figures_of(Run(*left, len(self._receiver.messages), fire_s, whole_s))
        return Ledger(figures, broken + promises_broken(figures, self._terms))

    @contextmanager
    def _storm(self) -> Iterator[None]:
        storm = Storm(self._stage, self._terms, self._toll, self._quota)
        storm.start()
        try:
            yield
        finally:
            storm.calm()
            self._notes.complaints += storm.failures

    def _call(self, pool: Pool) -> list[Caller]:
        owners = list(self._stage.owners.items())
        callers = [
            Caller(
                number,
                self._terms,
                self._stage.urls[number // len(owners) % len(self._stage.urls)],
                *owners[number % len(owners)],
                pool,
                self._quota,
                self._notes,
            )
            for number in range(self._terms.clients)
        ]
        for caller in callers:
            caller.start()
        return callers

    def _watch(self, callers: list[Caller], watch: Callable[[Toll, Quota, Notes], None]) -> list[str]:
        """Wait until all callers are done and enough was struck; return the callers that are not
        done."""
        end = time.monotonic() + self._terms.limit_s
        while time.monotonic() < end:
            watch(self._toll, self._quota, self._notes)
            alive = [caller.name for caller in callers if caller.is_alive()]
            if not alive and self._toll.suffices(self._terms.intensity):
                return []
            time.sleep(0.2)
        self._quota.off.set()
        return alive

    def _settle(self) -> list[str]:
        try:
            self._stage.warden.wait_ready(60)
        except TimeoutError as error:
            return [f"lost: a minute after the storm: {error}"]
        return []

    def _heard(self) -> list[tuple[dict[str, str], bytes]]:
        """The webhooks that were received, once all are sent."""
        with self._stage.client() as client:
            settle(client, self._notes.accepted, 60, outbox=True)
        return [(each.headers, each.body) for each in list(self._receiver.messages)]

    def _judge(self, inbox: Inbox, whole: bool) -> list[str]:
        stage = self._stage
        wards = (stage.store, *stage.gateways, *stage.workers, *stage.senders)
        system = System(
            stage.redis_url,
            stage.urls,
            stage.owners,
            [ward.pid for ward in wards],
            {ward.pid: ward.descriptors for ward in wards},
            stage.temporary,
        )
        notes = self._notes
        evidence = Evidence(
            notes.accepted, notes.answers.counted, notes.seen, notes.heard, [inbox], whole
        )
        return violations(system, evidence, wait_s=60)
