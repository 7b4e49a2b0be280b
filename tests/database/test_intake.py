"""From hints to events: what a look at the shop comes to, whatever happens in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from sidecar.capture.outbox import Hint
from sidecar.capture.sweep import SWEEP
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.spec import SPEC
from sidecar.model.errors import SidecarError
from sidecar.model.event import decode_payload
from sidecar.testing.magento_db import Line, Shop
from tests.harness import Beside, ScriptedErp


class Crash(BaseException):
    """The process dies here: no error, which would be one order's own affair."""


def corrupt(beside: Beside, entity_id: int, **columns: object) -> None:
    """Change columns of an order behind Magento's back."""
    sets = ", ".join(f"{column} = %s" for column in columns)
    beside.sql(
        f"UPDATE {beside.schema.table('sales_order')} SET {sets} WHERE entity_id = %s",
        *columns.values(),
        entity_id,
    )


class TestALook:
    def test_at_a_new_order_is_a_placement_with_its_whole_payload(
        self, beside: Beside, php: Shop
    ) -> None:
        placed = php.place([Line("MUG", 2), Line("TEASET")])

        assert beside.look() == [(placed.entity_id, "order.placed", "pending")]

        (event,) = beside.events()
        order = decode_payload(SPEC.event(ORDER_PLACED), event.payload)
        assert isinstance(order, Order)
        assert order.increment_id == placed.increment_id
        assert order.grand_total == placed.grand_total == event.amount
        assert event.event_id == f"main.order.{placed.entity_id}.1"
        assert order.billing_address.city

    def test_that_finds_nothing_new_writes_nothing(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.look()

        for _ in range(3):
            beside.point(placed.entity_id, placed.entity_id)
            assert beside.look() == []
        assert beside.hints() == []

    def test_numbers_the_events_of_each_order(self, beside: Beside, php: Shop) -> None:
        one, two = php.place(), php.place()
        beside.look()
        for order in (one, two):
            php.change_address(order.entity_id, city="Ulm")
        php.hold(one.entity_id)
        beside.look()
        php.unhold(one.entity_id)
        php.cancel(one.entity_id)
        beside.look()

        events = beside.events()
        assert [event.sequence for event in events if event.entity_id == one.entity_id] == [
            1, 2, 3, 4,
        ]  # fmt: skip
        assert [event.sequence for event in events if event.entity_id == two.entity_id] == [1, 2]
        # Released and canceled between two looks: the cancel is what there is to tell.
        assert [event.type for event in events if event.entity_id == one.entity_id][-2:] == [
            "order.held",
            "order.canceled",
        ]

    def test_sees_an_order_that_came_and_went_between_two_looks(
        self, beside: Beside, php: Shop
    ) -> None:
        placed = php.place()
        php.cancel(placed.entity_id)

        assert [event for _, event, _ in beside.look()] == ["order.placed", "order.canceled"]

    def test_notes_an_order_that_was_deleted_once(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.look()
        php.delete(placed.entity_id)

        assert beside.look() == [(placed.entity_id, "order.vanished", "pending")]
        assert beside.look() == []
        event = beside.events()[-1]
        assert json.loads(event.payload)["increment_id"] == placed.increment_id
        assert event.amount == placed.grand_total

    def test_at_what_never_was_is_nothing(self, beside: Beside) -> None:
        beside.point(999_999)

        assert beside.look() == []
        assert beside.hints() == []

    def test_leaves_hints_of_a_kind_that_it_does_not_know_to_whoever_does(
        self, beside: Beside, php: Shop
    ) -> None:
        placed = php.place()
        beside.point(placed.entity_id, kind="creditmemo")

        assert beside.look(sweep=False) == []
        assert [hint[:2] for hint in beside.hints()] == [("creditmemo", placed.entity_id)]

    def test_takes_known_and_unknown_kinds_apart(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.point(placed.entity_id, kind="flying saucer")
        beside.point(placed.entity_id)

        assert beside.look(sweep=False) == [(placed.entity_id, "order.placed", "pending")]

    def test_at_many_orders_takes_several_passes_and_leaves_none(
        self, beside: Beside, php: Shop
    ) -> None:
        orders = [php.place() for _ in range(30)]
        for _ in range(20):
            beside.point(*(order.entity_id for order in orders))

        found = beside.look(sweep=False)

        assert sorted(entity for entity, _, _ in found) == [order.entity_id for order in orders]
        assert beside.hints() == []

    def test_tells_what_a_trigger_should_have_announced(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.intake._triggers_on = True
        try:
            beside.look(sweep=True)
        finally:
            beside.intake._triggers_on = False

        (told,) = beside.told.of("capture.trigger_missed")
        assert told["number"] == placed.increment_id
        assert told["domain"] == "orders"


class TestAHintOfTheSweep:
    """After a night without the daemon sweep and triggers point at the same orders."""

    def hint(self, beside: Beside, entity_id: int, seconds: int) -> None:
        beside.sql(
            "INSERT INTO {outbox} (kind, entity_id, pointed, created_at) VALUES "
            f"('order', %s, '{SWEEP}', CURRENT_TIMESTAMP(3) + INTERVAL %s SECOND)",
            entity_id,
            seconds,
        )

    def test_older_than_the_last_look_at_its_order_is_answered_by_that_look(
        self, beside: Beside, php: Shop
    ) -> None:
        placed = php.place()
        beside.look()
        corrupt(beside, placed.entity_id, customer_email="new@example.com")
        self.hint(beside, placed.entity_id, -60)

        assert beside.look(sweep=False) == []
        assert beside.hints() == []

    def test_newer_than_that_look_is_looked_at(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.look()
        corrupt(beside, placed.entity_id, customer_email="new@example.com")
        self.hint(beside, placed.entity_id, +60)

        assert beside.look(sweep=False) == [(placed.entity_id, "order.updated", "pending")]

    def test_does_not_keep_a_trigger_from_being_followed(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        beside.look()
        corrupt(beside, placed.entity_id, customer_email="new@example.com")
        self.hint(beside, placed.entity_id, -60)
        beside.point(placed.entity_id)

        assert beside.look(sweep=False) == [(placed.entity_id, "order.updated", "pending")]


class TestAnOrderThatDoesNotAddUp:
    def test_is_parked_with_the_arithmetic_and_stops_no_other(
        self, beside: Beside, php: Shop
    ) -> None:
        good, bad, also_good = php.place(), php.place(), php.place()
        corrupt(beside, bad.entity_id, grand_total=bad.grand_total + 1)

        found = {entity: status for entity, _, status in beside.look()}

        assert found == {
            good.entity_id: "pending",
            bad.entity_id: "parked",
            also_good.entity_id: "pending",
        }
        event = beside.sql("SELECT * FROM {event} WHERE entity_id = %s", bad.entity_id)[0]
        assert "grand_total is" in event.reason
        assert "1.00" in event.reason
        assert event.remedy
        assert (event.due_at, event.error_code) == (None, "bad_data")

    @pytest.mark.parametrize(
        "column", ["grand_total", "discount_tax_compensation_amount", "shipping_amount"]
    )
    def test_goes_by_itself_when_it_was_mended(
        self, beside: Beside, php: Shop, column: str
    ) -> None:
        placed = php.place()
        right = getattr(beside.order(placed.entity_id), column)
        corrupt(beside, placed.entity_id, **{column: right + 1})
        beside.look()
        erp = ScriptedErp()
        beside.deliver(erp)
        assert erp.pushed == []

        corrupt(beside, placed.entity_id, **{column: right})
        assert beside.look() == [(placed.entity_id, "order.updated", "pending")]
        beside.deliver(erp)

        assert erp.types() == ("order.placed",)
        (sent,) = erp.pushed
        assert isinstance(sent.event.data, Order)
        assert getattr(sent.event.data, column) == right

    def test_can_be_canceled(self, beside: Beside, php: Shop) -> None:
        placed = php.place()
        corrupt(beside, placed.entity_id, grand_total=placed.grand_total + 1)
        beside.look()
        php.cancel(placed.entity_id)
        beside.look()
        erp = ScriptedErp()

        beside.deliver(erp)

        assert erp.pushed == []
        assert {status for _, status in beside.statuses()} == {"superseded"}

    def test_that_the_erp_has_already_does_not_keep_its_cancel_from_it(
        self, beside: Beside, php: Shop
    ) -> None:
        """Held while it did not add up: no call takes a hold, so nobody could ever send that."""
        placed, erp = php.place(), ScriptedErp()
        beside.look()
        beside.deliver(erp)
        corrupt(beside, placed.entity_id, grand_total=placed.grand_total + 1)
        php.hold(placed.entity_id)
        assert [status for _, _, status in beside.look()] == ["parked", "parked"]
        corrupt(beside, placed.entity_id, state="canceled")
        beside.look()

        beside.deliver(erp)

        assert erp.types() == ("order.placed", "order.canceled")

    def test_nothing_older_goes_in_its_place(self, beside: Beside, php: Shop) -> None:
        placed, erp = php.place(), ScriptedErp()
        beside.look()
        corrupt(beside, placed.entity_id, grand_total=placed.grand_total + 1)
        assert beside.look() == [(placed.entity_id, "order.updated", "parked")]

        beside.deliver(erp)

        assert erp.pushed == []


class TestOrdersFromBefore:
    @pytest.fixture(autouse=True)
    def _installed_beside_old_orders(self, beside: Beside, php: Shop) -> None:
        self.open = php.place()
        self.done = php.place()
        php.invoice(self.done.entity_id)
        php.ship(self.done.entity_id)
        beside.sql("DELETE FROM {installed} WHERE kind = 'baseline'")
        assert beside.installation.install(who="test").known == {"orders": 2}

    def test_are_no_events(self, beside: Beside) -> None:
        assert beside.look() == []
        beside.point(self.open.entity_id, self.done.entity_id)
        assert beside.look() == []

    def test_what_happens_to_them_later_is(self, beside: Beside, php: Shop) -> None:
        php.change_address(self.open.entity_id, via="api", city="Ulm")
        assert beside.look() == [(self.open.entity_id, "order.updated", "pending")]
        php.cancel(self.open.entity_id)
        assert beside.look() == [(self.open.entity_id, "order.canceled", "pending")]
        php.delete(self.done.entity_id)
        assert beside.look() == [(self.done.entity_id, "order.vanished", "pending")]

    def test_a_refund_of_one_that_was_finished_is_none_yet(self, beside: Beside, php: Shop) -> None:
        php.refund(self.done.entity_id)

        assert beside.look() == []

    def test_new_ones_are_events_at_once(self, beside: Beside, php: Shop) -> None:
        placed = php.place()

        assert beside.look() == [(placed.entity_id, "order.placed", "pending")]

    def test_installing_again_changes_nothing(self, beside: Beside, php: Shop) -> None:
        placed = php.place()

        again = beside.installation.install(who="test")

        assert (again.known, again.migrations, again.statuses) == ({}, [], [])
        assert beside.look() == [(placed.entity_id, "order.placed", "pending")]

    def test_a_cancel_of_one_is_asked_for_first(self, beside: Beside, php: Shop) -> None:
        erp = ScriptedErp()
        php.cancel(self.open.entity_id)
        beside.look()

        beside.deliver(erp)

        assert erp.probed == [self.open.increment_id]
        assert erp.pushed == []
        assert beside.statuses() == [("order.canceled", "superseded")]


def between_view_and_transaction(
    beside: Beside, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]
) -> None:
    """Let something happen after intake has read the shop and before it writes."""
    look = beside.intake._look

    def then_act(hints: Sequence[Hint], at: datetime) -> object:
        monkeypatch.undo()
        seen = look(hints, at)
        act()
        return seen

    monkeypatch.setattr(beside.intake, "_look", then_act)


class TestBetweenViewAndTransaction:
    def test_our_own_write_is_not_taken_for_magentos(
        self, beside: Beside, php: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed, erp = php.place(), ScriptedErp()
        beside.look()
        beside.deliver(erp)
        beside.point(placed.entity_id)
        between_view_and_transaction(beside, monkeypatch, beside.acknowledge)

        assert beside.look(sweep=False) == []

        assert beside.hints() == []
        assert beside.standing(placed.entity_id)[1] == "erp_received"
        assert "write_back.undone" not in beside.told.names()
        ((state, status, number),) = beside.sql("SELECT state, status, our_number FROM {entity}")
        assert (state, status, number) == beside.standing(placed.entity_id)

    def test_its_hint_stays_until_it_was_looked_at_again(
        self, beside: Beside, php: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed, other = php.place(), php.place()
        beside.look()
        beside.deliver(ScriptedErp())
        php.change_address(placed.entity_id, city="Ulm")
        php.change_address(other.entity_id, city="Ulm")
        beside.point(placed.entity_id, other.entity_id)

        def write_one_back() -> None:
            ids = "UPDATE {write_back} SET due_at = NULL WHERE entity_id = %s"
            beside.sql(ids, other.entity_id)
            beside.acknowledge()

        between_view_and_transaction(beside, monkeypatch, write_one_back)
        beside.intake.run_once()

        assert beside.hints() == [("order", placed.entity_id, "test")]
        assert [event.entity_id for event in beside.events()[2:]] == [other.entity_id]
        assert beside.look(sweep=False)[-1] == (placed.entity_id, "order.updated", "pending")

    def test_a_change_by_magento_comes_with_its_own_hint(
        self, beside: Beside, php: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = php.place()
        beside.point(placed.entity_id)

        def cancel() -> None:
            php.cancel(placed.entity_id)
            beside.point(placed.entity_id)

        between_view_and_transaction(beside, monkeypatch, cancel)

        assert [event for _, event, _ in beside.look(sweep=False)] == [
            "order.placed",
            "order.canceled",
        ]

    def test_a_new_order_that_another_intake_wrote_is_not_written_twice(
        self, beside: Beside, php: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = php.place()
        beside.point(placed.entity_id)
        between_view_and_transaction(beside, monkeypatch, lambda: drain_once(beside))

        beside.look(sweep=False)

        assert [event.type for event in beside.events()] == ["order.placed"]


def drain_once(beside: Beside) -> None:
    beside.intake.run_once()


class TestACrash:
    @pytest.mark.parametrize(
        ("room", "method"),
        [
            ("entities", "lock"),
            ("entities", "save"),
            ("events", "insert"),
            ("events", "wake"),
        ],
    )
    def test_in_the_middle_repeats_harmlessly(
        self,
        beside: Beside,
        php: Shop,
        monkeypatch: pytest.MonkeyPatch,
        room: str,
        method: str,
    ) -> None:
        placed = php.place()
        beside.point(placed.entity_id)

        def crash(*_: object, **__: object) -> None:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(getattr(beside.store, room), method, crash)
            with pytest.raises(Crash):
                beside.intake.run_once()
        assert beside.events() == []
        assert beside.sql("SELECT * FROM {entity}") == []
        assert len(beside.hints()) == 1

        assert beside.look(sweep=False) == [(placed.entity_id, "order.placed", "pending")]
        assert beside.hints() == []

    def test_after_the_transaction_but_before_the_log_repeats_harmlessly(
        self, beside: Beside, php: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = php.place()
        beside.point(placed.entity_id)

        def crash(*_: object, **__: object) -> None:
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr(beside.intake, "_report", crash)
            with pytest.raises(Crash):
                beside.intake.run_once()

        beside.look(sweep=True)
        assert [event.type for event in beside.events()] == ["order.placed"]


def test_intake_makes_no_checkout_wait(beside: Beside, php: Shop) -> None:
    """Its transaction is open and holds the ledger's rows; an order goes through all the same."""
    first = php.place()
    beside.look()
    php.session.select("SET SESSION innodb_lock_wait_timeout = 1")
    with beside.database.transaction() as connection:
        beside.store.entities.lock(connection, "order", [first.entity_id])
        connection.exec_driver_sql(f"SELECT * FROM {beside.store.names('outbox')}").all()

        php.place()
        php.cancel(first.entity_id)


def test_two_intakes_at_once_write_every_event_once(beside: Beside, php: Shop) -> None:
    orders = [php.place() for _ in range(10)]
    for _ in range(3):
        beside.point(*(order.entity_id for order in orders))
    start = threading.Barrier(2)
    unexpected: list[BaseException] = []

    def work() -> None:
        start.wait()
        for _ in range(20):
            try:
                if not beside.intake.run_once():
                    return
            except SidecarError:
                # A duplicate key or a lock: the pass is repeated.
                continue
            except BaseException as error:  # noqa: BLE001 - shown by the test itself
                unexpected.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    beside.look(sweep=False)

    assert unexpected == []
    assert sorted(event.entity_id for event in beside.events()) == [
        order.entity_id for order in orders
    ]


def test_a_rounding_that_magento_does_itself_parks_nothing(beside: Beside, php: Shop) -> None:
    php.place([Line("SHIRT", 3, option="Red")], coupon="SAVE10")
    php.place([Line("TEASET"), Line("GIFTBOX")], store="us")
    php.place([Line("RIBBON", 3)], prices_include_tax=True, shipping=Decimal("3.333"))

    assert {status for _, _, status in beside.look()} == {"pending"}


def test_no_statement_of_intake_locks_magentos_tables(beside: Beside, php: Shop) -> None:
    placed = php.place()
    beside.point(placed.entity_id)
    seen: list[str] = []

    def remember(_c: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = beside.database._engine
    sa.event.listen(engine, "before_cursor_execute", remember)
    try:
        beside.look()
    finally:
        sa.event.remove(engine, "before_cursor_execute", remember)

    shop = f"`{beside.magento.name}`."
    touching = [statement for statement in seen if shop in statement]
    assert touching
    assert not [
        statement
        for statement in touching
        if "FOR UPDATE" in statement or not statement.lstrip().startswith("SELECT")
    ]
