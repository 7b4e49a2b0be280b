"""Make the ERP's deliveries into shipments of Magento, with their parcels; each once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal

from sidecar.database.connection import Database
from sidecar.domains.shipments.news import Delivery
from sidecar.domains.shipments.spec import SPEC
from sidecar.magento.made_once import kept_whole, made_once, mark_of, marked
from sidecar.magento.open_order import Mismatch, OpenLine, OpenOrder, OpenOrders
from sidecar.magento.rest import documents
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.documents import Quantity, Shipment, Track
from sidecar.model.errors import BadData
from sidecar.model.news import Application, Applied, Differs, InDoubt, NeedsPerson, News, Waits

#: The class of a difference between a delivery and what Magento can ship or has shipped.
SHIPMENT = "shipment"
#: States in which nothing may be shipped, now or ever.
_ENDED = frozenset({"canceled", "closed"})
_WAITING = frozenset({"holded", "payment_review", "pending_payment"})
_HELD_WAIT = 300.0


class ShipmentApplier:
    """See `sidecar.magento.applier.DocumentApplier`."""

    spec = SPEC

    def __init__(
        self, magento: MagentoRest, database: Database, orders: OpenOrders, *, notify: bool
    ) -> None:
        """`notify`: Magento sends its e-mail, where a delivery does not say."""
        self._magento = magento
        self._database = database
        self._orders = orders
        self._notify = notify

    def apply(self, news: News, writing: Callable[[str], None]) -> Application:
        """See `DocumentApplier`."""
        delivery = news.row
        if not isinstance(delivery, Delivery) or news.entity_id is None:
            raise BadData("this is no delivery")
        with self._database.transaction("reading what is open of an order") as connection:
            order = self._orders.read(connection, news.entity_id)
        if order is None:
            return NeedsPerson("the order is gone from Magento", "was it deleted?")
        mark = mark_of("delivery", news.account, news.number)
        found = marked(documents.shipments_of(self._magento, order.entity_id), mark)
        if found is not None:
            return self._there(news, delivery, order, found, writing)
        if obstacle := _obstacle(order):
            return obstacle
        try:
            lines = order.wanted(delivery.items, _open, shipping=True)
        except Mismatch as mismatch:
            return Differs(SHIPMENT, mismatch.ours, mismatch.theirs, mismatch.reason)
        if not lines:
            return Differs(SHIPMENT, "nothing is open", "", "nothing of the order is left to ship")
        made = made_once(news, _memory(lines), lambda: self._ship(order, delivery, lines, mark),
                         writing)  # fmt: skip
        if isinstance(made, InDoubt):
            return made
        return _compared(order, documents.shipment(self._magento, made), lines, delivery)

    def _ship(
        self, order: OpenOrder, delivery: Delivery, lines: Mapping[int, Decimal], mark: str
    ) -> int:
        return documents.ship(
            self._magento,
            order.entity_id,
            [Quantity(item_id, quantity) for item_id, quantity in lines.items()],
            [_track(one.track_number, one.title, one.carrier_code) for one in delivery.tracks],
            comment=mark,
            source_code=delivery.source_code,
            notify=self._notify if delivery.notify is None else delivery.notify,
        )

    def _there(
        self,
        news: News,
        delivery: Delivery,
        order: OpenOrder,
        found: Shipment,
        writing: Callable[[str], None],
    ) -> Application:
        """It was made: by a call without an answer, or it is told again with further parcels."""
        known = {track.track_number for track in found.tracks or ()}
        for one in delivery.tracks:
            track = _track(one.track_number, one.title, one.carrier_code)
            if track.track_number in known:
                continue
            made = made_once(
                news,
                news.memory or "",
                lambda track=track: documents.add_track(  # type: ignore[misc]
                    self._magento, order.entity_id, found.entity_id, track
                ),
                writing,
            )
            if isinstance(made, InDoubt):
                return made
        return _compared(order, found, _sent(news, delivery, order), delivery)


def _compared(
    order: OpenOrder, made: Shipment, lines: Mapping[int, Decimal] | None, delivery: Delivery
) -> Applied:
    """What stands in Magento against what was sent: it cuts and leaves out in silence."""
    stands = {line.order_item_id: line.qty for line in made.items or () if line.qty}
    what = f"shipment {made.increment_id} with {len(delivery.tracks)} parcel(s)"
    if lines is None or order.is_as_wanted(stands, lines, shipping=True):
        return Applied(what, document=made.entity_id)
    difference = Differs(SHIPMENT, _shown(stands), _shown(lines), "Magento shipped otherwise")
    return Applied(what, document=made.entity_id, differences=(difference,))


def _open(line: OpenLine) -> Decimal:
    return line.to_ship


def _obstacle(order: OpenOrder) -> Application | None:
    """Why nothing of the order may be shipped now."""
    if order.state in _ENDED:
        return Differs(SHIPMENT, order.state, "delivered", f"the order is {order.state} in Magento")
    if order.state in _WAITING:
        return Waits(f"the order is in the state {order.state} in Magento", _HELD_WAIT)
    return None


def _sent(news: News, delivery: Delivery, order: OpenOrder) -> Mapping[int, Decimal] | None:
    """The lines that the delivery asks for, by line of the order; None where it names none.

    What is open by now is no measure: the shipment itself has taken it.
    """
    if delivery.items is None:
        return _remembered(news.memory)
    try:
        return order.wanted(delivery.items, lambda line: line.ordered, shipping=True)
    except Mismatch:
        return _remembered(news.memory)


def _memory(lines: Mapping[int, Decimal]) -> str:
    return json.dumps({str(item_id): str(quantity) for item_id, quantity in lines.items()})


def _remembered(memory: str | None) -> Mapping[int, Decimal] | None:
    if not memory:
        return None
    return {int(item_id): Decimal(quantity) for item_id, quantity in json.loads(memory).items()}


def _shown(lines: Mapping[int, Decimal]) -> str:
    return ", ".join(f"{item_id}: {quantity.normalize():f}" for item_id, quantity in lines.items())


def _track(number: str, title: str, carrier: str) -> Track:
    return Track(kept_whole(number), kept_whole(title), kept_whole(carrier))
