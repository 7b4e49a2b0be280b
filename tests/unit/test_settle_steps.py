"""An order with steps after its acceptance, and one that was taken without a number."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.delivery.plan import plan
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.events import OpenEvent
from sidecar.model.outcome import Booked, Taken, Unfinished
from sidecar.model.settlement import EventStatus
from sidecar.ports import Capabilities, Link
from tests.harness import TAKES, settler
from tests.unit.test_settle import ORDER, TOO_OLD, claimed

DRAFT = Booked(reference="SO-1", key="17", status="DRAFT")
FINISHES = Capabilities(TAKES, probe=True, finishes=frozenset({ORDER_PLACED}))


def unfinished(cause: str, **fields: object) -> Unfinished:
    return Unfinished(booked=DRAFT, message="then.validate: …", cause=cause, **fields)  # type: ignore[arg-type]


@given(
    st.sampled_from(["retry", "throttled", "conflict", "unknown", "misconfigured", "taken"]),
    st.integers(1, 50),
    st.floats(0, 10_000),
)
def test_what_the_erp_took_is_never_sent_again_whatever_becomes_of_a_step(
    cause: str, attempts: int, age: float
) -> None:
    event = claimed(age=age, attempts=attempts)
    end = settler(FINISHES).of_push(event, ORDER, unfinished(cause))

    assert end.booked == DRAFT
    assert end.maybe_booked
    assert (end.status, end.code) in (
        (EventStatus.PENDING, "unfinished"), (EventStatus.PARKED, "gave_up"),
    )  # fmt: skip
    assert not end.absent


def test_a_step_that_may_have_been_done_is_asked_for_when_absence_is_believed() -> None:
    end = settler(FINISHES, trust_absence_after=60).of_push(claimed(), ORDER, unfinished("unknown"))

    assert end.due_in is not None
    assert end.due_in >= 60


def test_a_step_waits_as_long_as_the_erp_asks() -> None:
    end = settler(FINISHES).of_push(claimed(), ORDER, unfinished("throttled", after=90.0))

    assert end.due_in is not None
    assert end.due_in >= 90


def test_magento_hears_of_an_order_when_all_its_steps_are_done() -> None:
    rules = settler(FINISHES)

    assert rules.of_push(claimed(), ORDER, unfinished("retry")).write_back is None


def test_what_a_question_finds_is_gone_on_with_and_not_taken_for_whole() -> None:
    event = claimed(maybe_booked=True, since_sent=100.0)
    end = settler(FINISHES, trust_absence_after=60).of_probe(event, ORDER, (DRAFT,))

    assert (end.status, end.code, end.booked) == (EventStatus.PENDING, "unfinished", DRAFT)
    assert (end.due_in, end.maybe_booked) == (0, True)


@given(st.floats(0, 59))
def test_a_step_that_the_dead_process_sent_may_still_be_under_way(since_sent: float) -> None:
    event = claimed(maybe_booked=True, since_sent=since_sent)
    end = settler(FINISHES, trust_absence_after=60).of_probe(event, ORDER, (DRAFT,))

    assert end.due_in == pytest.approx(60 - since_sent)


def test_an_unfinished_order_is_pushed_and_not_asked_about_first() -> None:
    head = OpenEvent(
        1, 42, 1, ORDER_PLACED, EventStatus.PENDING, maybe_booked=True, due=True, code="unfinished"
    )
    later = replace(head, id=2, sequence=2, type="order.canceled", maybe_booked=False, code=None)
    chosen = plan([head, later], SPEC, linked=True, subscriptions=TAKES)

    assert chosen.push == head
    assert chosen.carry is None
    assert chosen.behind == (2,)


def test_what_was_taken_without_a_number_is_asked_for() -> None:
    end = settler(FINISHES).of_push(claimed(), ORDER, Taken(message=""))

    assert (end.status, end.code, end.maybe_booked) == (EventStatus.UNKNOWN, "taken", True)


@given(st.floats(0, 3_000))
def test_what_was_taken_is_not_sent_again_however_long_the_erp_does_not_show_it(
    since_sent: float,
) -> None:
    event = claimed(maybe_booked=True, since_sent=since_sent, code="taken")
    end = settler(FINISHES, trust_absence_after=60).of_probe(event, ORDER, ())

    assert (end.status, end.code, end.maybe_booked) == (EventStatus.UNKNOWN, "taken", True)
    assert end.due_in is not None
    assert end.due_in > 0


def test_of_what_was_taken_and_never_shown_a_person_hears_in_the_end() -> None:
    event = claimed(maybe_booked=True, age=TOO_OLD, since_sent=TOO_OLD, code="taken")
    end = settler(FINISHES).of_probe(event, ORDER, ())

    assert (end.status, end.maybe_booked) == (EventStatus.PARKED, True)
    assert "took it" in (end.reason or "")


def test_what_was_taken_is_accepted_as_soon_as_the_erp_shows_it() -> None:
    asks = Capabilities(TAKES, probe=True)
    event = claimed(maybe_booked=True, code="taken")
    end = settler(asks).of_probe(event, ORDER, (DRAFT,), Link("SO-1"))

    assert end.status is EventStatus.ACCEPTED


@pytest.mark.parametrize(
    ("figures", "code"),
    [({"total": Decimal("999.00")}, "unfinished"), ({"currency": "JPY"}, "other_figures")],
)
def test_a_draft_without_its_discount_is_the_orders_and_one_in_another_currency_is_not(
    figures: dict[str, Any], code: str
) -> None:
    found = msgspec.structs.replace(DRAFT, **figures)
    event = claimed(maybe_booked=True, since_sent=100.0)

    assert settler(FINISHES).of_probe(event, ORDER, (found,)).code == code
