"""The ERP's answer on the Magento order: what is written, what survives, what comes back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from sidecar.capture.intake import MOST_REAPPLIED
from sidecar.domains.orders.acknowledge import Rules
from sidecar.model.outcome import Accepted, Booked, Rejected
from sidecar.testing.magento_db import PlacedOrder, Shop
from tests.harness import Beside, ScriptedErp, detail_of

#: PHP writes sales_order only when something in it changed.
_notes = count(1)
NO = Rejected(message="Credit limit exceeded", code="CR1")


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


def number(order: PlacedOrder) -> str:
    """What `ScriptedErp` calls the order."""
    return f"SO-{order.increment_id}"


def answer(beside: Beside, erp: ScriptedErp) -> None:
    """Everything up to the answer, without writing it back."""
    beside.look()
    beside.make_due()
    beside.deliver(erp)


def accepted(beside: Beside, php: Shop, erp: ScriptedErp) -> PlacedOrder:
    order = php.place()
    answer(beside, erp)
    beside.acknowledge()
    return order


def rejected(beside: Beside, php: Shop, erp: ScriptedErp) -> PlacedOrder:
    order = php.place()
    erp.answers[order.increment_id] = [NO]
    answer(beside, erp)
    beside.acknowledge()
    return order


def grid_status(beside: Beside, order: PlacedOrder) -> str:
    table = beside.schema.table("sales_order_grid")
    ((status,),) = beside.sql(f"SELECT status FROM {table} WHERE entity_id = %s", order.entity_id)
    return str(status)


def write_backs(beside: Beside) -> list[Any]:
    return beside.sql("SELECT * FROM {write_back} ORDER BY id")


class TestAnAcceptance:
    def test_stands_on_the_order_in_the_grid_and_in_the_history(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert grid_status(beside, order) == "erp_received"
        assert beside.comments(order.entity_id) == [f"ERP order {number(order)}"]

    def test_makes_no_echo(self, beside: Beside, php: Shop, erp: ScriptedErp) -> None:
        accepted(beside, php, erp)

        assert beside.look(sweep=False) == []
        assert beside.look(sweep=True) == []
        assert len(erp.pushed) == 1

    def test_survives_what_magento_does_afterwards(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)

        php.hold(order.entity_id)
        php.unhold(order.entity_id)
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        php.invoice(order.entity_id)
        assert beside.standing(order.entity_id) == ("processing", "processing", number(order))

    @pytest.mark.parametrize("end", ["complete", "closed", "canceled"])
    def test_leaves_state_and_status_of_a_finished_order(
        self, beside: Beside, php: Shop, erp: ScriptedErp, end: str
    ) -> None:
        order = php.place()
        answer(beside, erp)
        if end == "canceled":
            php.cancel(order.entity_id)
        else:
            php.invoice(order.entity_id)
            php.ship(order.entity_id)
        if end == "closed":
            php.refund(order.entity_id)

        beside.acknowledge()

        assert beside.standing(order.entity_id) == (end, end, number(order))

    def test_stays_below_a_humans_hold_and_comes_out_with_unhold(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        php.hold(order.entity_id)

        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", "holded", number(order))
        php.unhold(order.entity_id)
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_is_written_once(self, beside: Beside, php: Shop, erp: ScriptedErp) -> None:
        order = accepted(beside, php, erp)

        beside.make_due()
        beside.acknowledge()

        assert len(beside.comments(order.entity_id)) == 1
        assert [row.applied for row in write_backs(beside)] == [1]

    def test_of_many_orders_is_each_its_own(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        orders = [php.place() for _ in range(25)]
        for order in orders[::5]:
            erp.answers[order.increment_id] = [NO]
        answer(beside, erp)

        beside.acknowledge()

        for index, order in enumerate(orders):
            wanted = (
                ("new", "erp_received", number(order))
                if index % 5
                else ("holded", "erp_rejected", None)
            )
            assert beside.standing(order.entity_id) == wanted

    def test_of_an_order_without_a_grid_row_yet_is_written_all_the_same(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        beside.sql(f"DELETE FROM {beside.schema.table('sales_order_grid')}")
        answer(beside, erp)

        beside.acknowledge()

        assert beside.standing(order.entity_id)[1] == "erp_received"

    def test_of_an_order_that_is_gone_is_refused_and_stops_no_other(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        gone, there = php.place(), php.place()
        answer(beside, erp)
        php.delete(gone.entity_id)

        beside.acknowledge()

        assert {row.state for row in write_backs(beside)} == {"refused", "applied"}
        assert beside.standing(there.entity_id)[1] == "erp_received"

    @pytest.mark.parametrize("text", ["☕ 日本", "🍵 TEAPOT is unknown", "ö" * 100_000])
    def test_whatever_the_erp_says_the_refusal_is_written(
        self, beside: Beside, php: Shop, erp: ScriptedErp, text: str
    ) -> None:
        """Magento's tables are utf8mb3: beyond the BMP they hold nothing."""
        order, other = php.place(), php.place()
        erp.answers[order.increment_id] = [Rejected(message=text)]
        answer(beside, erp)

        beside.acknowledge()

        assert beside.standing(order.entity_id)[1] == "erp_rejected"
        assert beside.standing(other.entity_id)[1] == "erp_received"
        (comment,) = beside.comments(order.entity_id)
        assert comment.startswith("ERP refused: ")

    def test_with_a_status_that_magento_does_not_know_there_is_said_and_left_out(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        registry = beside.schema.table("sales_order_status_state")
        beside.sql(f"DELETE FROM {registry} WHERE status = 'erp_received' AND state = 'new'")

        beside.acknowledge()
        beside.installation.install(who="test")

        assert beside.standing(order.entity_id) == ("new", "pending", number(order))
        (row,) = write_backs(beside)
        assert "not assigned to state new" in row.message


class TestARefusal:
    def test_holds_the_order_as_magento_holds(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = rejected(beside, php, erp)

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)
        row = beside.order(order.entity_id)
        assert (row.hold_before_state, row.hold_before_status) == ("new", "erp_released")
        assert beside.comments(order.entity_id) == ["ERP refused: Credit limit exceeded"]
        assert beside.look() == []

    def test_is_over_with_unhold_and_the_order_goes_again(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = rejected(beside, php, erp)

        php.unhold(order.entity_id)
        assert beside.standing(order.entity_id)[:2] == ("new", "erp_released")
        assert beside.look() == [(order.entity_id, "order.released", "pending")]
        beside.deliver(erp)
        beside.acknowledge()

        assert erp.types() == ("order.placed", "order.placed")
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert beside.look() == []

    def test_that_comes_twice_is_over_with_each_unhold(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        erp.answers[order.increment_id] = [NO, NO, NO]
        statuses = []
        for _ in range(3):
            answer(beside, erp)
            beside.acknowledge()
            assert beside.standing(order.entity_id)[:2] == ("holded", "erp_rejected")
            assert beside.look() == []
            php.unhold(order.entity_id)
            statuses.append(beside.standing(order.entity_id)[1])
        answer(beside, erp)
        beside.acknowledge()

        assert statuses == ["erp_released", "pending", "erp_released"]
        assert len(erp.pushed) == 4
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_that_was_requeued_and_accepted_takes_its_hold_back(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = rejected(beside, php, erp)

        self.requeue(beside)
        beside.deliver(erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        row = beside.order(order.entity_id)
        assert (row.hold_before_state, row.hold_before_status) == (None, None)
        assert beside.look() == []

    def requeue(self, beside: Beside) -> None:
        ids = [event.id for event in beside.events()]
        with beside.database.transaction() as connection:
            beside.store.acts.requeue(connection, ids, keep_doubt=True)

    def test_that_repeats_itself_is_written_again(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = rejected(beside, php, erp)
        erp.answers[order.increment_id] = [Rejected(message="still no")]

        php.unhold(order.entity_id)
        answer(beside, erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)
        assert beside.comments(order.entity_id) == [
            "ERP refused: Credit limit exceeded",
            "ERP refused: still no",
        ]

    def test_of_an_order_that_a_human_holds_leaves_his_hold(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        erp.answers[order.increment_id] = [NO]
        answer(beside, erp)
        php.hold(order.entity_id)
        beside.acknowledge()
        assert beside.standing(order.entity_id) == ("holded", "holded", None)
        assert beside.look() == [(order.entity_id, "order.held", "pending")]

        self.requeue(beside)
        beside.deliver(erp)
        beside.acknowledge()

        # The person's hold is his: at the gate the order waits until he lets it go.
        assert beside.standing(order.entity_id)[0] == "holded"
        assert len(erp.pushed) == 1
        php.unhold(order.entity_id)
        beside.look()
        beside.deliver(erp)
        beside.acknowledge()
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_of_a_finished_order_is_marked_only(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        erp.answers[order.increment_id] = [NO]
        answer(beside, erp)
        php.invoice(order.entity_id)
        php.ship(order.entity_id)

        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("complete", "complete", None)

    def test_of_an_update_keeps_the_number_and_unhold_sends_it_again(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)
        erp.answers[order.increment_id] = [NO]
        php.change_address(order.entity_id, city="Ulm")
        answer(beside, erp)
        beside.acknowledge()
        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", number(order))

        php.unhold(order.entity_id)
        assert beside.standing(order.entity_id)[:2] == ("new", "erp_released")
        beside.look()
        beside.deliver(erp)
        beside.acknowledge()

        assert erp.types() == ("order.placed", "order.updated", "order.updated")
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_of_an_update_that_was_requeued_and_accepted_takes_its_hold_back(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)
        erp.answers[order.increment_id] = [NO]
        php.change_address(order.entity_id, city="Ulm")
        answer(beside, erp)
        beside.acknowledge()

        self.requeue(beside)
        beside.deliver(erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert beside.look() == []

    def test_of_an_update_that_was_never_refused_writes_nothing(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)
        beside.acknowledge()
        php.hold(order.entity_id)
        php.change_address(order.entity_id, city="Ulm")
        answer(beside, erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id)[0] == "holded"
        assert len(beside.sql("SELECT * FROM {write_back}")) == 1

    def test_of_a_cancel_does_not_keep_the_number_from_the_order(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        """The acceptance was not written yet when the refusal of the cancel came."""
        order = php.place()
        answer(beside, erp)
        php.cancel(order.entity_id)
        erp.answers[order.increment_id] = [Rejected(message="shipped already")]
        answer(beside, erp)

        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("canceled", "canceled", number(order))
        assert beside.comments(order.entity_id) == [
            f"ERP order {number(order)}",
            "ERP refused: shipped already",
        ]


class TestWhenMagentoIsSavingTheOrder:
    def at(
        self, beside: Beside, php: Shop, order: PlacedOrder, statement: str, act: Callable[[], None]
    ) -> None:
        """Save the order in PHP and act after a statement of that save."""

        def between(name: str) -> None:
            if name == statement:
                php.session.between = None
                act()

        loaded = php.load_order(order.entity_id)
        loaded.order["customer_note"] = "x"
        php.session.between = between
        loaded.save()

    def test_we_come_again_and_nothing_is_lost(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order, other = php.place(), php.place()
        answer(beside, erp)

        self.at(beside, php, order, "UPDATE sales_order", beside.acknowledge)

        assert beside.standing(order.entity_id) == ("new", "pending", None)
        assert beside.standing(other.entity_id)[1] == "erp_received"
        assert beside.told.of("write_back.put_off")[0]["domain"] == "orders"
        beside.make_due()
        beside.acknowledge()
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert len(beside.comments(order.entity_id)) == 1

    def test_a_cancel_that_intake_has_not_seen_is_still_told_to_the_erp(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        php.cancel(order.entity_id)

        beside.acknowledge()

        assert beside.look() == [(order.entity_id, "order.canceled", "pending")]

    def test_a_humans_hold_that_intake_has_not_seen_is_still_an_event(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        php.hold(order.entity_id)

        beside.acknowledge()

        assert beside.look() == [(order.entity_id, "order.held", "pending")]

    def test_a_change_that_intake_has_not_seen_is_still_an_event(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        php.change_address(order.entity_id, city="Ulm")

        beside.acknowledge()

        assert beside.look() == [(order.entity_id, "order.updated", "pending")]


class TestTheErpsNumber:
    """In a column that may belong to somebody else."""

    CHARGE = "trq5nhbtg9qzzx1hcz5b"

    def charge(self, beside: Beside, order: PlacedOrder) -> None:
        """A payment module keeps its charge where the ERP's number would go."""
        orders = beside.schema.table("sales_order")
        beside.sql(
            f"UPDATE {orders} SET ext_order_id = %s WHERE entity_id = %s",
            self.CHARGE,
            order.entity_id,
        )

    @pytest.mark.parametrize("refused_first", [False, True])
    def test_never_replaces_another_systems(
        self, beside: Beside, php: Shop, erp: ScriptedErp, refused_first: bool
    ) -> None:
        order = php.place()
        self.charge(beside, order)
        if refused_first:
            erp.answers[order.increment_id] = [NO]
            answer(beside, erp)
            beside.acknowledge()
            assert beside.standing(order.entity_id) == ("holded", "erp_rejected", self.CHARGE)
            php.unhold(order.entity_id)
        answer(beside, erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", self.CHARGE)
        assert beside.comments(order.entity_id)[-1] == f"ERP order {number(order)}"
        row = write_backs(beside)[-1]
        assert (row.wrote_status, row.wrote_reference) == ("erp_received", None)
        assert "holds another system's number" in row.message
        assert beside.look() == []

    def test_is_told_where_a_stale_save_is_mended_in_an_order_with_another_systems(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        self.charge(beside, order)
        answer(beside, erp)
        TestAStaleSave().undo(beside, php, order)
        assert beside.standing(order.entity_id) == ("new", "pending", self.CHARGE)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", self.CHARGE)
        assert len(erp.pushed) == 1

    def test_is_not_fought_for_when_another_system_takes_the_column_afterwards(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)
        self.charge(beside, order)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id)[2] == self.CHARGE
        assert [row.applied for row in write_backs(beside)] == [1]

    @pytest.mark.parametrize("reference", ["SO-" + "9" * 30, "SO-\U0001f600"])
    def test_is_never_cut_or_changed_to_fit_the_column(
        self, beside: Beside, php: Shop, erp: ScriptedErp, reference: str
    ) -> None:
        order = php.place()
        erp.answers[order.increment_id] = [Accepted(booked=Booked(reference=reference))]
        answer(beside, erp)
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", None)
        (row,) = write_backs(beside)
        assert (detail_of(row).reference, row.wrote_reference) == (reference, None)
        assert "does not fit into ext_order_id (32, utf8" in row.message
        assert beside.look() == []

    def test_stays_out_of_the_order_where_that_is_configured(
        self, beside: Beside, php: Shop, erp: ScriptedErp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = php.place()
        answer(beside, erp)
        [acknowledger] = beside.write_back._acknowledgers.values()
        monkeypatch.setattr(acknowledger, "_rules", Rules(numbers=False))
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", None)
        assert beside.comments(order.entity_id) == [f"ERP order {number(order)}"]
        assert beside.look() == []

    def test_goes_into_a_comment_that_does_not_name_it_where_it_stands_nowhere_else(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        self.charge(beside, order)
        answer(beside, erp)
        beside.sql("UPDATE {write_back} SET detail = JSON_SET(detail, '$.comment', 'taken')")
        beside.acknowledge()

        assert beside.comments(order.entity_id) == [f"taken ({number(order)})"]


def test_of_a_finished_order_is_told_that_its_status_was_left(
    beside: Beside, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    answer(beside, erp)
    php.invoice(order.entity_id)
    php.ship(order.entity_id)
    beside.acknowledge()

    (row,) = write_backs(beside)
    assert (row.state, detail_of(row).status) == ("applied", "erp_received")
    assert (row.wrote_status, row.wrote_reference) == (None, number(order))
    assert row.message == "the order is complete and keeps its status"


class TestAStaleSave:
    """PHP loads the order, we write, PHP saves all its columns: our write is gone."""

    def undo(self, beside: Beside, php: Shop, order: PlacedOrder, **columns: object) -> None:
        loaded = php.load_order(order.entity_id)
        loaded.order |= {"customer_note": f"{next(_notes)}"} | columns
        beside.make_due()
        beside.acknowledge()
        loaded.save()

    def test_of_an_acceptance_is_mended(self, beside: Beside, php: Shop, erp: ScriptedErp) -> None:
        order = php.place()
        answer(beside, erp)
        self.undo(beside, php, order)
        assert beside.standing(order.entity_id) == ("new", "pending", None)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert len(beside.comments(order.entity_id)) == 1
        assert beside.told.of("write_back.applied_again")[0]["domain"] == "orders"
        assert len(erp.pushed) == 1

    def test_of_a_refusal_is_mended_and_no_release(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        erp.answers[order.increment_id] = [NO]
        answer(beside, erp)
        self.undo(beside, php, order)
        assert beside.standing(order.entity_id) == ("new", "pending", None)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)
        assert len(erp.pushed) == 1

    def test_that_brings_our_old_hold_back_is_mended_and_no_hold(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = rejected(beside, php, erp)
        loaded = php.load_order(order.entity_id)
        TestARefusal().requeue(beside)
        beside.deliver(erp)
        beside.acknowledge()
        assert beside.standing(order.entity_id)[0] == "new"
        loaded.order["customer_note"] = "x"
        loaded.save()
        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_that_also_changed_the_order_is_an_update_too(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        self.undo(beside, php, order, customer_email="new@example.com")

        assert beside.look() == [(order.entity_id, "order.updated", "pending")]
        beside.acknowledge()
        assert beside.standing(order.entity_id)[2] == number(order)

    def test_that_happens_for_ever_is_not_fought_for_ever(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        for _ in range(MOST_REAPPLIED + 3):
            self.undo(beside, php, order)
            beside.look()

        (row,) = write_backs(beside)
        assert (row.state, row.applied) == ("refused", MOST_REAPPLIED)
        assert beside.standing(order.entity_id) == ("new", "pending", None)

    def test_never_brings_an_older_answer_back(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        """Refused, then accepted; the acceptance is undone too often: no hold may return."""
        order = rejected(beside, php, erp)
        php.unhold(order.entity_id)
        beside.look()
        beside.deliver(erp)
        for _ in range(MOST_REAPPLIED + 3):
            self.undo(beside, php, order)
            beside.look()
            beside.make_due()

        assert beside.order(order.entity_id).state == "new"
        assert [row.action for row in write_backs(beside)] == ["reject", "accept"]
        assert [row.applied for row in write_backs(beside)] == [1, MOST_REAPPLIED]

    def test_after_a_refused_cancel_brings_the_number_back(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = accepted(beside, php, erp)
        php.cancel(order.entity_id)
        erp.answers[order.increment_id] = [Rejected(message="shipped already")]
        answer(beside, erp)
        beside.acknowledge()
        beside.sql(
            f"UPDATE {beside.schema.table('sales_order')} SET ext_order_id = NULL "
            "WHERE entity_id = %s",
            order.entity_id,
        )

        beside.look()
        beside.acknowledge()

        assert beside.standing(order.entity_id)[2] == number(order)

    def test_after_a_refused_update_brings_hold_and_number_back(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        answer(beside, erp)
        stale = php.load_order(order.entity_id)
        beside.acknowledge()
        php.change_address(order.entity_id, city="Ulm")
        erp.answers[order.increment_id] = [NO]
        answer(beside, erp)
        beside.acknowledge()
        stale.order["customer_note"] = "x"
        stale.save()
        assert beside.standing(order.entity_id) == ("new", "pending", None)

        beside.look()
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", number(order))


def test_a_crash_in_the_middle_of_a_write_back_repeats_harmlessly(
    beside: Beside, php: Shop, erp: ScriptedErp, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = php.place()
    answer(beside, erp)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(beside.store.entities), "written_back", crash)
        with pytest.raises(KeyboardInterrupt):
            beside.acknowledge()
    assert beside.standing(order.entity_id) == ("new", "pending", None)
    assert beside.comments(order.entity_id) == []

    beside.acknowledge()

    assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
    assert len(beside.comments(order.entity_id)) == 1
