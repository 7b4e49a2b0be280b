from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.blueprint.answering import Answering
from sidecar.capture.outbox import NO_HINTS, Depth
from sidecar.capture.triggers import State
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import OpenDifferences, Waiting
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.inbound_vitals import InboundVitals
from sidecar.monitor.ledger_vitals import DomainVitals, LedgerVitals
from sidecar.monitor.nagios import Grade, Limits, judge
from sidecar.monitor.trigger_states import TriggerStates
from sidecar.monitor.vitals import Vitals

LIMITS = Limits(300, 1800)
#: Label, value, unit, warning, critical, least, most, as the plugin guidelines write them.
FIGURE = re.compile(r"[a-z_]+=[0-9.]+(s|%)?;[0-9]*;[0-9]*(;[0-9]*(;[0-9]*)?)?")
WELL = Vitals(
    sends=True,
    triggers=TriggerStates({"a": State.OK}, None),
    ledger=LedgerVitals(
        holder="vm:1:a",
        domains={
            "orders": DomainVitals(
                control=DomainControl("orders"),
                pause_forgotten=False,
                events=dict.fromkeys(OPEN, 0),
                gated=0,
                gates={},
                under_way=None,
                last_accepted=None,
                hints=NO_HINTS,
                write_backs=Waiting(0, None),
                write_backs_parked=0,
                differences=0,
            )
        },
        accounts={
            "erp": AccountVitals(
                address="https://erp",
                breaker_open=False,
                failures=0,
                asks_in=0.0,
                rate=1.0,
                slots=4,
                most_slots=4,
                quiet_for=0.0,
                asked_wait=0.0,
                wait_cut=False,
            )
        },
        hints=NO_HINTS,
        write_backs=Waiting(0, None),
        write_backs_parked=0,
        differing=OpenDifferences(0, 0),
        failing=(),
    ),
)
#: Of a domain that the ERP owns.
HEARD = InboundVitals(
    account="main",
    control=DomainControl("stock"),
    pause_forgotten=False,
    news={},
    oldest=None,
    heard_ago=4.0,
    unheard=0.0,
    stale=False,
    differences=0,
)
STOPPED = DomainControl("orders", stopped_at=datetime(2026, 11, 25, tzinfo=UTC))
AMISS = TriggerStates({"a": State.MISSING}, None)


def with_ledger(**changes: Any) -> Vitals:
    return replace(WELL, ledger=replace(WELL.ledger, **changes))


def with_orders(**changes: Any) -> Vitals:
    return with_ledger(domains={"orders": replace(WELL.ledger.domains["orders"], **changes)})


def with_account(**changes: Any) -> Vitals:
    return with_ledger(accounts={"erp": replace(WELL.ledger.accounts["erp"], **changes)})


def with_stock(**changes: Any) -> Vitals:
    return with_ledger(inbound={"stock": replace(HEARD, **changes)})


def events(**counts: int) -> dict[EventStatus, int]:
    return dict.fromkeys(OPEN, 0) | {EventStatus(name): count for name, count in counts.items()}


def waits(seconds: float) -> Waiting:
    return Waiting(1, seconds)


@pytest.mark.parametrize(
    ("vitals", "grade", "reason"),
    [
        (WELL, Grade.OK, "orders: 0 under way"),
        (with_orders(under_way=299.0), Grade.OK, "the oldest for 4 min"),
        (with_orders(under_way=300.0), Grade.WARNING, "the oldest for 5 min"),
        (with_orders(under_way=1800.0), Grade.CRITICAL, "the oldest for 30 min"),
        (with_orders(control=STOPPED), Grade.CRITICAL, "stopped by an answer of the ERP"),
        (with_orders(control=DomainControl("orders", paused=True)), Grade.WARNING, "paused"),
        (with_orders(events=events(rejected=2)), Grade.WARNING, "2 rejected"),
        (with_orders(events=events(parked=1)), Grade.WARNING, "1 parked"),
        (with_orders(events=events(unknown=1), under_way=3.0), Grade.OK, "orders"),
        (with_orders(events=events(pending=7), gated=7), Grade.OK, "orders: 0 under way"),
        (with_ledger(holder=None), Grade.CRITICAL, "no daemon works"),
        (replace(WELL, sends=False), Grade.CRITICAL, "this may be a copy"),
        (with_account(breaker_open=True), Grade.WARNING, "breaker"),
        (replace(WELL, triggers=AMISS), Grade.WARNING, "triggers amiss: a"),
        (replace(WELL, triggers=replace(AMISS, suspended="a deploy")), Grade.OK, "orders"),
        (with_orders(differences=3), Grade.WARNING, "orders: 3 difference(s) open"),
        (
            with_orders(hints=Depth(1, capped=False, oldest=timedelta(seconds=1900))),
            Grade.CRITICAL,
            "waits for intake for 31 min",
        ),
        (with_orders(write_backs=waits(300.0)), Grade.WARNING, "written into Magento for 5 min"),
        (with_orders(write_backs_parked=2), Grade.WARNING, "2 answer(s) cannot be written"),
    ],
)
def test_each_standing_has_its_grade_and_says_why(
    vitals: Vitals, grade: Grade, reason: str
) -> None:
    judgement = judge(vitals, ["orders"], LIMITS)
    assert judgement.grade is grade
    assert reason in str(judgement)


def test_the_worst_reason_counts_and_stands_first() -> None:
    judgement = judge(with_orders(control=STOPPED, differences=1), ["orders"], LIMITS)
    assert judgement.grade is Grade.CRITICAL
    assert judgement.reasons[0] == "orders: stopped by an answer of the ERP"
    assert "orders: 1 difference(s) open" in judgement.reasons


def test_who_answers_for_a_domain_stands_behind_what_is_amiss_in_it() -> None:
    answering = Answering({"orders": "business: Finance (finance@example.com)"})
    troubled = with_orders(events=events(parked=2))
    (reason,) = judge(troubled, ["orders"], LIMITS, answering).reasons
    assert reason == "orders: 2 parked [business: Finance (finance@example.com)]"
    (reason,) = judge(WELL, ["orders"], LIMITS, answering).reasons
    assert "Finance" not in reason


def test_the_line_is_one_line_with_figures_that_a_plugin_may_have() -> None:
    line = str(judge(with_orders(under_way=12.0), ["orders"], LIMITS))
    said, figures = line.split(" | ")
    assert said.startswith("ERP-SIDECAR OK - ")
    assert "\n" not in line
    assert all(FIGURE.fullmatch(figure) for figure in figures.split(" "))
    assert "orders_oldest=12s;300;1800;0" in figures


def test_a_bar_in_a_reason_does_not_begin_the_figures() -> None:
    line = str(
        judge(
            replace(WELL, triggers=TriggerStates({"a|b": State.MISSING}, None)), ["orders"], LIMITS
        )
    )
    assert line.count("|") == 1


@pytest.mark.parametrize(
    ("vitals", "grade", "reason"),
    [
        (with_stock(), Grade.OK, "stock: 0 news waiting"),
        (with_stock(news={"parked": 2}), Grade.WARNING, "stock: 2 news of the ERP parked"),
        (with_stock(news={"differs": 1}), Grade.WARNING, "stock: 1 news of the ERP differ"),
        (with_stock(differences=1), Grade.WARNING, "stock: 1 difference(s) open"),
        (with_stock(heard_ago=310.0, unheard=299.0), Grade.OK, "stock: 0 news"),
        (with_stock(heard_ago=360.0, unheard=300.0), Grade.WARNING, "heard of main for 6 min"),
        (with_stock(heard_ago=1900.0, unheard=1800.0), Grade.CRITICAL, "nothing heard of main"),
        (with_stock(stale=True), Grade.WARNING, "nothing heard of main for 4 s"),
        (with_stock(heard_ago=None, unheard=None), Grade.WARNING, "has never answered"),
        (
            with_stock(control=DomainControl("stock", paused=True), unheard=9000.0),
            Grade.WARNING,
            "stock: paused",
        ),
        (with_stock(control=STOPPED), Grade.CRITICAL, "stock: stopped by an answer"),
    ],
)
def test_each_standing_of_what_the_erp_owns_has_its_grade_and_says_why(
    vitals: Vitals, grade: Grade, reason: str
) -> None:
    judgement = judge(vitals, ["stock"], LIMITS)
    assert judgement.grade is grade
    assert reason in str(judgement)


@pytest.mark.parametrize(
    ("news", "seconds", "grade", "reason"),
    [
        ({"waiting": 5}, 90_000, Grade.OK, "5 news waiting"),
        ({"asked": 1}, 400, Grade.WARNING, "1 of them without Magento's answer"),
    ],
)
def test_news_that_wait_are_well_and_those_without_magentos_answer_are_not(
    news: dict[str, int], seconds: float, grade: Grade, reason: str
) -> None:
    oldest = datetime.now(UTC) - timedelta(seconds=seconds)
    judgement = judge(with_stock(news=news, oldest=oldest), ["stock"], LIMITS)
    assert judgement.grade is grade
    assert reason in str(judgement)


def test_the_figures_of_what_the_erp_owns_are_figures_too() -> None:
    line = str(judge(with_stock(news={"parked": 2}), ["orders", "stock"], LIMITS))
    figures = line.split(" | ")[1].split(" ")
    assert all(FIGURE.fullmatch(figure) for figure in figures)
    assert {"stock_heard=4s;300;1800;0", "stock_parked=2;;;0"} <= set(figures)
