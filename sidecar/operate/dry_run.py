"""The exact calls that an order would make, shown and not made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains.orders.events import ORDER_PLACED, ORDER_VANISHED
from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import Order, Vanished
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.entities import KnownEntity
from sidecar.ledger.overview import Overview, Row
from sidecar.ledger.store import LedgerStore
from sidecar.magento.schema_probe import MagentoSchema
from sidecar.model.errors import BadData, UsageError
from sidecar.model.event import decode_payload, envelope, event_id, source_of
from sidecar.model.reference import Reference
from sidecar.model.settlement import OPEN
from sidecar.ports import Delivery, ErpAdapter, Link, Preview, Previewing

_KIND = "order"
_OPEN = frozenset(status.value for status in OPEN)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One order's calls, its own last; `calls` is empty where nothing carries such an event.

    `frozen`: the event waits in the ledger, so this is what the daemon sends next; else it was made
    of the order as Magento has it now.  `broken`: why the daemon would park it instead.
    """

    number: str
    entity_id: int
    event: str
    event_id: str
    frozen: bool
    broken: tuple[str, ...]
    calls: tuple[Preview, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    order: Order
    payload: msgspec.Struct
    event: str
    event_id: str
    sequence: int
    occurred_at: datetime
    frozen: bool
    link: Link | None


class DryRun:
    """Reads as intake does, and delivers as the courier does, up to the adapter's wire.

    `store` is None where the ledger is not installed yet.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore | None,
        magento: MagentoSchema,
        adapter: ErpAdapter,
        shop: str,
        *,
        tolerance: Decimal,
        reference: Reference | None = None,
    ) -> None:
        self._reference = reference or Reference()
        self._database = database
        self._store = store
        self._reader = OrderReader(magento)
        self._tolerance = tolerance
        self._adapter = adapter
        self._shop = shop

    def show(self, number: str, event: str | None = None) -> list[Rehearsed]:
        """The call of each order that carries this number (one per store).

        `event` None: what waits to be delivered, else the placement.  BadData for a number that
        Magento does not have, and for an order that cannot be mapped.
        """
        if not isinstance(self._adapter, Previewing):
            raise UsageError("this adapter cannot show its calls without making them")
        with self._database.snapshot("reading an order") as view:
            prepared = self._prepared(view, number, event)
        return [self._rehearsed(one, self._adapter) for one in prepared]

    def _prepared(self, view: sa.Connection, number: str, event: str | None) -> list[_Prepared]:
        orders = self._reader.read(view, self._reader.ids_of(view, number))
        if not orders:
            raise BadData(
                f"Magento has no order {number}",
                "the order's number is wanted as customers see it (increment_id)",
            )
        known: Mapping[int, KnownEntity] = {}
        links: Mapping[int, Link] = {}
        if self._store is not None:
            known = self._store.entities.read(view, _KIND, list(orders))
            links = self._store.journal.links(view, _KIND, list(orders))
        return [
            self._waiting(view, order, event, links.get(entity_id))
            or self._made(order, event, known.get(entity_id), links.get(entity_id))
            for entity_id, order in orders.items()
        ]

    def _waiting(
        self, view: sa.Connection, order: Order, event: str | None, link: Link | None
    ) -> _Prepared | None:
        """The order's oldest event that is not over, with its frozen payload."""
        if self._store is None:
            return None
        overview = Overview(self._store.tables)
        for row in overview.events_of(view, _KIND, order.entity_id):
            event_type = row["type"]
            if row["status"] in _OPEN and event in (None, event_type):
                found = overview.event(view, row["event_id"])
                return None if found is None else _frozen(order, event_type, found, link)
        return None

    def _made(
        self,
        order: Order,
        event: str | None,
        known: KnownEntity | None,
        link: Link | None,
    ) -> _Prepared:
        event_type = event or ORDER_PLACED
        sequence = (known.sequence if known else 0) + 1
        is_placement = event_type == ORDER_PLACED
        return _Prepared(
            order,
            _remains(order) if event_type == ORDER_VANISHED else order,
            event_type,
            event_id(self._shop, _KIND, order.entity_id, sequence),
            sequence,
            order.created_at if is_placement else order.updated_at or order.created_at,
            False,
            link,
        )

    def _rehearsed(self, one: _Prepared, adapter: Previewing) -> Rehearsed:
        number = one.order.increment_id
        event = envelope(
            one.payload,
            id=one.event_id,
            event=SPEC.event(one.event),
            source=source_of(self._shop),
            subject=f"{_KIND}/{number}",
            time=one.occurred_at,
            sequence=one.sequence,
        )
        broken = problems(one.payload, self._tolerance) if isinstance(one.payload, Order) else []
        return Rehearsed(
            number,
            one.order.entity_id,
            one.event,
            one.event_id,
            one.frozen,
            tuple(broken),
            tuple(adapter.preview(Delivery(event, self._ref(one), one.link))),
        )

    def _ref(self, one: _Prepared) -> str:
        """The external reference: as it was booked, or as it would be."""
        if one.link and one.link.ref:
            return one.link.ref
        order = one.order
        return self._reference.of(order.entity_id, order.increment_id, order.store_id)


def _frozen(order: Order, event_type: str, event: Row, link: Link | None) -> _Prepared:
    try:
        payload = decode_payload(SPEC.event(event_type), str(event["payload"]))
    except msgspec.MsgspecError as wrong:
        raise BadData(f"{event['event_id']}: its payload cannot be read: {wrong}") from wrong
    return _Prepared(
        order,
        payload,
        event_type,
        event["event_id"],
        event["sequence"],
        event["occurred_at"].replace(tzinfo=UTC),
        True,
        link,
    )


def _remains(order: Order) -> Vanished:
    return Vanished(
        entity_id=order.entity_id,
        increment_id=order.increment_id,
        state=order.state,
        status=order.status,
        grand_total=order.grand_total,
        order_currency_code=order.order_currency_code,
    )
