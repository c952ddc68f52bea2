"""Every command of a life, failed in every way, one at a time: lists the cases, and runs one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .evidence import Accepted, Evidence, Inbox, Reading
from .faults import REFUSALS, Cut, Fault, Hang, Nth, Plan, Recorder
from .invariants import violations
from .life import Life
from .look import System
from .rig import GATEWAY, Rig
from receivers import Receiver

BACKGROUND = {(GATEWAY, name) for name in ("EVALSHA upkeep", "SUBSCRIBE", "HGET ink:stats")}
"""Commands that come at times of their own, and not at a fixed place in the life."""

NEVER_REFUSED = ("CLIENT", "HELLO", "SCRIPT", "MULTI", "EXEC")
"""Commands whose names begin like this are answered by Redis in any state."""


@dataclass(frozen=True)
class Case:
    """One fault: at the `nth` command called `name` that a process sends."""

    process: str
    name: str
    nth: int
    fault: Fault

    def __str__(self) -> str:
        return f"{self.process}: {self.name} #{self.nth} {self.fault}"


@dataclass(frozen=True)
class Outcome:
    """What came of a case. If it was not `struck`, its command was never sent."""

    case: Case
    struck: bool
    violations: Sequence[str]


class Loop:
    """Lives the same life over and over on one rig; first without a fault, to know what to expect."""

    def __init__(self, rig: Rig, receiver: Receiver, images: list[bytes]) -> None:
        self._rig, self._receiver, self._images = rig, receiver, images
        self._expected: dict[str, list[Reading]] = {}
        self._states: dict[str, str] = {}
        recorders = {process: Recorder() for process in rig.proxies}
        if wrong := self._live(recorders):
            raise AssertionError(wrong)
        self.names = {process: recorder.names for process, recorder in recorders.items()}

    def cases(self) -> list[Case]:
        """Every command cut in every place, and the first of each kind also hung and refused."""
        found = []
        for process, names in self.names.items():
            counts: Counter[str] = Counter()
            for name in names:
                counts[name] += 1
                faults: list[Fault] = list(Cut)
                if counts[name] == 1:
                    faults += [*Hang, *(() if name.startswith(NEVER_REFUSED) else REFUSALS)]
                if (process, name) not in BACKGROUND:
                    found += [Case(process, name, counts[name], fault) for fault in faults]
        return found

    def run(self, case: Case) -> Outcome:
        """Live the life again, with this fault."""
        plan = Nth(case.name, case.nth, case.fault)
        try:
            wrong = self._live({case.process: plan})
        except AssertionError as error:
            wrong = [f"stuck: {error}"]
        return Outcome(case, plan.struck.is_set(), wrong)

    def _live(self, plans: Mapping[str, Plan]) -> list[str]:
        """Live a life under these plans; return what was wrong with it."""
        self._rig.begin()
        self._receiver.messages.clear()
        for process, plan in plans.items():
            self._rig.proxies[process].plan = plan
        life = Life(self._rig, self._receiver, self._images)
        life.live()
        self._remember(life)
        wrong = self._judge(life)
        life.bury()
        at_end = Evidence((), answers=_answers(life), whole=False)
        return wrong + violations(self._system, at_end)

    def _remember(self, life: Life) -> None:
        """Note the results and states of the first life, which every other one should have."""
        if not self._states:
            self._states = dict(life.memory.states)
            for name, rows in life.memory.results.items():
                self._expected[name] = [Reading.of(each) for each in rows]

    @property
    def _system(self) -> System:
        return System(self._rig.redis_url, [str(self._rig.http.base_url)])

    def _judge(self, life: Life) -> list[str]:
        memory = life.memory
        accepted = [
            Accepted(memory.ids[name], expected, canceled=self._states[name] == "canceled")
            for name, expected in self._expected.items()
        ]
        sent = [(message.headers, message.body) for message in self._receiver.messages]
        inbox = Inbox("anonymous", memory.secret, sent)
        wrong = violations(self._system, Evidence(accepted, inboxes=[inbox]))
        if memory.states != self._states:
            wrong.append(f"ended: {memory.states} and not {self._states}")
        unplanned = [told for told in life.caller.told if not told.planned]
        return wrong + [f"unplanned: {told}" for told in unplanned]


def _answers(life: Life) -> Mapping[tuple[int, str, bool], int]:
    return Counter(
        (told.status, told.kind.removeprefix("/problems/"), told.retry_after is not None)
        for told in life.caller.told
    )
