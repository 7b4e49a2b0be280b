"""What must be so before a placement may go to the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sidecar.delivery.gate import Gate
from sidecar.domain.event import EventType
from sidecar.domain.lifecycle import Facts, facts_of
from sidecar.testing.sample_order import simple_order

PLACED = EventType.ORDER_PLACED
RULES = Gate({"checkmo": "paid", "paypal": "authorized", "free": "never", "default": "always"})


def facts(**fields: Any) -> Facts:
    """Nothing paid of 100."""
    given: dict[str, Any] = {
        "state": "new",
        "payment_method": "checkmo",
        "grand_total": Decimal(100),
        "total_paid": Decimal(0),
        "total_due": Decimal(100),
        "amount_authorized": Decimal(0),
        "has_transaction": False,
    }
    return Facts(**(given | fields))


def closed(known: Facts | None, event: EventType = PLACED, *, held_by_us: bool = False) -> str:
    return RULES.closed(event, known, held_by_us=held_by_us) or "open"


def test_an_unpaid_order_waits_and_says_how_much_is_due() -> None:
    assert closed(facts()) == "gate payment: checkmo must be paid, 100.00 are due"


@pytest.mark.parametrize(
    "paid",
    [
        {"total_due": Decimal(0)},
        {"total_due": Decimal("-0.01")},
        {"total_paid": Decimal(100)},
        {"grand_total": Decimal(0), "total_due": Decimal(0)},
    ],
)
def test_a_paid_order_goes(paid: dict[str, Decimal]) -> None:
    assert closed(facts(**paid)) == "open"


def test_a_partly_paid_order_is_not_paid() -> None:
    assert "40.00 are due" in closed(facts(total_paid=Decimal(60), total_due=Decimal(40)))


def test_an_order_whose_due_column_is_empty_is_not_paid() -> None:
    order = simple_order(total_due=None, total_paid=None)

    assert "must be paid" in closed(facts_of(order))


@pytest.mark.parametrize(
    "sign",
    [
        {"has_transaction": True},
        {"amount_authorized": Decimal("0.01")},
        {"total_paid": Decimal(1)},
        {"total_due": Decimal(0)},
    ],
)
def test_an_authorisation_is_seen_by_any_of_its_signs(sign: dict[str, Any]) -> None:
    assert closed(facts(payment_method="paypal")) == "gate payment: paypal must be authorized first"
    assert closed(facts(payment_method="paypal", **sign)) == "open"


def test_never_means_never_not_even_when_paid() -> None:
    known = facts(payment_method="free", total_due=Decimal(0))

    assert closed(known) == "gate payment: orders paid by free are never sent"


def test_other_methods_follow_the_default_and_without_one_they_go() -> None:
    assert closed(facts(payment_method="banktransfer")) == "open"
    assert Gate({}).closed(PLACED, facts(), held_by_us=False) is None
    assert Gate({"default": "paid"}).closed(PLACED, facts(), held_by_us=False) is not None


def test_an_order_on_hold_waits_unless_the_hold_is_ours() -> None:
    held = facts(state="holded", total_due=Decimal(0))

    assert closed(held) == "gate: the order is on hold in Magento"
    assert closed(held, held_by_us=True) == "open"


def test_our_own_hold_does_not_open_the_payment_gate() -> None:
    assert "must be paid" in closed(facts(state="holded"), held_by_us=True)


@pytest.mark.parametrize("event", [event for event in EventType if event is not PLACED])
def test_what_the_erp_has_already_must_hear_of_changes_at_once(event: EventType) -> None:
    assert closed(facts(state="holded"), event) == "open"


def test_an_order_without_facts_goes() -> None:
    assert closed(None) == "open"
