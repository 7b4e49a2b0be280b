"""However an adapter divides a batch: one outcome for each event, a place for each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.app.renewing import RenewingAdapter
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.courier import Courier
from sidecar.delivery.parcels import Parcel, Trust
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Pace, Throttle
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.claims import Claimed
from sidecar.ledger.settling import Ended
from sidecar.model.event import encode_payload, event_id
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Unknown,
    Unmapped,
    name_of,
)
from sidecar.ports import (
    AdapterSettings,
    Delivery,
    ErpAdapter,
    Exchange,
    PushCall,
    Result,
    ShopContext,
)
from sidecar.testing.sample_order import placed, simple_order
from tests.harness import HandClock, RecordingNarrator, ScriptedErp, settler

ANSWERED = Exchange("POST /orders", 201, 0.1)
LOST = Exchange("POST /orders", None, 20.0)
OUTCOMES: list[Outcome] = [
    Accepted(booked=Booked(reference="SO-1")),
    Rejected(message="no"),
    Unknown(message="no answer"),
    Unmapped(message="calls.yaml:1"),
    Retry(message="no route", sent=False),
]
#: Where a courier has no business: there is no database here.
NOTHING: Any = None


@dataclass
class Planned:
    """What an adapter does with a batch: its calls, by the places of the events in it."""

    exchange: Exchange | None
    events: list[int]


class Dividing(ScriptedErp):
    """Makes the calls of a plan; each event has the outcome that its place says."""

    def __init__(self, plan: Sequence[Planned]) -> None:
        super().__init__(probe=False, batch=100)
        self.plan = plan

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        return [
            PushCall(
                call.exchange, [Result(batch[place], outcome_of(place)) for place in call.events]
            )
            for call in self.plan
        ]


class Sender:
    """An account without a ledger, and a courier that works for it."""

    def __init__(self, erp: ErpAdapter) -> None:
        self.clock, self.told = HandClock(), RecordingNarrator()
        self.account = ErpAccount(
            "erp",
            Throttle(Pace(4, 1000, 60.0), self.clock),
            Slots(4, 4.0, self.clock),
            Breaker(3, 60.0, self.clock),
            erp,
            NOTHING,
            NOTHING,
            self.told,
        )
        self.courier = Courier(
            erp,
            self.account,
            settler(erp.capabilities("orders")),
            spec=SPEC,
            source="/magento/main",
            clock=self.clock,
            sleeper=self.clock,
        )

    def carry(self, count: int) -> list[Ended]:
        """Send so many orders in one push, for which a place was taken."""
        assert self.account.delay() == 0
        events = tuple(claimed(place) for place in range(count))
        return self.courier.carry(Parcel(events, {}, Trust(self.clock.seconds + 60)))

    @property
    def charged(self) -> int:
        """Calls that the throttle has counted."""
        return self.account.throttle.used()


def outcome_of(place: int) -> Outcome:
    return OUTCOMES[place % len(OUTCOMES)]


def claimed(place: int) -> Claimed:
    entity, number = place + 1, f"{place + 1:09}"
    return Claimed(
        id=entity,
        event_id=event_id("main", "order", entity, 1),
        domain="orders",
        kind="order",
        entity_id=entity,
        number=number,
        sequence=1,
        type=ORDER_PLACED,
        payload=encode_payload(simple_order(number)).decode(),
        amount=None,
        currency="EUR",
        occurred_at=datetime(2026, 3, 29, tzinfo=UTC),
        attempts=1,
        fence=1,
        maybe_booked=False,
        age=1.0,
        since_sent=1.0,
        ref=number,
    )


def attempts(ended: Sequence[Ended]) -> dict[int, str]:
    """What is written down of each event, by its place."""
    assert len({one.claimed.id for one in ended}) == len(ended)
    return {one.claimed.id - 1: one.attempt.outcome for one in ended}


EXCHANGES = st.sampled_from([ANSWERED, LOST, None])


@st.composite
def divided(draw: st.DrawFn) -> list[Planned]:
    """Any number of events in any calls, and calls that decide about none."""
    places = draw(st.permutations(range(draw(st.integers(1, 12)))))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(places) - 1)))))
    parts = [places[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    calls = [
        Planned(draw(EXCHANGES), list(part))
        for part in [*parts, *draw(st.lists(st.just([]), max_size=5))]
    ]
    return draw(st.permutations(calls))


def events_in(plan: Sequence[Planned]) -> int:
    return len({place for call in plan for place in call.events})


@given(plan=divided())
def test_each_event_has_its_own_outcome_and_each_call_is_counted(plan: list[Planned]) -> None:
    sender, count = Sender(Dividing(plan)), events_in(plan)

    ended = sender.carry(count)

    assert attempts(ended) == {place: name_of(outcome_of(place)) for place in range(count)}
    assert sender.charged == sum(call.exchange is not None for call in plan)
    assert "adapter.failed" not in sender.told.names()


@given(plan=divided(), data=st.data())
def test_what_an_adapter_forgets_or_doubles_is_in_doubt_and_the_others_are_not(
    plan: list[Planned], data: st.DataObject
) -> None:
    count = events_in(plan)
    places = st.sets(st.integers(0, count - 1))
    forgotten = data.draw(places, "forgotten")
    doubled = data.draw(places, "doubled") - forgotten
    broken = [
        *(
            Planned(call.exchange, [one for one in call.events if one not in forgotten])
            for call in plan
        ),
        Planned(ANSWERED, sorted(doubled)),
    ]
    sender = Sender(Dividing(broken))

    ended = sender.carry(count)

    spoilt = forgotten | doubled
    assert attempts(ended) == {
        place: "unknown" if place in spoilt else name_of(outcome_of(place))
        for place in range(count)
    }
    assert sender.told.names().count("adapter.failed") == len(spoilt)


@pytest.mark.parametrize(
    ("events", "said"),
    [([], "it gave no outcomes for one event"), ([0, 0], "it gave 2 outcomes for one event")],
)
def test_the_history_says_what_the_adapter_did(events: list[int], said: str) -> None:
    [ended] = Sender(Dividing([Planned(ANSWERED, events)])).carry(1)

    assert ended.attempt.message == f"the adapter failed: {said}"
    assert ended.settlement.maybe_booked


def test_an_outcome_of_what_was_not_sent_is_told() -> None:
    class Confused(Dividing):
        def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
            stranger = Result(placed(simple_order("000000099")), OUTCOMES[0])
            return [*super().push(batch), PushCall(ANSWERED, [stranger])]

    sender = Sender(Confused([Planned(ANSWERED, [0])]))

    assert attempts(sender.carry(1)) == {0: "accepted"}
    assert sender.told.names() == ["adapter.failed"]


@pytest.mark.parametrize("answer", [NOTHING, [NOTHING], ["POST /orders"]])
def test_what_is_no_list_of_calls_leaves_all_in_doubt_and_is_counted_as_one(answer: Any) -> None:
    class Broken(ScriptedErp):
        def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
            calls: list[PushCall] = answer
            return calls

    sender = Sender(Broken(probe=False, batch=100))

    assert attempts(sender.carry(3)) == dict.fromkeys(range(3), "unknown")
    assert sender.charged == 1


def test_what_a_login_was_refused_for_is_another_call_and_no_second_outcome() -> None:
    class Refusing(ScriptedErp):
        """Refuses the login for every second event of a batch."""

        def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
            refused = Misconfigured(message="401")
            results = [
                Result(delivery, refused if place % 2 else OUTCOMES[0])
                for place, delivery in enumerate(batch)
            ]
            return [PushCall(ANSWERED, results)]

    shop = ShopContext("main", UTC)
    former, changed = (
        AdapterSettings(url, 5, 20, shop, domains=()) for url in ("http://a", "http://b")
    )
    fresh = Dividing([Planned(ANSWERED, [0, 2]), Planned(None, [1])])
    erp = RenewingAdapter(
        Refusing(probe=False, batch=100),
        former,
        lambda: changed,
        lambda _: fresh,
        RecordingNarrator(),
    )
    sender = Sender(erp)

    ended = sender.carry(6)

    assert attempts(ended) == {
        **dict.fromkeys((0, 2, 4), "accepted"), 1: "accepted", 3: "rejected", 5: "unknown"
    }  # fmt: skip
    assert sender.charged == 2
    assert "adapter.failed" not in sender.told.names()
