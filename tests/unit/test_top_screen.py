"""What `top` shows, as text: for several sizes of a terminal and for what may go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sidecar.capture.triggers import State
from sidecar.ledger.backlog import TroubledEvent
from sidecar.ledger.control import DomainControl
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.top.screen import render
from sidecar.monitor.top.traffic import Traffic
from sidecar.monitor.top.watch import CaptureRow, DifferingRow, DomainRow, Look
from sidecar.monitor.trigger_states import TriggerStates
from tests.unit.test_nagios import HEARD

AT = datetime(2026, 11, 25, 20, 31, 7, tzinfo=UTC)
EVENTS = dict(zip(OPEN, (12, 4, 1, 2, 0), strict=True))


REFUSED = TroubledEvent(
    kind="order",
    number="1",
    type="order.placed",
    status=EventStatus.REJECTED,
    amount=Decimal("421.2600"),
    currency="EUR",
    error_code=None,
    reason=None,
    waiting=None,
    age=185.0,
)
ERP = AccountVitals(
    address="https://erp.example/api/v2",
    breaker_open=False,
    failures=0,
    asks_in=0.0,
    rate=0.5,
    slots=2,
    most_slots=4,
    quiet_for=0.0,
    asked_wait=0.0,
    wait_cut=False,
)
TRIGGERS = TriggerStates(dict.fromkeys(("one", "two", "three"), State.OK), None)


def refused(number: str, reason: str, **fields: Any) -> TroubledEvent:
    return replace(REFUSED, number=number, reason=reason, **fields)


ORDERS = DomainRow(
    "orders",
    DomainControl("orders"),
    EVENTS,
    95.0,
    [
        refused("000000011", "the customer's credit is used up"),
        refused("000000010", "there is no item DESK"),
        refused("000000009", "no answer within 2 s", status=EventStatus.UNKNOWN, age=4.0),
    ],
)
LOOK = Look(
    shop="demo",
    at=AT,
    daemon="vm:13046:4bb66d96",
    capture=CaptureRow(3, 0.4, 0, TRIGGERS),
    accounts={"main": ERP},
    traffic=Traffic(25.0, 5.0, 31, 4.0, 21.0, 2001.0),
    unwritten=1,
    domains=[ORDERS],
    inbound={},
    differing=[DifferingRow("000000007", ["total", "tax"], 2, Decimal("12.70"), "EUR")],
    differing_documents=1,
    differences=2,
)


def text(look: Look, width: int = 80, height: int | None = None, **how: str) -> str:
    return "\n".join(line.text for line in render(look, width, height, **how))


def test_the_screen_of_an_ordinary_moment_fills_eighty_by_twenty_four() -> None:
    assert text(LOOK, 80, 24, foot="q ends") == (
        """\
erp-sidecar top  demo                                    2026-11-25 20:31:07 UTC
daemon   vm:13046:4bb66d96
capture  3 hint(s), oldest 0 s; 0 fault(s); 3 trigger(s) ok
erp      main  https://erp.example/api/v2
         breaker closed; rate 50%; 2 of 4 calls at a time
calls    25.0/min booked, 5.0/min over 5 min; p50 4 ms, p95 21 ms, most 2001 ms
magento  1 answer(s) wait to be written

domain    state      pending   sending   unknown  rejected    parked    oldest
orders    working         12         4         1         2         0     1 min

REFUSED, PARKED OR IN DOUBT, the newest first
000000011  rejected     421.26 EUR   3 min  the customer's credit is used up
000000010  rejected     421.26 EUR   3 min  there is no item DESK
000000009  unknown      421.26 EUR     4 s  no answer within 2 s

BOOKED OTHERWISE: 2 figure(s) in 1 document(s)
000000007  2 figure(s), the greatest by 12.70 EUR: total, tax





q ends"""
    )


def test_a_wider_terminal_shows_the_event_and_more_of_the_reason() -> None:
    long = replace(LOOK, domains=[replace(ORDERS, troubled=[refused("7", "because " * 12)])])
    assert "order.placed" in text(long, 120)
    assert text(long, 120).count("because") > text(long, 80).count("because")


@pytest.mark.parametrize("width", [20, 60, 80, 100, 200])
@pytest.mark.parametrize("height", [3, 10, 16, 24, 60])
def test_nothing_leaves_the_terminal_and_the_foot_stays_at_its_end(width: int, height: int) -> None:
    many = replace(LOOK, domains=[replace(ORDERS, troubled=[*ORDERS.troubled] * 10)])
    lines = render(many, width, height, foot="q ends")
    assert len(lines) == height
    assert max(len(line.text) for line in lines) <= width
    assert lines[-1].text == "q ends"


def test_two_long_lists_share_what_is_left_and_a_short_one_gives_its_room_away() -> None:
    many = [refused(str(number), "x") for number in range(30)]
    differing = [replace(LOOK.differing[0], number=f"D{number}") for number in range(30)]
    both = text(
        replace(LOOK, domains=[replace(ORDERS, troubled=many)], differing=differing), 80, 24
    )
    assert (both.count("421.26"), both.count("greatest")) == (5, 5)
    one = text(replace(LOOK, domains=[replace(ORDERS, troubled=many)]), 80, 24)
    assert (one.count("421.26"), one.count("greatest")) == (9, 1)


def test_what_needs_a_person_stands_out() -> None:
    control = DomainControl(
        "orders",
        paused=True,
        paused_by="ada",
        paused_reason="upgrade",
        stopped_at=AT,
        stopped_reason="401: the token is no longer valid",
    )
    amiss = replace(
        LOOK,
        daemon=None,
        capture=replace(
            LOOK.capture,
            triggers=TriggerStates({"erp_sidecar_sales_order_payment_ai": State.MISSING}, None),
        ),
        accounts={"main": replace(ERP, breaker_open=True, asks_in=42.0, quiet_for=30.0)},
        domains=[replace(ORDERS, control=control)],
    )
    bad = [line.text for line in render(amiss, 120) if line.tone == "bad"]
    assert bad[:5] == [
        "daemon   NOBODY WORKS",
        "capture  3 hint(s), oldest 0 s; 0 fault(s); triggers amiss: "
        "erp_sidecar_sales_order_payment_ai",
        "         breaker OPEN, asks in 42 s; rate 50%; 2 of 4 calls at a time; quiet for 30 s",
        "  ! STOPPED since 2026-11-25 20:31: 401: the token is no longer valid",
        "  ! PAUSED for good by ada: upgrade",
    ]


def test_each_erp_account_has_its_rows() -> None:
    two = {"main": ERP, "warehouse": replace(ERP, address="https://wms.example", rate=1.0)}
    lines = text(replace(LOOK, accounts=two)).splitlines()
    assert lines[3:7] == [
        "erp      main  https://erp.example/api/v2",
        "         breaker closed; rate 50%; 2 of 4 calls at a time",
        "erp      warehouse  https://wms.example",
        "         breaker closed; rate 100%; 2 of 4 calls at a time",
    ]


def test_the_erp_s_words_cannot_drive_the_terminal() -> None:
    nasty = refused("7", "no\x1b[2J item\n\x07DESK")
    shown = text(replace(LOOK, domains=[replace(ORDERS, troubled=[nasty])]))
    assert "no\\x1b[2J item\\n\\x07DESK" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_a_quiet_shop_has_no_lists() -> None:
    quiet = replace(
        LOOK,
        traffic=Traffic(0.0, None, 0, None, None, None),
        domains=[DomainRow("orders", DomainControl("orders"), dict.fromkeys(EVENTS, 0), None, [])],
        differing=(),
        differing_documents=0,
        differences=0,
    )
    shown = text(quiet)
    assert "calls    0.0/min booked, - over 5 min; p50 -, p95 -, most -" in shown
    assert shown.splitlines()[-1].startswith("orders")


def test_what_the_erp_owns_has_a_row_of_its_own() -> None:
    stock = replace(HEARD, news={"parked": 3, "asked": 1}, heard_ago=61.0, stale=True)
    lines = render(replace(LOOK, inbound={"order_status": HEARD, "stock": stock}), 80)
    shown = [line.text for line in lines]
    head = shown.index(
        "told         state     waiting in doubt   parked  differs   oldest    heard"
    )
    assert shown[head + 1 : head + 3] == [
        "order_status working         0        0        0        0        -      4 s",
        "stock        working         0        1        3        0        -    1 min",
    ]
    assert [line.tone for line in lines[head + 1 : head + 3]] == ["plain", "bad"]


def test_a_pause_of_what_the_erp_owns_says_by_whom() -> None:
    paused = replace(HEARD, control=DomainControl("stock", paused=True, paused_by="ada"))
    assert "  ! PAUSED for good by ada: no reason given" in text(
        replace(LOOK, inbound={"stock": paused})
    )
