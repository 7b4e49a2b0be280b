"""Orders as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from sidecar.domains.orders import memory
from sidecar.domains.orders.compare import (
    CANCELED,
    HOLDED,
    KnownOrder,
    compare,
    facts_of,
    fingerprint,
    is_our_old_hold,
    placed_at,
)
from sidecar.domains.orders.events import (
    ORDER_CANCELED,
    ORDER_PLACED,
    ORDER_UPDATED,
    ORDER_VANISHED,
)
from sidecar.domains.orders.invariants import TOLERANCE, differences, is_nameless, problems
from sidecar.domains.orders.payload import Order, Vanished
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.stores import StoreLimit, is_taken
from sidecar.model.entity import Comparison, KnownEntity, Snapshot
from sidecar.model.guest import GUEST, Guests, guest_id

_NO_GUESTS = Guests()


class OrderExaminer:
    """`stores`: to which it is limited; `tolerance`: how far an order's sums may be off.

    `guests`: what becomes of those who order without an account.
    """

    spec = SPEC

    def __init__(
        self,
        reader: OrderReader,
        stores: StoreLimit,
        *,
        tolerance: Decimal = TOLERANCE,
        guests: Guests = _NO_GUESTS,
    ) -> None:
        self._guests = guests
        self._reader = reader
        self._stores = stores
        self._tolerance = tolerance

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        marks = self._reader.address_marks(view, ids)
        orders = self._reader.read(view, ids)
        taken = self._stores.takes(view)
        return {
            entity_id: snapshot(order, marks[entity_id], taken, self._guests)
            for entity_id, order in orders.items()
        }

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `Examiner`."""
        outline = self._reader.outline(connection, entity_id)
        if outline is None:
            return None
        remains = outline.order
        return Snapshot(
            entity_id=entity_id,
            number=remains.increment_id,
            payload=remains,
            state=remains.state,
            status=remains.status,
            amount=remains.grand_total,
            currency=remains.order_currency_code,
            updated_at=outline.updated_at,
            mark=self._reader.address_marks(connection, [entity_id])[entity_id],
            on_hold=remains.state == HOLDED,
        )

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """See `Examiner`."""
        order = _order(snapshot)
        before = known_order(known)
        comparison = compare(before, order, broken)
        ours = bool(before and before.held_by_us)
        if before and comparison.undone:
            ours = is_our_old_hold(before, order)
        held_by_us = ours and not comparison.another and order.state == HOLDED
        return Comparison(comparison.events, comparison.undone, comparison.another, held_by_us)

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        """See `Examiner`."""
        return fingerprint(_order(snapshot), broken)

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        """Why it must not go; what an operator sends as it is needs no more than a number."""
        order = _order(snapshot)
        return [] if as_is and not is_nameless(order) else problems(order, self._tolerance)

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """See `Examiner`."""
        return differences(_order(snapshot))

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """See `Examiner`."""
        remains = Vanished(
            entity_id=known.entity_id,
            increment_id=known.number,
            state=known.state,
            status=known.status,
            grand_total=known.amount,
            order_currency_code=known.currency,
        )
        return ORDER_VANISHED, remains

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """See `Examiner`."""
        return self._reader.ids_of(connection, number)

    def payload_of(self, type_: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        order = _order(snapshot)
        if type_ != ORDER_VANISHED:
            return order
        return Vanished(
            entity_id=order.entity_id,
            increment_id=order.increment_id,
            state=order.state,
            status=order.status,
            grand_total=order.grand_total,
            order_currency_code=order.order_currency_code,
        )

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        order = _order(snapshot)
        return {
            "state": order.state,
            "status": order.status,
            "ext_order_id": order.ext_order_id,
            "grand_total": order.grand_total,
            "tax_amount": order.tax_amount,
            "currency": order.order_currency_code,
            "lines": len(order.sellable_items),
            "payment_method": order.payment.method,
            "store_code": order.store_code,
            "created_at": order.created_at,
        }

    def of_unread(self, known: KnownEntity | None, outline: Snapshot) -> str:
        """See `Examiner`."""
        if known is None:
            return ORDER_PLACED
        if outline.state == CANCELED != known.state:
            return ORDER_CANCELED
        return ORDER_UPDATED


def snapshot(
    order: Order,
    mark: int,
    taken: Collection[int] | None = None,
    guests: Guests = _NO_GUESTS,
) -> Snapshot:
    """An order with what the ledger keeps of it; `taken`: the stores that are carried."""
    account = guests.account_of(order.increment_id) if _is_a_guests(order) else None
    return Snapshot(
        entity_id=order.entity_id,
        number=order.increment_id,
        payload=order if account is None else replace(order, guest_account=account),
        state=order.state,
        status=order.status,
        amount=order.grand_total,
        currency=order.order_currency_code,
        store_id=order.store_id,
        made_at=placed_at(order),
        updated_at=order.updated_at,
        mark=mark,
        facts=memory.encoded_facts(facts_of(order)),
        on_hold=order.state == HOLDED,
        parent=_orderer(order, guests),
        is_carried=is_taken(order.store_id, taken),
    )


def _orderer(order: Order, guests: Guests) -> tuple[str, int] | None:
    """Whose order it is: a customer's, or a guest's.

    By it an order waits for its customer, where it is to, and is found when a person is erased.
    """
    if order.customer_id is not None:
        return "customer", order.customer_id
    if not order.customer_email or not order.website_code:
        return None
    kind = "customer" if guests.policy == "create" and _is_a_guests(order) else GUEST
    return kind, guest_id(order.customer_email, order.website_code)


def _is_a_guests(order: Order) -> bool:
    """Not one whose customer was deleted since: it names none either."""
    return order.customer_id is None and order.customer_is_guest


def known_order(known: KnownEntity | None) -> KnownOrder | None:
    """What the ledger last knew of an order; what cannot be read is as if it were not there."""
    if known is None:
        return None
    return KnownOrder(
        known.state,
        known.fingerprint,
        known.status,
        known.our_number,
        known.held_by_us,
        memory.overwritten_or_none(known),
        known.vanished,
        known.made_at,
    )


def _order(snapshot: Snapshot) -> Order:
    if not isinstance(snapshot.payload, Order):
        raise TypeError(f"{snapshot.number} was read as an outline only")
    return snapshot.payload
