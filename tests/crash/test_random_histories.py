"""Random histories of orders, of the ERP's moods and of dying processes, over the real ledger.

The shop, the ledger and every station are the real ones; the ERP is in memory and remembers what it
was given (`remembering_erp`).  Time passes by hand.  After every step, and at the end when all
that can go has gone and a person has mended the rest, the promises of DESIGN must hold.

`ERP_SIDECAR_HISTORIES` is the number of histories, `ERP_SIDECAR_SEED` where they begin.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from sidecar.domain.lifecycle import REFUSED_MARK
from sidecar.ledger.events import BEHIND_ANOTHER
from sidecar.ledger.overview import Overview
from sidecar.testing.magento_db import (
    Line,
    LoadedOrder,
    PlacedOrder,
    PrivateServer,
    Shop,
    create_magento,
)
from tests.crash.remembering_erp import (
    Content,
    Document,
    Place,
    ProcessDied,
    Reaction,
    RememberingErp,
)
from tests.pipeline import HandClock, Pipeline

HISTORIES = int(os.environ.get("ERP_SIDECAR_HISTORIES", "25"))
STEPS = int(os.environ.get("ERP_SIDECAR_STEPS", "25"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261123"))
MOST_ORDERS = 3
#: `unknown.trust_absence_after` and `lease` of the pipeline's configuration, in seconds.
TRUST_ABSENCE_AFTER = 60
LEASE = 20
#: A write-back that Magento's own saves undo more often than this is given up, visibly.
MOST_STALE_SAVES = 5

WITHOUT_HOLDS = frozenset({"order.placed", "order.updated", "order.canceled"})
WITH_HOLDS = WITHOUT_HOLDS | {"order.held", "order.released"}
PICK = st.integers(0, MOST_ORDERS - 1)
SCRIPT = st.lists(st.sampled_from(Reaction), max_size=4)
#: Questions that the ERP does not answer.
DEAF_FOR = st.sampled_from([0, 0, 0, 1, 2])
CARTS = ((Line("MUG"),), (Line("MUG", 2), Line("TEAPOT")), (Line("SHIRT", 3, option="Red"),))


@dataclass
class Sold:
    """One order of a history, with what a person or Magento holds of it."""

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


@dataclass
class World:
    """What all histories share: shop, installed pipeline, ERP."""

    pipeline: Pipeline
    shop: Shop
    erp: RememberingErp


class Histories(RuleBasedStateMachine):
    """One history."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.pipeline = world.pipeline
        self.sold: list[Sold] = []
        self.streets = 0

    @initialize(
        subscriptions=st.sampled_from([WITHOUT_HOLDS, WITH_HOLDS]),
        kind=st.sampled_from(["asks", "asks", "dedupes", "asks and dedupes", "neither"]),
        show_after=st.sampled_from([0.0, 30.0]),
        batch=st.sampled_from([1, 3]),
    )
    def begin(
        self, subscriptions: frozenset[str], kind: str, show_after: float, batch: int
    ) -> None:
        self.erp = RememberingErp(
            clock=self.pipeline.clock,
            subscriptions=subscriptions,
            probes=kind.startswith("asks"),
            dedupes=kind.endswith("dedupes"),
            show_after=show_after,
            batch=batch,
            freeze=self._freeze,
        )
        self.pipeline.sidecar.adapter = self.erp
        self._restart()
        self.sold.append(Sold(self.world.shop.place()))

    @rule(
        pick=PICK,
        act=st.sampled_from(
            ["place", "edit", "edit", "hold", "pay", "cancel", "delete", "save", "load", "load"]
        ),
        cart=st.sampled_from(CARTS),
        payment=st.sampled_from(["checkmo", "checkmo", "banktransfer"]),
    )
    def shop(self, pick: int, act: str, cart: tuple[Line, ...], payment: str) -> None:
        """What customers, admins and Magento do; what is impossible is not done."""
        if act == "place" and len(self.sold) < MOST_ORDERS:
            self.sold.append(Sold(self.world.shop.place(cart, payment=payment)))
        elif order := self._pick(pick):
            self._act(act, order)

    @rule(
        work=st.sampled_from(["take in", "sweep", "deliver", "both", "both", "write back"]),
        script=SCRIPT,
        deaf_for=DEAF_FOR,
    )
    def sidecar(self, work: str, script: list[Reaction], deaf_for: int) -> None:
        """One station runs once, while the ERP does what the script says."""
        if work == "sweep":
            self.pipeline.sweep.full()
        if work in ("take in", "both"):
            self.pipeline.intake.run_once()
        if work in ("deliver", "both"):
            self._deliver(script, deaf_for)
        if work == "write back":
            self.pipeline.write_back.run_once()

    @rule(script=SCRIPT)
    def round(self, script: list[Reaction]) -> None:
        """Every station runs once, in a domain that works."""
        self.pipeline.resume()
        self.pipeline.intake.run_once()
        self._deliver(script, 0)
        self.pipeline.write_back.run_once()

    @rule(seconds=st.sampled_from([3, LEASE + 5, TRUST_ABSENCE_AFTER + 5]))
    def time_passes(self, seconds: int) -> None:
        self.pipeline.let_pass(seconds)
        self.erp.come_to_pass()

    @rule(
        pick=PICK,
        act=st.sampled_from(["pause", "requeue", "requeue", "finish", "restart", "lose hints"]),
    )
    def operator(self, pick: int, act: str) -> None:
        """What people do to the sidecar and in the ERP, and what accidents do."""
        order = self._pick(pick, deleted=True)
        match act:
            case "pause":
                self._deliver_while_paused()
            case "requeue" if order and self._may_requeue(order):
                self._requeue(order)
            case "finish" if order:
                self.erp.finish(order.number)
            case "restart":
                self._restart()
            case "lose hints":
                self.pipeline.sql(f"DELETE FROM {self.pipeline.sidecar.names('outbox')}")

    # --- what must hold after every step --------------------------------------------------------

    @invariant()
    def promises_hold(self) -> None:
        if self.sold:
            assert self.erp.violations == []
            self._check_open_events()
            self._check_numbers()

    def _check_open_events(self) -> None:
        """Every event goes on by itself, or says why it does not and what is to be done."""
        for event in self.pipeline.open_events():
            told = f"{event.increment_id} #{event.sequence} {event.type} {event.status}"
            match event.status:
                case "pending":
                    assert event.due_at or event.waiting, f"{told} is forgotten"
                case "unknown":
                    assert event.due_at, f"{told} is forgotten"
                case "rejected" | "parked":
                    assert event.reason, f"{told} does not say why"
                    assert event.remedy, f"{told} does not say what to do"

    def _check_numbers(self) -> None:
        """What the ERP calls an order stands on that order and on no other."""
        for order in self.sold:
            ext = self._order(order, "ext_order_id")
            if ext not in (None, REFUSED_MARK):
                assert ext in [each.reference for each in self.erp.of(order.number)]

    # --- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        """In the end all is as it should be; not looked at when a step has failed already."""
        try:
            if sys.exc_info()[0] is None and self.sold:
                self._end()
        finally:
            self.pipeline.resume()
            self.pipeline.forget()

    def _end(self) -> None:
        self._drain()
        self._check_waiting()
        for _ in range(4):
            self._mend()
            self._drain()
        self._check_waiting()
        for order in self.sold:
            self._check(order)

    def _drain(self) -> None:
        """The domain works, the ERP behaves, and all that can go goes."""
        self.erp.behave()
        self.pipeline.resume()
        self.pipeline.let_pass(TRUST_ABSENCE_AFTER)
        self.pipeline.run()
        self.promises_hold()

    def _mend(self) -> None:
        """A person does what the remedies say, and releases every order."""
        for order in self.sold:
            self.erp.finish(order.number)
            waits = any(e.entity_id == order.entity_id for e in self.pipeline.open_events())
            if waits and self._may_requeue(order):
                self._requeue(order)
        self._drain()
        for order in self.sold:
            if not order.is_deleted and self._order(order, "state") == "holded":
                self.world.shop.unhold(order.entity_id)
            if not order.is_deleted and self._order(order, "state") == "new":
                self.world.shop.invoice(order.entity_id)

    def _check_waiting(self) -> None:
        """What waits, waits for something that is there."""
        rows = self.pipeline.open_events()
        for event in rows:
            told = f"{event.increment_id} #{event.sequence} {event.type} {event.status}"
            assert event.status in ("pending", "rejected", "parked"), f"{told} hangs"
            if event.status != "pending":
                continue
            earlier = [
                each
                for each in rows
                if each.entity_id == event.entity_id and each.sequence < event.sequence
            ]
            if event.waiting == BEHIND_ANOTHER:
                assert earlier or self._has_later_parked(rows, event), f"{told} waits for nothing"
            elif event.waiting.startswith("gate"):
                order = next(each for each in self.sold if each.entity_id == event.entity_id)
                unpaid = self._order(order, "total_paid") is None
                held = self._order(order, "state") == "holded"
                assert held or unpaid, f"{told} waits for {event.waiting}"
            else:
                raise AssertionError(f"{told} waits for {event.waiting!r}, due {event.due_at}")

    def _has_later_parked(self, rows: list[Any], event: Any) -> bool:
        return any(
            each.entity_id == event.entity_id and each.status == "parked" and each is not event
            for each in rows
        )

    def _check(self, order: Sold) -> None:
        """Magento and the ERP agree about the order, or a person was told that they do not."""
        waits = [e for e in self.pipeline.open_events() if e.entity_id == order.entity_id]
        documents = self.erp.of(order.number)
        told = self._story(order)
        if waits:
            # Only what cannot be asked about, and what the clerk found booked, is left.
            assert not self.erp.probes, told
            assert documents, told
            return
        if order.is_deleted:
            return
        state = self._order(order, "state")
        if state == "canceled":
            assert all(document.canceled for document in documents), told
            return
        assert len(documents) == 1, told
        (document,) = documents
        self._check_accepted(order, document, told)

    def _check_accepted(self, order: Sold, document: Document, told: str) -> None:
        assert not document.canceled, told
        assert document.content == self._content(order), told
        assert self._order(order, "state") != "holded", told
        if order.stale_saves <= MOST_STALE_SAVES:
            assert self._order(order, "ext_order_id") == document.reference, told

    # --- how it is done ---------------------------------------------------------------------------

    def _act(self, act: str, order: Sold) -> None:
        shop, state = self.world.shop, self._order(order, "state")
        match act:
            case "edit":
                self.streets += 1
                kind: Any = ("billing", "shipping")[self.streets % 2]
                shop.change_address(order.entity_id, kind, street=f"Changed {self.streets}")
            case "hold" if state in ("new", "processing"):
                shop.hold(order.entity_id)
            case "hold" if state == "holded":
                shop.unhold(order.entity_id)
            case "pay" if state == "new":
                order.loaded = None
                shop.invoice(order.entity_id)
            case "cancel" if state == "new":
                order.loaded = None
                shop.cancel(order.entity_id)
            case "delete":
                order.loaded, order.is_deleted = None, True
                shop.delete(order.entity_id)
            case "save":
                shop.save_without_change(order.entity_id)
            case "load" if order.loaded:
                # All columns as they were, whatever was written since: Magento knows no versions.
                order.loaded.order["customer_note"] = f"note {order.stale_saves}"
                order.loaded.save()
                order.loaded = None
                order.stale_saves += 1
            case "load":
                order.loaded = shop.load_order(order.entity_id)

    def _pick(self, pick: int, *states: str, deleted: bool = False) -> Sold | None:
        orders = [order for order in self.sold if deleted or not order.is_deleted]
        if not orders:
            return None
        order = orders[pick % len(orders)]
        return order if not states or self._order(order, "state") in states else None

    def _order(self, order: Sold, column: str) -> Any:
        rows = self.world.shop.session.select(
            f"SELECT {column} AS value FROM {self.world.shop.session.table('sales_order')} "
            "WHERE entity_id = %s",
            [order.entity_id],
        )
        return rows[0]["value"] if rows else None

    def _content(self, order: Sold) -> Content:
        """What Magento holds of the order, read without the sidecar's own reader."""
        select, table = self.world.shop.session.select, self.world.shop.session.table
        (head,) = select(
            f"SELECT grand_total, tax_amount FROM {table('sales_order')} WHERE entity_id = %s",
            [order.entity_id],
        )
        lines = select(
            f"SELECT sku, qty_ordered, row_total FROM {table('sales_order_item')} "
            "WHERE order_id = %s AND parent_item_id IS NULL ORDER BY item_id",
            [order.entity_id],
        )
        places: dict[str, Place] = {
            row["address_type"]: (row["street"] or "", row["city"] or "", row["postcode"] or "")
            for row in select(
                f"SELECT * FROM {table('sales_order_address')} WHERE parent_id = %s",
                [order.entity_id],
            )
        }
        return Content(
            total=_plain(head["grand_total"]),
            tax=_plain(head["tax_amount"]),
            lines=tuple(
                (row["sku"], _plain(row["qty_ordered"]), _plain(row["row_total"])) for row in lines
            ),
            billing=places["billing"],
            shipping=places.get("shipping"),
        )

    def _deliver(self, script: Sequence[Reaction] = (), deaf_for: int = 0) -> None:
        self.erp.script.extend(script)
        self.erp.deaf_for = deaf_for
        try:
            self.pipeline.pump.run_once()
        except ProcessDied:
            self._restart()
        self.erp.behave()

    def _deliver_while_paused(self) -> None:
        sent = len(self.erp.history)
        self.pipeline.pause()
        self._deliver()
        assert len(self.erp.history) == sent, "it was sent in a pause"
        self.pipeline.resume()

    def _restart(self) -> None:
        self.pipeline.pump.close()
        self.pipeline.start()

    def _freeze(self) -> None:
        """A SIGSTOP in the middle of a call: time passes, and another process takes over."""
        self.pipeline.let_pass(LEASE + 1)
        another = self.pipeline.sidecar.pump("another process")
        script, self.erp.script = self.erp.script, type(self.erp.script)()
        try:
            another.run_once()
        finally:
            another.close()
            self.erp.script = script

    def _story(self, order: Sold) -> str:
        """All that a failure's reader wants to know of an order."""
        events = self.pipeline.events(order.entity_id)
        attempts = self.pipeline.ask(Overview.attempts_of, [event["id"] for event in events])
        columns = ("state", "status", "ext_order_id", "hold_before_state", "customer_note")
        lines = [
            f"order {order.number} in Magento: "
            + ", ".join(f"{name} {self._order(order, name)}" for name in columns),
            f"in the ERP ({self.erp.kind}): {self.erp.of(order.number)}",
            *(f"  given {line}" for line in self.erp.history if line.startswith(order.number)),
            *self.erp.violations,
        ]
        for event in events:
            reason = event["reason"] or event["waiting"] or ""
            lines.append(f"#{event['sequence']} {event['type']} {event['status']} {reason}")
            lines += [
                f"  {one['operation']} {one['outcome']} {one['reference'] or ''} {one['message']}"
                for one in attempts
                if one["event"] == event["id"]
            ]
        return "\n".join(lines)

    def _may_requeue(self, order: Sold) -> bool:
        """A person obeys the remedy: where the ERP cannot be asked he looks there first."""
        if self.erp.probes or self.erp.dedupes:
            return True
        return not self.erp.of(order.number) and not self.erp.is_working_on(order.number)

    def _requeue(self, order: Sold) -> None:
        known = self.pipeline.sql(
            f"SELECT entity_id FROM {self.pipeline.sidecar.names('entity')} WHERE entity_id = %s",
            order.entity_id,
        )
        if known:
            self.pipeline.requeue(order.number)


def _plain(amount: Decimal) -> Decimal:
    return amount.normalize()


@pytest.fixture(scope="module")
def world(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    magento = create_magento(server, "histories")
    erp = RememberingErp(HandClock(), WITHOUT_HOLDS)
    folder = tmp_path_factory.mktemp("histories")
    with (
        Pipeline(
            magento, folder, adapter=erp, lease=LEASE, trust_absence_after=TRUST_ABSENCE_AFTER
        ) as pipeline,
        Shop(magento) as shop,
    ):
        yield World(pipeline, shop, erp)
    magento.drop()


@pytest.mark.timeout(3600)
def test_no_history_breaks_a_promise(world: World) -> None:
    print(f"ERP_SIDECAR_SEED={SEED} ERP_SIDECAR_HISTORIES={HISTORIES}")
    run_state_machine_as_test(
        hypothesis.seed(SEED)(lambda: Histories(world)),  # type: ignore[arg-type]
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate] + [Phase.shrink] * ("ERP_SIDECAR_NO_SHRINK" not in os.environ),
        ),
    )
