"""What must be so before a placement may go to the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sidecar.domains.orders.compare import Facts, facts_of
from sidecar.domains.orders.gate import OrderGate
from sidecar.domains.orders.memory import encoded_facts
from sidecar.domains.orders.payload import PaymentTransaction
from sidecar.model.errors import BadData
from sidecar.model.gates import waiting_at
from sidecar.testing.sample_order import simple_order

RULES = OrderGate({"checkmo": "paid", "paypal": "authorized", "free": "never", "default": "always"})


def facts(**fields: Any) -> Facts:
    """Nothing paid of 100."""
    given: dict[str, Any] = {
        "state": "new",
        "status": "pending",
        "payment_method": "checkmo",
        "grand_total": Decimal(100),
        "total_paid": Decimal(0),
        "total_due": Decimal(100),
        "authorized": False,
    }
    return Facts(**(given | fields))


def closed(known: Facts | None, *, held_by_us: bool = False, gate: OrderGate = RULES) -> str:
    memory = encoded_facts(known) if known else None
    return gate.closed(memory, held_by_us=held_by_us) or "open"


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


def test_an_authorisation_opens_the_gate() -> None:
    assert closed(facts(payment_method="paypal")) == "gate payment: paypal must be authorized first"
    assert closed(facts(payment_method="paypal", authorized=True)) == "open"


def transaction(kind: str, *, is_closed: bool = False) -> PaymentTransaction:
    return PaymentTransaction(
        transaction_id=1, txn_type=kind, txn_id="tr_7UhSN1zuXS", is_closed=is_closed
    )


@pytest.mark.parametrize(
    "proof",
    [
        {"amount_authorized": Decimal("0.01")},
        {"base_amount_authorized": Decimal(10)},
        {"amount_paid": Decimal(10)},
        {"base_amount_paid": Decimal(10)},
        {"transactions": (transaction("authorization"),)},
        {"transactions": (transaction("capture"),)},
        {"transactions": (transaction("capture", is_closed=True),)},
        {"transactions": (transaction("authorization", is_closed=True), transaction("capture"))},
    ],
)
def test_what_proves_that_money_stands_behind_an_order(proof: dict[str, Any]) -> None:
    payment = msgspec.structs.replace(simple_order().payment, **proof)

    assert facts_of(simple_order(payment=payment)).authorized


@pytest.mark.parametrize("paid", ["total_paid", "base_total_paid"])
def test_a_payment_of_the_order_is_proof_too(paid: str) -> None:
    order = msgspec.structs.replace(simple_order(), **{paid: Decimal(1)})

    assert facts_of(order).authorized


@pytest.mark.parametrize(
    "claim",
    [
        {},
        {"last_trans_id": "tr_7UhSN1zuXS"},
        {"amount_ordered": Decimal(100)},
        {"amount_authorized": Decimal(100), "amount_canceled": Decimal(100)},
        {"transactions": (transaction("order"),)},
        {"transactions": (transaction("authorization", is_closed=True),)},
        {"transactions": (transaction("void", is_closed=True),)},
        {"transactions": (transaction("refund", is_closed=True),)},
    ],
)
def test_what_does_not_prove_it(claim: dict[str, Any]) -> None:
    payment = msgspec.structs.replace(simple_order().payment, **claim)

    assert not facts_of(simple_order(payment=payment)).authorized


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        ({"state": "pending_payment"}, "begun the payment and not ended it"),
        ({"status": "pending_payment"}, "begun the payment and not ended it"),
        ({"state": "payment_review"}, "under review"),
        ({"state": "payment_review", "status": "fraud"}, "under review"),
        ({"state": "processing", "status": "fraud"}, "suspected of fraud"),
    ],
)
def test_while_magento_says_that_something_is_under_way_every_order_waits(
    standing: dict[str, str], why: str
) -> None:
    paid = {"total_due": Decimal(0), "total_paid": Decimal(100), "authorized": True}

    for method in ("checkmo", "paypal", "banktransfer"):
        said = closed(facts(payment_method=method, **paid, **standing))
        assert said.startswith("gate state: ")
        assert why in said


def test_which_states_wait_is_the_shops_to_say() -> None:
    gate = OrderGate({"default": "always"}, wait_in=["to_be_checked"])

    assert closed(facts(state="payment_review"), gate=gate) == "open"
    said = closed(facts(status="to_be_checked"), gate=gate)
    assert said == "gate state: to_be_checked in Magento: such orders wait"


def test_what_waits_is_told_by_its_gate_with_the_key_that_makes_it_wait() -> None:
    assert waiting_at({"hold": 1, "payment": 5, "state": 2}, "orders") == [
        "5 wait for payment (domains.orders.gate.payment)",
        "2 wait for Magento's state (domains.orders.gate.states)",
        "1 on hold",
    ]
    assert waiting_at({}, "orders") == []


def test_never_means_never_not_even_when_paid() -> None:
    known = facts(payment_method="free", total_due=Decimal(0))

    assert closed(known) == "gate payment: orders paid by free are never sent"


def test_other_methods_follow_the_default_and_without_one_they_go() -> None:
    assert closed(facts(payment_method="banktransfer")) == "open"
    assert closed(facts(), gate=OrderGate({})) == "open"
    assert closed(facts(), gate=OrderGate({"default": "paid"})) != "open"


def test_an_order_on_hold_waits_unless_the_hold_is_ours() -> None:
    held = facts(state="holded", total_due=Decimal(0))

    assert closed(held) == "gate hold: the order is on hold in Magento"
    assert closed(held, held_by_us=True) == "open"


def test_our_own_hold_does_not_open_the_payment_gate() -> None:
    assert "must be paid" in closed(facts(state="holded"), held_by_us=True)


def test_facts_that_somebody_changed_by_hand_decide_nothing() -> None:
    with pytest.raises(BadData, match="no gate can decide"):
        RULES.closed("{broken", held_by_us=False)


def test_an_order_without_facts_goes() -> None:
    assert closed(None) == "open"
