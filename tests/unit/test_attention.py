"""What `status` tells a person to look at, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sidecar.blueprint.answering import Answering
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import OpenDifferences, Waiting
from sidecar.ledger.stations import Failing
from sidecar.model.identity import IdentityVerdict
from sidecar.model.identity import Standing as Identity
from sidecar.model.settlement import OVER, EventStatus
from sidecar.model.write_back import WriteBackState
from sidecar.monitor.standing import DomainStanding, Standing
from sidecar.monitor.vitals import Vitals
from tests.unit.test_nagios import (
    AMISS,
    STOPPED,
    WELL,
    events,
    with_account,
    with_ledger,
    with_orders,
    with_stock,
)

AT = datetime(2026, 11, 25, 20, 31, 7, tzinfo=UTC)
SAME = IdentityVerdict(Identity.SAME, "")


def standing(vitals: Vitals, identity: IdentityVerdict = SAME) -> Standing:
    return Standing(
        shop="demo",
        identity=identity,
        triggers=vitals.triggers,
        faults=0,
        ledger=vitals.ledger,
        domains={
            name: DomainStanding(domain, dict.fromkeys(OVER, 0), 0, None)
            for name, domain in vitals.ledger.domains.items()
        },
        write_backs=dict.fromkeys(WriteBackState, 0),
        differences=(),
        backfills={},
    )


def forgotten(**fields: Any) -> Vitals:
    control = DomainControl("orders", paused=True, paused_for=90_000.0, **fields)
    return with_orders(control=control, pause_forgotten=True)


@pytest.mark.parametrize(
    "vitals",
    [
        with_orders(control=STOPPED),
        with_orders(events=events(rejected=2)),
        with_orders(differences=1),
        with_orders(write_backs_parked=1),
        with_account(breaker_open=True, domains=("orders",)),
        with_stock(stale=True, heard_ago=900.0),
        with_stock(news={"parked": 1}),
        with_stock(differences=1),
    ],
)
def test_who_answers_for_the_domain_is_named_with_what_needs_a_person(vitals: Vitals) -> None:
    ledger = replace(
        vitals.ledger,
        write_backs_parked=vitals.ledger.domains["orders"].write_backs_parked,
        differing=OpenDifferences(1, 1) if has_differences(vitals) else OpenDifferences(0, 0),
    )
    answering = Answering(dict.fromkeys(("orders", "stock"), "business: Finance (f@example.com)"))
    told = replace(standing(replace(vitals, ledger=ledger)), answering=answering)
    (line,) = told.attention
    assert line.endswith(" [business: Finance (f@example.com)]")


def has_differences(vitals: Vitals) -> bool:
    ledger = vitals.ledger
    sent = any(one.differences for one in ledger.domains.values())
    return sent or any(one.differences for one in ledger.inbound.values())


def test_a_blueprint_that_is_not_what_was_signed_needs_a_person() -> None:
    changed = "the blueprint is not what finance signed on 2026-11-25: domains.orders"
    assert replace(standing(WELL), outdated=[changed]).attention == [
        f"{changed} (erp-sidecar blueprint diff)"
    ]


def test_a_shop_where_all_is_well_needs_nobody() -> None:
    assert standing(WELL).attention == []


@pytest.mark.parametrize(
    ("vitals", "says"),
    [
        (
            with_ledger(holder=None),
            "no daemon works (systemctl start erp-sidecar; erp-sidecar doctor)",
        ),
        (
            with_orders(control=replace(STOPPED, stopped_at=AT, stopped_reason="401: Mr Miller")),
            "orders are stopped since 2026-11-25 20:31:07 (why: erp-sidecar domain list; then: "
            "erp-sidecar domain resume orders)",
        ),
        (
            forgotten(),
            "orders are paused without an end, for 1 d now (erp-sidecar domain resume orders)",
        ),
        (
            forgotten(paused_until=AT),
            "orders are paused until 2026-11-25 20:31:07, for 1 d now (erp-sidecar domain resume "
            "orders)",
        ),
        (
            with_orders(events=events(rejected=2)),
            "2 event(s) rejected (erp-sidecar rejections list)",
        ),
        (
            with_orders(events=events(parked=1)),
            "1 event(s) parked (erp-sidecar queue list --status parked)",
        ),
        (
            with_ledger(failing=(Failing("intake", AT, 61.0, 3, "gone", ""),)),
            "intake has been failing for 1 min, 3 time(s): gone (station.failed in the log)",
        ),
        (
            with_ledger(write_backs=Waiting(4, 300.0)),
            "4 answer(s) of the ERP are not in Magento, the oldest for 5 min (erp-sidecar doctor)",
        ),
        (
            with_ledger(write_backs_parked=1),
            "1 answer(s) of the ERP cannot be written into Magento (erp-sidecar doctor)",
        ),
        (replace(WELL, triggers=AMISS), "triggers amiss: a (erp-sidecar triggers status)"),
        (
            with_ledger(differing=OpenDifferences(3, 1)),
            "3 difference(s) in 1 document(s) (erp-sidecar differences list)",
        ),
        (
            with_account(wait_cut=True, asked_wait=7200.0, quiet_for=60.0, domains=("orders",)),
            "the ERP account erp asked for a wait of 2 h; nothing is sent to it for 1 min "
            "(throttle.longest_wait; to go on now: erp-sidecar domain resume orders)",
        ),
        (
            with_account(breaker_open=True),
            "the ERP account erp does not answer: its breaker is open",
        ),
    ],
)
def test_what_needs_a_person_is_one_sentence_with_the_command_that_helps(
    vitals: Vitals, says: str
) -> None:
    assert standing(vitals).attention == [says]


def test_a_doubt_which_system_this_is_comes_before_all_that_waits() -> None:
    doubt = IdentityVerdict(Identity.UNSURE, "the server is another one")
    first, _ = standing(with_orders(events=events(rejected=1)), doubt).attention
    assert first == "NOTHING IS SENT: the server is another one (erp-sidecar identity show)"


def test_of_several_erp_accounts_the_one_that_does_not_answer_is_named() -> None:
    account = WELL.ledger.accounts["erp"]
    two = with_ledger(accounts={"main": account, "warehouse": replace(account, breaker_open=True)})
    assert standing(two).attention == [
        "the ERP account warehouse does not answer: its breaker is open"
    ]


@pytest.mark.parametrize(
    "vitals",
    [
        with_ledger(write_backs=Waiting(4, 299.0)),
        replace(WELL, triggers=replace(AMISS, suspended="a deploy")),
        with_orders(control=DomainControl("orders", paused=True, paused_until=AT)),
        with_orders(
            events=events(pending=7, unknown=1), under_way=timedelta(days=1).total_seconds()
        ),
    ],
    ids=["a young answer", "suspended triggers", "a pause with an end", "what is under way"],
)
def test_what_ends_by_itself_or_was_meant_needs_nobody(vitals: Vitals) -> None:
    assert standing(vitals).attention == []


def test_a_domain_counts_what_is_over_beside_what_is_not() -> None:
    vitals = with_orders(events=events(pending=2, unknown=1, parked=4)).ledger.domains["orders"]
    over = {EventStatus.ACCEPTED: 25, EventStatus.SUPERSEDED: 0}
    domain = DomainStanding(vitals, over, 1, 9.0)
    assert domain.events == {**events(pending=2, unknown=1, parked=4), **over}
    assert domain.waiting == 3
