"""One history: orders and refunds of a shop, the sidecar's stations, an ERP; what happens, and what
must hold.

The shop, the ledger and every station are the real ones; the ERP is in memory and remembers what it
was given (`remembering_erp`).  Time passes by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.ledger.events import BEHIND_ANOTHER
from sidecar.ledger.records import Records
from sidecar.model.settlement import CANCELED_DOCUMENT
from sidecar.testing.magento_db import Line, LoadedOrder, PlacedOrder, Shop
from tests.crash.refunds import Refunds
from tests.crash.remembering_erp import (
    Content,
    Document,
    Place,
    ProcessDied,
    Reaction,
    RememberingErp,
)
from tests.pipeline import Pipeline

#: `unknown.trust_absence_after` and `lease` of the pipeline's configuration, in seconds.
TRUST_ABSENCE_AFTER = 60
LEASE = 20
#: A write-back that Magento's own saves undo more often than this is given up, visibly.
MOST_STALE_SAVES = 5


@dataclass
class World:
    """What all histories share: the shop and the installed pipeline."""

    pipeline: Pipeline
    shop: Shop


@dataclass
class Sold:
    """One order, with what Magento holds of it in a process that is about to save it."""

    placed: PlacedOrder
    loaded: LoadedOrder | None = None
    stale_saves: int = 0
    is_deleted: bool = False

    @property
    def entity_id(self) -> int:
        return self.placed.entity_id

    @property
    def number(self) -> str:
        return self.placed.increment_id


@dataclass(frozen=True)
class Then:
    """What follows a step: which stations run once, and what the ERP does to the next calls;
    `deaf_for` questions it does not answer."""

    stations: str
    script: tuple[Reaction, ...]
    deaf_for: int


class History:
    """Orders are named by `pick`, counted from 0 among those that are there, and round again; a
    step that is impossible (to cancel what is paid) is not made."""

    def __init__(self, world: World, erp: RememberingErp) -> None:
        self.pipeline = world.pipeline
        self.shop = world.shop
        self.erp = erp
        self.sold: list[Sold] = []
        self.refunds = Refunds(world.pipeline, world.shop, erp)
        self._streets = 0
        self._select, self._table = world.shop.session.select, world.shop.session.table
        erp.freeze = self._freeze
        self.pipeline.sidecar.erps.adapters = {"main": erp}
        self.restart()

    # --- what customers, admins and Magento do --------------------------------------------------

    def place(self, cart: Sequence[Line], payment: str) -> None:
        self.sold.append(Sold(self.shop.place(cart, payment=payment)))

    def edit_address(self, pick: int) -> None:
        if order := self._pick(pick):
            self._streets += 1
            kind: Any = ("billing", "shipping")[self._streets % 2]
            self.shop.change_address(order.entity_id, kind, street=f"Changed {self._streets}")

    def hold(self, pick: int) -> None:
        if order := self._pick(pick, "new", "processing"):
            self.shop.hold(order.entity_id)

    def unhold(self, pick: int) -> None:
        if order := self._pick(pick, "holded"):
            self.shop.unhold(order.entity_id)

    def pay(self, pick: int) -> None:
        if order := self._pick(pick, "new"):
            order.loaded = None
            self.shop.invoice(order.entity_id)

    def cancel(self, pick: int) -> None:
        if order := self._pick(pick, "new"):
            order.loaded = None
            self.shop.cancel(order.entity_id)

    def refund(self, pick: int, *, whole: bool, is_open: bool) -> None:
        """Of an order that is paid, or is now: most histories would never come so far."""
        self.pay(pick)
        if order := self._pick(pick, "processing"):
            order.loaded = None
            self.refunds.issue(order.entity_id, order.number, whole=whole, is_open=is_open)

    def reopen(self, pick: int) -> None:
        if order := self._pick(pick, "canceled"):
            order.loaded = None
            self.shop.reopen(order.entity_id)

    def delete(self, pick: int) -> None:
        if order := self._pick(pick):
            order.loaded, order.is_deleted = None, True
            self.shop.delete(order.entity_id)

    def save_without_change(self, pick: int) -> None:
        if order := self._pick(pick):
            self.shop.save_without_change(order.entity_id)

    def load(self, pick: int) -> None:
        if order := self._pick(pick):
            order.loaded = self.shop.load_order(order.entity_id)

    def save_what_was_loaded(self, pick: int) -> None:
        """All columns as they were, whatever was written since: Magento knows no versions."""
        order = self._pick(pick)
        if order and order.loaded:
            order.stale_saves += 1
            order.loaded.order["customer_note"] = f"note {order.stale_saves}"
            order.loaded.save()
            order.loaded = None

    # --- what the sidecar, time and operators do ------------------------------------------------

    def then(self, then: Then) -> None:
        """Stations run once each, in their order, while the ERP does what the script says."""
        if "operator" in then.stations:
            self.pipeline.resume()
        if "intake" in then.stations:
            self.pipeline.intake.run_once()
        if "pump" in then.stations:
            self._deliver(then.script, then.deaf_for)
        if "write_back" in then.stations:
            self.pipeline.write_back.run_once()

    def lose_hints(self) -> None:
        """As triggers that were gone for a while."""
        self.pipeline.sql(f"DELETE FROM {self.pipeline.sidecar.names('outbox')}")

    def time_passes(self, seconds: int) -> None:
        self.pipeline.let_pass(seconds)
        self.erp.come_to_pass()

    def restart(self) -> None:
        """A new process, which knows what is in the database."""
        self.pipeline.pump.workers.close()
        self.pipeline.start()

    def requeue(self, pick: int) -> None:
        """As the remedy says: where the ERP cannot be asked, a person looks there first."""
        order = self._pick(pick, deleted=True)
        if order and self._may_requeue(order):
            self._requeue(order)

    def finish_draft(self, pick: int) -> None:
        if order := self._pick(pick, deleted=True):
            self.erp.finish(order.number)

    def deliver_while_paused(self) -> None:
        sent = len(self.erp.history)
        self.pipeline.pause()
        self._deliver()
        assert len(self.erp.history) == sent, "it was sent in a pause"
        self.pipeline.resume()

    # --- what must hold after every step --------------------------------------------------------

    def check(self) -> None:
        assert not self.erp.violations, self._stories()
        self.refunds.check()
        for event in self.pipeline.open_events():
            _check_says_why(event)
        for order in self.sold:
            number = self._order(order, "ext_order_id")
            if number is not None:
                own = [document.reference for document in self.erp.of(order.number)]
                assert number in own, self._story(order)

    # --- the end --------------------------------------------------------------------------------

    def end(self) -> None:
        """All that can go has gone, then people have mended the rest: now all is well."""
        self._drain()
        self._check_waiting()
        for _ in range(4):
            self._mend()
        self._check_waiting()
        for order in self.sold:
            self._check_end(order)
        self.refunds.check_end()

    def _drain(self) -> None:
        """The domain works, the ERP behaves, and what can go goes."""
        self.erp.behave()
        self.pipeline.resume()
        self.time_passes(TRUST_ABSENCE_AFTER)
        self.pipeline.run()
        self.check()

    def _mend(self) -> None:
        """People do what the remedies say, release every order and pay it."""
        waiting = {event.entity_id: event for event in self._open_events()}
        self.refunds.mend()
        for order in self.sold:
            self.erp.finish(order.number)
            event = waiting.get(order.entity_id)
            if event and event.error_code == CANCELED_DOCUMENT:
                self.erp.open_again(order.number, self._content(order))
            if order.entity_id in waiting and self._may_requeue(order):
                self._requeue(order)
        self._drain()
        for order in [order for order in self.sold if not order.is_deleted]:
            if self._order(order, "state") == "holded":
                self.shop.unhold(order.entity_id)
            if self._order(order, "state") == "new":
                self.shop.invoice(order.entity_id)
        self._drain()

    def _check_waiting(self) -> None:
        """What waits, waits for something that is there."""
        rows = self.pipeline.open_events()
        open_orders = {event.entity_id for event in self._open_events()}
        for event in rows:
            told = f"#{event.sequence} {event.status}\n" + self._stories()
            assert event.status in ("pending", "rejected", "parked"), f"hangs: {told}"
            if event.status != "pending":
                continue
            assert event.due_at is None, f"is due and does not go: {told}"
            others = [
                each
                for each in rows
                if (each.kind, each.entity_id) == (event.kind, event.entity_id)
                and each is not event
            ]
            if event.kind != "order":
                self.refunds.check_waits(event, others, open_orders=open_orders)
            elif event.waiting == BEHIND_ANOTHER:
                ahead = [
                    each
                    for each in others
                    if each.sequence < event.sequence or each.status == "parked"
                ]
                assert ahead, f"waits for nothing: {told}"
            else:
                assert event.waiting.startswith("gate"), told
                order = next(each for each in self.sold if each.entity_id == event.entity_id)
                is_held = self._order(order, "state") == "holded"
                is_unpaid = not self._order(order, "total_paid")
                assert is_held or is_unpaid, f"waits at an open gate: {told}"

    def _check_end(self, order: Sold) -> None:
        """Magento and the ERP agree about the order, or a person was told that they do not."""
        documents, told = self.erp.of(order.number), self._story(order)
        if any(event.entity_id == order.entity_id for event in self._open_events()):
            # Only what cannot be asked about, and what the clerk found booked, is left.
            assert not self.erp.probes, told
            assert not self.erp.dedupes, told
            assert documents, told
        elif order.is_deleted:
            return
        elif self._order(order, "state") == "canceled":
            assert all(document.canceled for document in documents), told
        else:
            living = [document for document in documents if not document.canceled]
            assert len(living) == 1, told
            self._check_accepted(order, living[0], told)

    def _check_accepted(self, order: Sold, document: Document, told: str) -> None:
        assert not document.canceled, told
        assert document.content == self._content(order), told
        assert self._order(order, "state") != "holded", told
        if order.stale_saves <= MOST_STALE_SAVES:
            assert self._order(order, "ext_order_id") == document.reference, told

    # --- how it is done -------------------------------------------------------------------------

    def _open_events(self) -> list[Any]:
        """Of orders."""
        return [event for event in self.pipeline.open_events() if event.kind == "order"]

    def _pick(self, pick: int, *states: str, deleted: bool = False) -> Sold | None:
        orders = [order for order in self.sold if deleted or not order.is_deleted]
        if not orders:
            return None
        order = orders[pick % len(orders)]
        return order if not states or self._order(order, "state") in states else None

    def _deliver(self, script: Sequence[Reaction] = (), deaf_for: int = 0) -> None:
        self.erp.script.extend(script)
        self.erp.deaf_for = deaf_for
        try:
            for pump in self.pipeline.pumps:
                pump.run_once()
        except ProcessDied:
            self.restart()
        self.erp.behave()

    def _freeze(self) -> None:
        """A SIGSTOP in the middle of a call: time passes, and another process takes over."""
        self.pipeline.let_pass(LEASE + 1)
        others = self.pipeline.sidecar.pumps("another process")
        script = list(self.erp.script)
        self.erp.script.clear()
        try:
            for pump in others:
                pump.run_once()
        finally:
            others[0].workers.close()
            self.erp.script.extend(script)

    def _may_requeue(self, order: Sold) -> bool:
        if self.erp.probes or self.erp.dedupes:
            return True
        living = [one for one in self.erp.of(order.number) if not one.canceled]
        return not living and not self.erp.is_working_on(order.number)

    def _requeue(self, order: Sold) -> None:
        entity = self.pipeline.sidecar.names("entity")
        known = f"SELECT 1 FROM {entity} WHERE kind = 'order' AND entity_id = %s"
        if self.pipeline.sql(known, order.entity_id):
            self.pipeline.requeue(order.number)

    def _order(self, order: Sold, column: str) -> Any:
        rows = self._select(
            f"SELECT {column} AS value FROM {self._table('sales_order')} WHERE entity_id = %s",
            [order.entity_id],
        )
        return rows[0]["value"] if rows else None

    def _content(self, order: Sold) -> Content:
        """What Magento holds of the order, read without the sidecar's own reader."""
        lines = self._select(
            f"SELECT sku, qty_ordered, row_total FROM {self._table('sales_order_item')} "
            "WHERE order_id = %s AND parent_item_id IS NULL ORDER BY item_id",
            [order.entity_id],
        )
        addresses = self._select(
            f"SELECT * FROM {self._table('sales_order_address')} WHERE parent_id = %s",
            [order.entity_id],
        )
        places: dict[str, Place] = {
            row["address_type"]: (row["street"] or "", row["city"] or "", row["postcode"] or "")
            for row in addresses
        }
        return Content(
            total=self._order(order, "grand_total").normalize(),
            tax=self._order(order, "tax_amount").normalize(),
            lines=tuple(
                (row["sku"], row["qty_ordered"].normalize(), row["row_total"].normalize())
                for row in lines
            ),
            billing=places["billing"],
            shipping=places.get("shipping"),
        )

    def _stories(self) -> str:
        return "\n".join([*map(self._story, self.sold), self.refunds.stories()])

    def _story(self, order: Sold) -> str:
        """All that the reader of a failure wants to know of an order."""
        events = self.pipeline.events(order.entity_id)
        attempts = self.pipeline.ask(Records.attempts_of, [event.id for event in events])
        columns = ("state", "status", "ext_order_id", "hold_before_state", "customer_note")
        standing = ", ".join(f"{name} {self._order(order, name)}" for name in columns)
        lines = [
            f"order {order.number} in Magento: {standing}",
            f"in the ERP ({self.erp.kind}): {self.erp.of(order.number)}",
            *(f"  given {line}" for line in self.erp.history if line.startswith(order.number)),
            *(f"  {line}" for line in self.erp.violations if order.number in line),
        ]
        for event in events:
            why = event.reason or event.waiting or ""
            lines.append(f"#{event.sequence} {event.type} {event.status} {why}")
            lines += [
                f"  {one.operation} {one.outcome} {one.reference or ''} {one.message}"
                for one in attempts
                if one.event == event.id
            ]
        return "\n".join(lines)


def _check_says_why(event: Any) -> None:
    """An event goes on by itself, or says why it does not and what is to be done."""
    told = f"{event.number} #{event.sequence} {event.type} {event.status}"
    match event.status:
        case "pending":
            assert event.due_at or event.waiting, f"{told} is forgotten"
        case "unknown":
            assert event.due_at, f"{told} is forgotten"
        case "rejected" | "parked":
            assert event.reason, f"{told} does not say why"
            assert event.remedy, f"{told} does not say what to do"
