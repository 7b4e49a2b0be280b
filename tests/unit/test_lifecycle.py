"""Which event a look at an order comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domains.orders.compare import (
    Comparison,
    KnownOrder,
    Overwritten,
    compare,
    facts_of,
    fingerprint,
)
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.spec import SPEC
from sidecar.testing.sample_order import bundle_order, simple_order

PLACED, UPDATED, CANCELED, HELD, RELEASED, _ = SPEC.types
ORDER = simple_order("000000042")
STATES = ["new", "processing", "complete", "closed", "canceled", "holded", "payment_review", ""]


def order(**fields: Any) -> Order:
    return msgspec.structs.replace(ORDER, **fields)


def known(of: Order = ORDER, **fields: Any) -> KnownOrder:
    given: dict[str, Any] = {"state": of.state, "fingerprint": fingerprint(of)}
    return KnownOrder(**(given | fields))


def events(before: KnownOrder | None, now: Order) -> tuple[str, ...]:
    return compare(before, now).events


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("new", (PLACED,)),
        ("processing", (PLACED,)),
        ("complete", (PLACED,)),
        ("holded", (PLACED, HELD)),
        ("canceled", (PLACED, CANCELED)),
    ],
)
def test_an_order_seen_for_the_first_time(state: str, expected: tuple[str, ...]) -> None:
    assert events(None, order(state=state)) == expected


@given(st.sampled_from(STATES), st.booleans())
def test_an_order_that_is_as_known_yields_nothing(state: str, held_by_us: bool) -> None:
    now = order(state=state, ext_order_id="SO-1")
    before = known(now, ext_order_id="SO-1", held_by_us=held_by_us)

    assert compare(before, now) == Comparison(())


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_a_state_event_says_what_happened(before: str, after: str) -> None:
    found = events(known(order(state=before)), order(state=after))

    if before == after:
        assert found == ()
    elif after == "canceled":
        assert found == (CANCELED,)
    elif before == "canceled":
        assert found == (UPDATED, HELD) if after == "holded" else (UPDATED,)
    elif after == "holded":
        assert found == (HELD,)
    else:
        assert found == ((RELEASED,) if before == "holded" else ())


def test_an_order_that_is_back_is_news_though_nothing_in_it_changed() -> None:
    assert compare(replace(known(), vanished=True), order()).events == (UPDATED,)


class TestAnotherOrderInItsPlace:
    """A dump was restored: Magento counts from there again, also with the same numbers."""

    def test_is_placed_and_not_an_update_of_the_former(self) -> None:
        before = replace(known(), placed_at=datetime(2026, 1, 1))  # noqa: DTZ001 - as in the ledger

        finding = compare(before, order(customer_email="other@example.com"))

        assert (finding.events, finding.another) == ((PLACED,), True)

    def test_is_not_what_an_order_is_whose_moment_alone_was_corrected(self) -> None:
        before = replace(known(), placed_at=datetime(2026, 1, 1))  # noqa: DTZ001 - as in the ledger

        assert not compare(before, order()).another


def test_a_change_and_a_hold_at_once_are_two_events_the_change_first() -> None:
    assert events(known(), order(state="holded", customer_email="x@y")) == (UPDATED, HELD)


def test_of_a_canceled_order_only_the_cancel_is_told() -> None:
    assert events(known(), order(state="canceled", customer_email="x@y")) == (CANCELED,)


ITEM, ADDRESS = ORDER.items[0], ORDER.billing_address


def with_item(**fields: Any) -> Order:
    return order(items=(msgspec.structs.replace(ITEM, **fields), *ORDER.items[1:]))


@pytest.mark.parametrize(
    "changed",
    [
        order(customer_email="other@example.com"),
        order(grand_total=ORDER.grand_total + Decimal("0.01")),
        order(shipping_method="ups_ground"),
        order(coupon_code="SAVE10"),
        order(items=ORDER.items[1:]),
        order(items=ORDER.items[::-1]),
        order(billing_address=msgspec.structs.replace(ADDRESS, city="Ulm")),
        order(billing_address=msgspec.structs.replace(ADDRESS, street=("A", "B", "C"))),
        order(shipping_address=None),
        order(payment=msgspec.structs.replace(ORDER.payment, po_number="PO-1")),
        with_item(qty_ordered=Decimal(9)),
        with_item(qty_canceled=Decimal(1)),
        with_item(sku="OTHER"),
        with_item(price=Decimal("1.2345")),
    ],
)
def test_what_the_erp_must_be_told_of_is_an_update(changed: Order) -> None:
    assert events(known(), changed) == (UPDATED,)


@pytest.mark.parametrize(
    "changed",
    [
        order(discount_tax_compensation_amount=Decimal("0.01")),
        order(base_shipping_discount_tax_compensation_amnt=Decimal("0.01")),
        with_item(base_row_total=ITEM.base_row_total + 1),
        with_item(weee_tax_applied_row_amount=Decimal(1)),
        with_item(base_weee_tax_applied_row_amnt=Decimal(1)),
    ],
)
def test_whatever_counts_in_the_arithmetic_is_an_update(changed: Order) -> None:
    """An order is parked when it does not add up: mending any part of the sum must be seen."""
    assert events(known(), changed) == (UPDATED,)


@pytest.mark.parametrize(
    "same",
    [
        order(status="erp_received", ext_order_id="SO-1"),  # our own write-back
        order(total_paid=ORDER.grand_total, total_due=Decimal(0)),  # an invoice
        with_item(qty_invoiced=Decimal(1), qty_shipped=Decimal(1)),  # and a shipment
        order(total_refunded=Decimal(1)),
        order(grand_total=Decimal(f"{ORDER.grand_total:.8f}")),  # padded otherwise
        order(billing_address=msgspec.structs.replace(ADDRESS, entity_id=999)),
        order(billing_address=msgspec.structs.replace(ADDRESS, vat_is_valid=True)),
    ],
)
def test_what_is_none_of_the_erps_business_is_no_event(same: Order) -> None:
    assert events(known(), same) == ()


def test_an_order_known_from_the_baseline_only_has_no_content_to_compare() -> None:
    before = KnownOrder("new", None)

    assert events(before, order(customer_email="x@y")) == ()
    assert events(before, order(state="canceled")) == (CANCELED,)


def test_a_fingerprint_of_an_older_sidecar_is_replaced_in_silence() -> None:
    assert events(known(fingerprint="0:abc"), ORDER) == ()


def test_two_orders_never_share_a_fingerprint() -> None:
    assert fingerprint(ORDER) != fingerprint(bundle_order())
    assert fingerprint(order()) == fingerprint(ORDER)


HELD_BY_US = Overwritten("new", ORDER.status, None, held_by_us=False)
"""How an order stood before our refusal held it."""
RELEASED_BY_US = Overwritten("holded", "erp_rejected", None, held_by_us=True)
"""How an order stood before our acceptance took our hold back."""


class TestAStaleSaveOfMagento:
    """PHP loaded the order before our write and then saved all its columns."""

    def held(self, **fields: Any) -> KnownOrder:
        given: dict[str, Any] = {"state": "holded", "status": "erp_rejected", "held_by_us": True}
        return known(**(given | {"overwritten": HELD_BY_US} | fields))

    def accepted(self, **fields: Any) -> KnownOrder:
        given: dict[str, Any] = {"status": "erp_received", "ext_order_id": "SO-1"}
        return known(**(given | {"overwritten": HELD_BY_US} | fields))

    def test_that_took_the_erps_number_away_is_undone_and_no_event(self) -> None:
        assert compare(self.accepted(), order(ext_order_id=None)) == Comparison((), undone=True)

    def test_is_no_matter_where_another_system_took_the_column_over(self) -> None:
        assert compare(self.accepted(), order(ext_order_id="ch_123")) == Comparison(())

    def test_that_took_our_status_away_is_undone_where_the_number_stands_elsewhere(self) -> None:
        assert compare(self.accepted(ext_order_id=None), ORDER) == Comparison((), undone=True)

    def test_that_took_our_hold_away_is_no_release(self) -> None:
        assert compare(self.held(), ORDER) == Comparison((), undone=True)

    def test_that_took_our_hold_away_from_another_systems_number_is_no_release(self) -> None:
        before = self.held(overwritten=msgspec.structs.replace(HELD_BY_US, ext_order_id="ch_123"))

        assert compare(before, order(ext_order_id="ch_123")) == Comparison((), undone=True)

    def test_that_brought_our_old_hold_back_is_no_hold(self) -> None:
        before = self.accepted(overwritten=RELEASED_BY_US)

        found = compare(before, order(state="holded", status="erp_rejected"))

        assert found == Comparison((), undone=True)

    def test_that_canceled_the_order_is_a_cancel_all_the_same(self) -> None:
        assert events(self.held(), order(state="canceled", ext_order_id=None)) == (CANCELED,)

    def test_that_held_the_order_is_a_humans_hold(self) -> None:
        found = compare(self.accepted(), order(state="holded", ext_order_id=None))

        assert found == Comparison((HELD,), undone=True)

    def test_that_changed_something_is_an_update_too(self) -> None:
        now = order(ext_order_id=None, customer_email="x@y")

        assert compare(self.accepted(), now) == Comparison((UPDATED,), undone=True)

    def test_that_we_gave_up_to_write_again_is_found_once(self) -> None:
        assert compare(known(overwritten=HELD_BY_US, status=ORDER.status), ORDER) == Comparison(())


@pytest.mark.parametrize("status", ["erp_released", "processing", "a_status_of_a_module"])
def test_a_humans_unhold_of_our_hold_is_a_release(status: str) -> None:
    before = known(state="holded", status="erp_rejected", held_by_us=True, overwritten=HELD_BY_US)

    assert compare(before, order(state="new", status=status)) == Comparison((RELEASED,))


def test_where_unhold_cannot_be_told_from_a_stale_save_it_is_a_release() -> None:
    before = known(state="holded", status="erp_rejected", held_by_us=True)

    assert compare(before, ORDER) == Comparison((RELEASED,))


def test_what_is_due_is_reckoned_where_magento_left_the_column_empty() -> None:
    unpaid = facts_of(order(total_due=None, total_paid=None))
    half = facts_of(order(total_due=None, total_paid=ORDER.grand_total / 2))

    assert unpaid.total_due == ORDER.grand_total
    assert half.total_due == ORDER.grand_total / 2
    assert facts_of(order(total_due=Decimal(0))).total_due == 0
