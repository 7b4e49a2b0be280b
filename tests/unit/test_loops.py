"""No history of answers makes more than so many calls an hour for one event.

One event is driven through `plan` and `Settler` as the pump does it, by an ERP that answers
anything in any order and as fast as it can.  Waits are the shortest that the back-off may draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import hypothesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sidecar.delivery.plan import plan
from sidecar.delivery.settle import Acknowledgement, Backoff, Doubt, Settler
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.events import Claimed, OpenEvent
from sidecar.ledger.journal import Attempt
from sidecar.ledger.settling import Ended, refused
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Conflict,
    Duplicate,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
    Unmapped,
    reference_key,
)
from sidecar.model.settlement import EventStatus, Settlement, Tolerances
from sidecar.ports import Capabilities, Link
from sidecar.testing.sample_order import simple_order

PENDING, SENDING, ACCEPTED, REJECTED, UNKNOWN, PARKED, SUPERSEDED = EventStatus
PLACED, UPDATED, CANCELED, *_ = SPEC.types
HOUR = 3600.0
#: With the back-off's defaults.  A batch of the adapter that is halved makes log2 of its size more.
MOST_CALLS = 150
ORDER = simple_order("000000042")
MINE = Booked(reference="SO-1", total=ORDER.grand_total)
OTHER = Booked(reference="SO-2", total=ORDER.grand_total)
FOREIGN = Booked(reference="SO-3", total=Decimal(1))
TAKES = frozenset(SPEC.types)
ASKS, DEDUPES, NEITHER = (
    Capabilities(TAKES, probe=True),
    Capabilities(TAKES, dedupe=True),
    Capabilities(TAKES),
)
#: An acceptance that names the document of another order.
STRANGER = "a stranger's document"

ANSWERS: list[Outcome | str] = [
    Accepted(booked=MINE),
    Accepted(booked=OTHER),
    STRANGER,
    Duplicate(reference="SO-1"),
    Duplicate(),
    Partial(booked=MINE, what="draft"),
    Rejected(message="no"),
    Retry(message="busy"),
    Retry(message="busy", after=0.0),
    Retry(message="no route", sent=False),
    Throttled(message="slowly"),
    Throttled(message="slowly", after=0.0),
    Conflict(message="412"),
    Unknown(message="no reference in the answer"),
    Unmapped(message="calls.yaml:1"),
]
FOUND: list[tuple[Booked, ...] | str] = [
    (), (), (MINE,), (OTHER,), (FOREIGN,), (MINE, OTHER), "not understood", "silent", "not reached",
    STRANGER,
]  # fmt: skip


@dataclass
class Life:
    """One event's row, and when the ERP was called for it."""

    can: Capabilities
    type: str
    link: Link | None
    status: EventStatus = PENDING
    due_at: float | None = 0.0
    now: float = 0.0
    attempts: int = 0
    questions: int = 0
    absent: bool = False
    maybe_booked: bool = False
    code: str | None = None
    first_sent_at: float | None = None
    sent_at: float | None = None
    calls: list[float] = field(default_factory=list)

    @property
    def settler(self) -> Settler:
        backoff = Backoff(5, 2, 1800, 48 * HOUR, draw=lambda least, _: least)
        doubt = Doubt(probe_after=2, trust_absence_after=60)
        return Settler(SPEC, backoff, doubt, Tolerances(), Acknowledgement(), self.can)

    def step(self, answer: Callable[[], Outcome | str], found: Callable[[], object]) -> bool:
        """One claim and its settlement; False when it is a person's turn, or all is over."""
        if self.due_at is None:
            return False
        self.now = max(self.now, self.due_at)
        chosen = plan(
            [self.open],
            SPEC,
            linked=bool(self.link and not self.link.ended),
            ended=bool(self.link and self.link.ended),
            subscriptions=TAKES,
        )
        if chosen.push:
            self.attempts += 1
            self.sent_at = self.now
            self.first_sent_at = self.first_sent_at or self.now
            self.settle(self.pushed(answer()))
        elif chosen.probe:
            self.settle(self.asked(found()))
        else:
            return False
        return True

    def pushed(self, answer: Outcome | str) -> Settlement:
        if answer == STRANGER:
            self.calls.append(self.now)
            return self.of_stranger("push")
        assert not isinstance(answer, str)
        if not (isinstance(answer, Unmapped) or (isinstance(answer, Retry) and not answer.sent)):
            self.calls.append(self.now)
        return self.settler.of_push(self.claimed, ORDER, answer, self.link)

    def asked(self, found: object) -> Settlement:
        if not self.can.probe:
            return self.settler.of_unaskable(self.claimed, ORDER, self.link)
        if found == "not reached":
            return self.settler.of_failed_probe(self.claimed, "no route", reached=False)
        self.calls.append(self.now)
        if found == STRANGER:
            return self.of_stranger("probe")
        if isinstance(found, str):
            return self.settler.of_failed_probe(self.claimed, found, reached=True)
        assert isinstance(found, tuple)
        return self.settler.of_probe(self.claimed, ORDER, found, self.link)

    def of_stranger(self, operation: str) -> Settlement:
        settlement = Settlement(ACCEPTED, booked=FOREIGN)
        attempt = Attempt(operation, "accepted", "")
        ended = Ended(self.claimed, ORDER, settlement, attempt, self.link, self.can.probe)
        return refused(ended, {7})

    def settle(self, end: Settlement) -> None:
        self.status, self.code, self.questions = end.status, end.code, end.questions
        self.type = end.becomes or self.type
        self.absent = end.absent or (self.absent and not end.maybe_booked)
        self.maybe_booked = end.maybe_booked
        self.attempts -= not end.counted
        if end.booked:
            self.link = Link(end.booked.reference, ended=end.ends)
        self.due_at = None if end.due_in is None else self.now + end.due_in

    def change_in_magento(self) -> bool:
        """As a module that saves the order over and over: what was refused is revived."""
        if self.status is not REJECTED:
            return False
        again = 0.0 if self.attempts < 3 else (self.sent_at or 0) + 60 * min(60, self.attempts)
        self.status, self.due_at, self.first_sent_at = PENDING, max(self.now, again), None
        return True

    @property
    def open(self) -> OpenEvent:
        return OpenEvent(
            id=1, entity_id=42, sequence=1, type=self.type, status=self.status,
            maybe_booked=self.maybe_booked, due=True, code=self.code, attempts=self.attempts,
            absent=self.absent,
        )  # fmt: skip

    @property
    def claimed(self) -> Claimed:
        former = {reference_key(self.link.reference)} if self.link and self.link.ended else ()
        return Claimed(
            id=1, event_id="main.order.42.1", domain="orders", kind="order", entity_id=42,
            number="000000042", sequence=1, type=self.type, payload="{}",
            amount=None, currency=None, occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
            attempts=self.attempts, fence=1, maybe_booked=self.maybe_booked,
            age=0.0 if self.first_sent_at is None else self.now - self.first_sent_at,
            since_sent=None if self.sent_at is None else self.now - self.sent_at,
            questions=self.questions, code=self.code, absent=self.absent,
            former=frozenset(former),
        )  # fmt: skip

    def most_in_an_hour(self) -> int:
        return max(
            (sum(start <= call < start + HOUR for call in self.calls) for start in self.calls),
            default=0,
        )


LINKS = st.sampled_from([None, Link("SO-1"), Link("SO-1", ended=True)])


@given(
    st.sampled_from([ASKS, DEDUPES, NEITHER]),
    st.sampled_from([PLACED, UPDATED, CANCELED]),
    LINKS,
    st.data(),
)
@settings(max_examples=300, deadline=None, phases=[Phase.generate, Phase.target])
def test_no_history_of_answers_is_a_loop(
    can: Capabilities, type_: str, link: Link | None, data: st.DataObject
) -> None:
    life = Life(can, type_, link)
    # A few answers, over and over, in a drawn order: that is what loops are made of.
    answers = data.draw(st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4))
    finds = data.draw(st.lists(st.sampled_from(FOUND), min_size=1, max_size=4))
    turns = 0

    def answer() -> Outcome | str:
        return answers[turns % len(answers)]

    def found() -> object:
        return finds[turns % len(finds)]

    while life.now < 3 * HOUR and (life.step(answer, found) or life.change_in_magento()):
        turns += 1
        assert turns < 20_000, "it comes to no end"

    hypothesis.target(float(life.most_in_an_hour()))
    assert life.most_in_an_hour() <= MOST_CALLS, (answers, finds)


def test_a_duplicate_and_a_find_in_turn_are_a_handful_of_calls() -> None:
    """The history that was 1,200 calls in 45 seconds."""
    life = Life(ASKS, UPDATED, Link("SO-1"))

    while life.step(lambda: Duplicate(), lambda: (MINE,)):
        pass

    assert len(life.calls) < 10
    assert (life.status, life.code) == (PARKED, "duplicate")


def test_what_never_left_the_machine_makes_nothing_later() -> None:
    """Failures of a line that is down must not keep an order waiting when it is back."""
    life = replace(Life(ASKS, PLACED, None), status=UNKNOWN, maybe_booked=True, sent_at=0.0)
    for _ in range(30):
        assert life.step(lambda: Unknown(message="?"), lambda: "not reached")

    assert (life.questions, life.calls) == (0, [])
    assert life.due_at is not None
    assert life.due_at - life.now == 2
