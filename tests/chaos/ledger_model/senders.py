"""What owners of endpoints and senders of webhooks do: register, switch off, send, fail, die."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from worker.ledger import keys
from worker.webhooks.endpoints import Endpoints
from worker.webhooks.events import Event
from worker.webhooks.outbox import DeliveryClaim, Limits, Outbox, Outcome

from chaos.ledger_model.broken import require
from chaos.ledger_model.ground import SOME, Ground
from chaos.ledger_model.judging import name_letters
from chaos.ledger_model.letters import Hook, Letter
from chaos.ledger_model.model import LEASE_S
from chaos.ledger_model.sent import OWNERS
from chaos.ledger_model.snapshot import Snapshot

LIMITS = Limits(lease_ms=LEASE_S * 1000, per_endpoint=2, per_caller=3, attempts=3)
RETRY_S = 300
OUTCOMES = {"arrives": 200, "fails": 500, "is gone": 410}
HOWS = ("arrives", *OUTCOMES, "released", "dies", "off")
HOOKS = 3


class Senders(Ground):
    """Rules of webhooks."""

    def __init__(self) -> None:
        super().__init__()
        self.endpoints = Endpoints(self.server.asynchronous)
        self.outbox = Outbox(self.server.asynchronous, LIMITS)
        self.sending: list[DeliveryClaim] = []
        self.unsent: list[DeliveryClaim] = []

    @precondition(lambda self: self.model.jobs and len(self.model.hooks) < HOOKS)
    @rule(owner=st.sampled_from(OWNERS), events=st.sets(st.sampled_from(list(Event)), min_size=2))
    def listen(self, owner: str, events: set[Event]) -> None:
        """An owner registers an endpoint for some events."""
        self.did = "listen"
        self.register_for(owner, tuple(sorted(events)))

    def register_for(self, owner: str, events: tuple[Event, ...]) -> None:
        """Register an endpoint in both."""
        made = self.run(self.endpoints.create(owner, "https://example.org/", events, "", HOOKS))
        self.model.hooks.append(Hook(owner, made[0], events))

    @precondition(lambda self: self.model.letters)
    @rule(room=st.integers(1, 4), which=SOME, how=st.sampled_from(HOWS))
    def deliver(self, room: int, which: int, how: str) -> None:
        """A sender claims what is due; then something happens to a delivery that one has, or had."""
        self.sending += self.dispatch_for(room)
        self.did = f"webhook {how}"
        if how == "off":
            self._switch(self._hook(self.pick(self.model.letters, which)))
        elif how == "dies":
            self.unsent += self.sending
            self.sending.clear()
        elif self.sending:
            claim = self.pick(self.sending, which)
            self.sending.remove(claim)
            self.unsent.append(claim)
            self.conclude_for(claim, how)
        elif self.unsent:
            self.conclude_for(self.pick(self.unsent, which), how)

    def dispatch_for(self, room: int) -> list[DeliveryClaim]:
        """Claim letters: at most `room` of them, and none that another sender has."""
        name_letters(self.model, Snapshot.take(self.server.client))
        claims: list[DeliveryClaim] = self.run(self.outbox.claim(room))
        require(len(claims) <= room, "more webhooks than there was room for:", claims)
        known = {letter.id: letter for letter in self.model.letters}
        for claim in claims:
            letter = known[claim.id]
            due = letter.state == "pending" and letter.due <= self.model.now
            require(due, "a webhook was handed out that is not due:", letter)
            letter.token, letter.due, letter.tries = (
                claim.token,
                self.model.now + LEASE_S,
                letter.tries + 1,
            )
            require(claim.attempt == letter.tries, "attempts were miscounted:", claim, letter)
            self._hold_limits(letter)
        self._give_up()
        return claims

    def _hold_limits(self, letter: Letter) -> None:
        held = [one for one in self.model.letters if one.token and one.due > self.model.now]
        lane = sum(one.hook == letter.hook for one in held)
        require(lane <= LIMITS.per_endpoint, "a receiver has under way", lane)
        mine = sum(one.owner == letter.owner for one in held)
        require(mine <= LIMITS.per_caller, "an owner has under way", mine)

    def _give_up(self) -> None:
        """Judge and note what a dispatch gave up: letters tried too often, or to an endpoint that is
        off."""
        after = Snapshot.take(self.server.client)
        for letter in self.model.letters:
            stored = after.hash(keys.delivery(letter.id))
            if letter.state == "pending" and stored.get("state") == b"failed":
                due = letter.due <= self.model.now
                enabled = self._hook(letter).enabled
                why = not enabled or letter.tries >= LIMITS.attempts
                require(due and why, "a webhook was given up for nothing:", letter)
                letter.state, letter.token = "failed", None
                if enabled:
                    self._disable(letter, after)

    def _switch(self, hook: Hook) -> None:
        """An owner switches an endpoint off, or on."""
        hook.enabled = not hook.enabled
        self.run(self.endpoints.amend(hook.owner, hook.id, {"enabled": hook.enabled}))

    def conclude_for(self, claim: DeliveryClaim, how: str) -> None:
        """Tell both how an attempt went."""
        letter = next(one for one in self.model.letters if one.id == claim.id)
        expected = self._outcome(letter, claim, how)
        if how == "released":
            self.run(self.outbox.release(claim))
        else:
            outcome = Outcome(0.1, status=OUTCOMES[how])
            self.same("conclude", self.run(self.outbox.conclude(claim, outcome, RETRY_S)), expected)
        if letter.state == "failed" and expected == "failed" and self._hook(letter).enabled:
            self._disable(letter, Snapshot.take(self.server.client))

    def _outcome(self, letter: Letter, claim: DeliveryClaim, how: str) -> str:
        if letter.state != "pending":
            return "settled"
        if letter.token != claim.token and how != "arrives":
            return "lost"
        letter.token = None
        if how == "released":
            letter.tries, letter.due = letter.tries - 1, self.model.now
        elif how == "fails" and letter.tries < LIMITS.attempts:
            letter.due = self.model.now + RETRY_S
        else:
            letter.state = "delivered" if how == "arrives" else "failed"
        return letter.state

    def _disable(self, letter: Letter, after: Snapshot) -> None:
        """Note whether an endpoint was disabled with a letter (it is not if another one arrived
        there)."""
        stored: Any = after.hash(keys.hook(letter.owner, letter.hook))
        self._hook(letter).enabled = stored["enabled"] == b"1"

    def _hook(self, letter: Letter) -> Hook:
        return next(hook for hook in self.model.hooks if hook.id == letter.hook)

    def send_all(self) -> int:
        """Have whatever can be sent now arrive; return how many letters did, or were given up."""
        before = [letter.state for letter in self.model.letters]
        claims = self.dispatch_for(100) if "pending" in before else []
        for claim in claims:
            self.conclude_for(claim, "arrives")
        return sum(
            letter.state != state for letter, state in zip(self.model.letters, before, strict=True)
        )
