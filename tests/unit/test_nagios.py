from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from sidecar.monitor.nagios import Grade, Limits, judge
from sidecar.monitor.vitals import COUNTED, AccountVitals, DomainVitals, Vitals

LIMITS = Limits(300, 1800)
#: Label, value, unit, warning, critical, least, most, as the plugin guidelines write them.
FIGURE = re.compile(r"[a-z_]+=[0-9.]+(s|%)?;[0-9]*;[0-9]*(;[0-9]*(;[0-9]*)?)?")
WELL = Vitals(
    holder="vm:1:a",
    sends=True,
    domains={
        "orders": DomainVitals(
            gates={},
            events=dict.fromkeys(COUNTED, 0),
            gated=0,
            oldest=None,
            last_accepted=None,
            paused=False,
            stopped=False,
            hints=0,
            oldest_hint=None,
            write_backs_waiting=0,
            write_backs_parked=0,
            oldest_write_back=None,
            differences=0,
        )
    },
    accounts={"erp": AccountVitals(breaker_open=False, rate=1.0, slots=4, most_slots=4)},
    triggers_amiss=(),
    triggers_suspended=False,
    failing=(),
)


def with_orders(**changes: Any) -> Vitals:
    return replace(WELL, domains={"orders": replace(WELL.domains["orders"], **changes)})


def with_account(**changes: Any) -> Vitals:
    return replace(WELL, accounts={"erp": replace(WELL.accounts["erp"], **changes)})


def events(**counts: int) -> dict[str, int]:
    return dict.fromkeys(COUNTED, 0) | counts


@pytest.mark.parametrize(
    ("vitals", "grade", "reason"),
    [
        (WELL, Grade.OK, "orders: 0 under way"),
        (with_orders(oldest=299.0), Grade.OK, "the oldest for 4 min"),
        (with_orders(oldest=300.0), Grade.WARNING, "the oldest for 5 min"),
        (with_orders(oldest=1800.0), Grade.CRITICAL, "the oldest for 30 min"),
        (with_orders(stopped=True), Grade.CRITICAL, "stopped by an answer of the ERP"),
        (with_orders(paused=True), Grade.WARNING, "paused"),
        (with_orders(events=events(rejected=2)), Grade.WARNING, "2 rejected"),
        (with_orders(events=events(parked=1)), Grade.WARNING, "1 parked"),
        (with_orders(events=events(unknown=1), oldest=3.0), Grade.OK, "orders"),
        (with_orders(events=events(pending=7), gated=7), Grade.OK, "orders: 0 under way"),
        (replace(WELL, holder=None), Grade.CRITICAL, "no daemon works"),
        (replace(WELL, sends=False), Grade.CRITICAL, "this may be a copy"),
        (with_account(breaker_open=True), Grade.WARNING, "breaker"),
        (replace(WELL, triggers_amiss=("a",)), Grade.WARNING, "triggers amiss: a"),
        (replace(WELL, triggers_amiss=("a",), triggers_suspended=True), Grade.OK, "orders"),
        (with_orders(differences=3), Grade.WARNING, "orders: 3 difference(s) open"),
        (with_orders(oldest_hint=1900.0), Grade.CRITICAL, "waits for intake for 31 min"),
        (with_orders(oldest_write_back=300.0), Grade.WARNING, "written into Magento for 5 min"),
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
    judgement = judge(with_orders(stopped=True, differences=1), ["orders"], LIMITS)
    assert judgement.grade is Grade.CRITICAL
    assert judgement.reasons[0] == "orders: stopped by an answer of the ERP"
    assert "orders: 1 difference(s) open" in judgement.reasons


def test_the_line_is_one_line_with_figures_that_a_plugin_may_have() -> None:
    line = str(judge(with_orders(oldest=12.0), ["orders"], LIMITS))
    said, figures = line.split(" | ")
    assert said.startswith("ERP-SIDECAR OK - ")
    assert "\n" not in line
    assert all(FIGURE.fullmatch(figure) for figure in figures.split(" "))
    assert "orders_oldest=12s;300;1800;0" in figures


def test_a_bar_in_a_reason_does_not_begin_the_figures() -> None:
    line = str(judge(replace(WELL, triggers_amiss=("a|b",)), ["orders"], LIMITS))
    assert line.count("|") == 1
