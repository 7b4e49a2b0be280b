"""Which business event a look at an order comes to: none, one or more.

Capture only points; this module decides, by comparing the order as it is now with what the ledger
last knew of it.  So a doubled hint, a missed trigger or a replay can do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.domains.orders.events import (
    ORDER_CANCELED,
    ORDER_HELD,
    ORDER_PLACED,
    ORDER_RELEASED,
    ORDER_UPDATED,
)
from sidecar.domains.orders.payload import Address, Order, OrderItem
from sidecar.model.digest import digest
from sidecar.model.entity import is_changed

#: Bumped when the fields below change: a fingerprint of another generation is replaced in silence,
#: otherwise an upgrade of the sidecar would report every order as updated.
FINGERPRINT_GENERATION = "2"

#: What an ERP must be told of when it changes, and all that the arithmetic of `invariants` counts.
#: Not in here: state and
#: status (they have events of their own), what invoices, shipments and refunds write, comments,
#: and what our own write-back writes (status, ext_order_id), which must make no echo.
_ORDER_FIELDS = (
    "increment_id", "store_id", "customer_id", "customer_email", "customer_prefix",
    "customer_firstname", "customer_middlename", "customer_lastname", "customer_suffix",
    "customer_taxvat", "customer_group_id", "base_currency_code", "order_currency_code",
    "coupon_code", "applied_rule_ids", "shipping_method", "pickup_location_code", "subtotal",
    "base_subtotal", "discount_amount", "base_discount_amount", "shipping_amount",
    "base_shipping_amount", "tax_amount", "base_tax_amount", "grand_total", "base_grand_total",
    "credits_amount", "base_credits_amount", "discount_tax_compensation_amount",
    "base_discount_tax_compensation_amount", "shipping_discount_tax_compensation_amount",
    "base_shipping_discount_tax_compensation_amnt", "shipping_discount_amount",
    "base_shipping_discount_amount", "surcharges", "gift_message",
)  # fmt: skip
_ITEM_FIELDS = (
    "item_id", "parent_item_id", "sku", "product_type", "qty_ordered", "qty_canceled", "price",
    "row_total", "base_row_total", "tax_amount", "discount_amount", "is_sellable",
    "weee_tax_applied_row_amount", "base_weee_tax_applied_row_amnt",
    "discount_tax_compensation_amount", "gift_message",
)  # fmt: skip
_ADDRESS_FIELDS = tuple(
    field for field in Address.__struct_fields__ if field not in {"entity_id", "vat_is_valid"}
)
_PAYMENT_FIELDS = ("method", "po_number")

CANCELED = "canceled"
HOLDED = "holded"


class Overwritten(msgspec.Struct, frozen=True):
    """How an order stood when our last write-back changed it: what a stale save brings back.

    Kept only where nobody else brings it back: after *Unhold* an order that we held has another
    status than before (docs/decisions/0033).
    """

    state: str
    status: str
    ext_order_id: str | None
    held_by_us: bool


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What the ledger last knew of an order; `fingerprint` is None for one known by baseline only.

    `ext_order_id` is the ERP's number as our own write-back put it on the order (None: not there);
    `held_by_us`: it also put the order on hold.  `vanished`: its row was gone.
    """

    state: str
    fingerprint: str | None
    status: str = ""
    ext_order_id: str | None = None
    held_by_us: bool = False
    overwritten: Overwritten | None = None
    vanished: bool = False
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one look came to.

    `another`: this is another order than the one that was known by this entity id (a dump was
    restored, and Magento counts from there again).

    `undone`: Magento saved an order that it had loaded before our write-back, with all its columns,
    and so took our write away (measured: magento-flows, lost update); it is to be written again.
    """

    events: tuple[str, ...]
    undone: bool = False
    another: bool = False


def compare(known: KnownOrder | None, order: Order, broken: Sequence[str] = ()) -> Comparison:
    """The events that bring the ledger from what it knew to what is; order matters.

    `broken`: why the order must not be sent as it is (`invariants`).
    """
    another = known is not None and _is_another(known, order, broken)
    if known is None or another:
        placed = (ORDER_PLACED, *_state_events("", order.state))
        return Comparison(placed, another=another)
    undone = _is_undone(known, order)
    state_events = _state_events(known.state, order.state)
    if undone and (known.held_by_us or is_our_old_hold(known, order)):
        # Our hold vanished with a stale save, or came back with one: nobody released or held.
        state_events = tuple(event for event in state_events if event == ORDER_CANCELED)
    # What still changes in a canceled order is no news for an ERP: it would refuse to touch the
    # canceled document, or has none, and a person would be called for nothing.
    lives_again = known.vanished or known.state == CANCELED
    changed = order.state != CANCELED and (
        lives_again or _is_changed(known.fingerprint, order, broken)
    )
    return Comparison((ORDER_UPDATED,) * changed + state_events, undone)


def _is_another(known: KnownOrder, order: Order, broken: Sequence[str]) -> bool:
    """Magento never changes the moment of placing; somebody who does it by hand changes no more."""
    if known.placed_at is None or known.placed_at == placed_at(order):
        return False
    return (
        known.vanished or known.fingerprint is None or _is_changed(known.fingerprint, order, broken)
    )


def placed_at(order: Order) -> datetime:
    """When the order was placed (UTC, whole seconds, as the ledger keeps it)."""
    return order.created_at.replace(tzinfo=None, microsecond=0)


def is_our_old_hold(known: KnownOrder, order: Order) -> bool:
    """A hold that a refusal of the ERP put there, brought back by a stale save of Magento."""
    before = known.overwritten
    return order.state == HOLDED and before is not None and before.held_by_us


def _is_undone(known: KnownOrder, order: Order) -> bool:
    """Whether a save that was loaded before our last write took it away.

    The number tells, where our write put it there: nobody else takes it out.  Else the order stands
    exactly as it stood before.
    """
    before = known.overwritten
    if known.ext_order_id is not None and order.ext_order_id != known.ext_order_id:
        # Another number was put there since, by somebody to whom the column belongs.
        taken_over = order.ext_order_id not in (None, "", before and before.ext_order_id)
        return not taken_over
    if before is None or known.ext_order_id not in (None, before.ext_order_id):
        return False
    stands = (order.state, order.status)
    return stands == (before.state, before.status) and stands != (known.state, known.status)


def fingerprint(order: Order, broken: Sequence[str] = ()) -> str:
    """Digest of everything an ERP must be told of when it changes.

    That what is `broken` of it is so no more is such a change, whatever took it away: data that an
    importer wrote later, a tolerance that was configured, an operator who sends it as it is.
    """
    content = (
        _values(order, _ORDER_FIELDS),
        [_values(item, _ITEM_FIELDS) for item in order.items],
        _values(order.billing_address, _ADDRESS_FIELDS),
        _values(order.shipping_address, _ADDRESS_FIELDS) if order.shipping_address else None,
        _values(order.payment, _PAYMENT_FIELDS),
        *broken,
    )
    return f"{FINGERPRINT_GENERATION}:{digest(content)}"


def _is_changed(before: str | None, order: Order, broken: Sequence[str]) -> bool:
    return before is not None and is_changed(before, fingerprint(order, broken))


def _state_events(before: str, now: str) -> tuple[str, ...]:
    if before == now:
        return ()
    if now == CANCELED:
        return (ORDER_CANCELED,)
    if now == HOLDED:
        return (ORDER_HELD,)
    if before == HOLDED:
        return (ORDER_RELEASED,)
    return ()


def _values(
    value: Order | OrderItem | Address | msgspec.Struct, fields: tuple[str, ...]
) -> list[object]:
    return [_plain(getattr(value, field)) for field in fields]


def _plain(value: object) -> object:
    # 15.0000 and 15.00 are one amount: a server that pads differently has changed nothing.
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, msgspec.Struct):
        return _values(value, value.__struct_fields__)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What gates decide on, kept beside the ledger's memory of the order.

    `authorized`: somebody holds the money for us, or we have it; amounts in the order's currency.
    """

    state: str
    status: str
    payment_method: str
    grand_total: Decimal
    total_paid: Decimal
    total_due: Decimal
    authorized: bool


#: Transactions that hold or move money; `order` only says that a payment was begun.
_AUTHORIZATION, _CAPTURE = "authorization", "capture"


def facts_of(order: Order) -> Facts:
    """The gate's view of an order."""
    return Facts(
        state=order.state,
        status=order.status,
        payment_method=order.payment.method,
        grand_total=order.grand_total,
        total_paid=order.total_paid or Decimal(0),
        # Magento reckons it, the column may be NULL: that must not read as "nothing is due".
        total_due=order.grand_total - (order.total_paid or Decimal(0))
        if order.total_due is None
        else order.total_due,
        authorized=_is_authorized(order),
    )


def _is_authorized(order: Order) -> bool:
    """Whether money stands behind the order.

    A transaction id alone does not say so: modules write it when they send the customer to the
    payment page.  An authorization that was voided is closed, and its amount canceled; one that
    was captured is closed too, and its capture stands beside it.
    """
    payment = order.payment
    return (
        _left(payment.amount_authorized, payment.amount_canceled)
        or _left(payment.base_amount_authorized, payment.base_amount_canceled)
        or (payment.amount_paid or 0) > 0
        or (payment.base_amount_paid or 0) > 0
        or (order.total_paid or 0) > 0
        or (order.base_total_paid or 0) > 0
        or any(
            transaction.txn_type == _CAPTURE
            or (transaction.txn_type == _AUTHORIZATION and not transaction.is_closed)
            for transaction in payment.transactions
        )
    )


def _left(authorized: Decimal | None, canceled: Decimal | None) -> bool:
    return (authorized or Decimal(0)) - (canceled or Decimal(0)) > 0
