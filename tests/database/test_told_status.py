"""What the ERP says of an order by itself, later than its answer: on the Magento order."""

from __future__ import annotations

from itertools import count

import pytest

from sidecar.capture.intake import MOST_REAPPLIED
from sidecar.domains.orders.statuses import OwnStatus, register
from sidecar.model.outcome import Rejected
from sidecar.model.write_back import Detail
from sidecar.testing.magento_db import PlacedOrder, Shop
from sidecar.testing.magento_db.order_acts import LoadedOrder
from tests.harness import Beside, ScriptedErp

PICKING, SHORT = "erp_picking", "erp_short"
#: Ids of what the ERP said; PHP writes sales_order only when something in it changed.
_news, _notes = count(1), count(1)


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture(autouse=True)
def statuses(beside: Beside) -> None:
    """Two statuses of the shop's own, as Magento registers them."""
    with beside.database.transaction() as connection:
        register(
            connection,
            beside.schema,
            [
                OwnStatus(PICKING, "Being picked", ("new", "processing")),
                OwnStatus(SHORT, "Out of stock", ("holded",)),
            ],
        )


def number(order: PlacedOrder) -> str:
    return f"SO-{order.increment_id}"


def answered(beside: Beside, php: Shop, erp: ScriptedErp, *answers: Rejected) -> PlacedOrder:
    """An order whose first answer stands in Magento."""
    order = php.place()
    erp.answers[order.increment_id] = list(answers)
    answer(beside, erp)
    return order


def answer(beside: Beside, erp: ScriptedErp) -> None:
    beside.look()
    beside.make_due()
    beside.deliver(erp)
    beside.acknowledge()


def queue(beside: Beside, order: PlacedOrder, detail: Detail, news: int | None = None) -> bool:
    with beside.database.transaction() as connection:
        return beside.store.write_backs.add_told(
            connection, "order", order.entity_id, news or next(_news), detail
        )


def tell(
    beside: Beside,
    order: PlacedOrder,
    status: str | None = PICKING,
    comment: str | None = None,
    *,
    hold: bool = False,
) -> None:
    """The ERP says it, and it is carried into Magento."""
    queue(beside, order, Detail(status=status, comment=comment, hold=hold))
    beside.acknowledge()


def save(stale: LoadedOrder) -> None:
    """Magento saves what it had loaded before, with all its columns."""
    stale.order["customer_note"] = f"{next(_notes)}"
    stale.save()


def messages(beside: Beside) -> list[tuple[str, str, str | None]]:
    rows = beside.sql("SELECT action, state, message FROM {write_back} ORDER BY id")
    return [(row.action, row.state, row.message) for row in rows]


def test_stands_on_the_order_with_its_comment_and_makes_no_echo(
    beside: Beside, php: Shop, erp: ScriptedErp
) -> None:
    order = answered(beside, php, erp)

    tell(beside, order, comment="being picked")

    assert beside.standing(order.entity_id) == ("new", PICKING, number(order))
    assert beside.comments(order.entity_id)[1:] == ["being picked"]
    assert beside.look() == []
    told = beside.told.of("write_back.applied")[-1]
    assert (told["action"], told["number"]) == ("status", order.increment_id)


def test_without_a_status_is_a_comment_only(beside: Beside, php: Shop, erp: ScriptedErp) -> None:
    order = answered(beside, php, erp)

    tell(beside, order, None, "on the lorry")

    assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
    assert beside.comments(order.entity_id)[1:] == ["on the lorry"]


def test_holds_the_order_as_magento_holds_until_a_person_lets_it_go(
    beside: Beside, php: Shop, erp: ScriptedErp
) -> None:
    order = answered(beside, php, erp)

    tell(beside, order, SHORT, hold=True)

    assert beside.standing(order.entity_id) == ("holded", SHORT, number(order))
    assert beside.look() == []
    php.unhold(order.entity_id)
    assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
    assert [row[1] for row in beside.look()] == ["order.released"]


def test_stays_below_a_persons_hold_and_comes_out_with_unhold(
    beside: Beside, php: Shop, erp: ScriptedErp
) -> None:
    order = answered(beside, php, erp)
    php.hold(order.entity_id)

    tell(beside, order)

    assert beside.standing(order.entity_id)[:2] == ("holded", "holded")
    php.unhold(order.entity_id)
    assert beside.standing(order.entity_id)[:2] == ("new", PICKING)


@pytest.mark.parametrize("end", ["closed", "canceled"])
@pytest.mark.parametrize("hold", [True, False])
def test_leaves_a_finished_order_as_it_is_but_for_the_comment(
    beside: Beside, php: Shop, erp: ScriptedErp, end: str, hold: bool
) -> None:
    order = answered(beside, php, erp)
    if end == "canceled":
        php.cancel(order.entity_id)
    else:
        php.invoice(order.entity_id)
        php.ship(order.entity_id)
        php.refund(order.entity_id)

    tell(beside, order, comment="returned", hold=hold)

    assert beside.standing(order.entity_id) == (end, end, number(order))
    assert beside.comments(order.entity_id)[-1] == "returned"
    assert messages(beside)[-1] == ("status", "applied", f"the order is {end} and keeps its status")


@pytest.mark.parametrize("held", [True, False])
def test_that_magento_does_not_know_in_that_state_is_left_out_and_said(
    beside: Beside, php: Shop, erp: ScriptedErp, held: bool
) -> None:
    order = answered(beside, php, erp)
    if held:
        php.hold(order.entity_id)

    tell(beside, order, SHORT)

    if held:
        php.unhold(order.entity_id)
    assert beside.standing(order.entity_id)[:2] == ("new", "erp_received")
    note = f"status {SHORT} is not assigned to state new: run 'erp-sidecar install' again"
    assert messages(beside)[-1] == ("status", "applied", note)


class TestUndoneByMagentosOwnSave:
    @pytest.mark.parametrize("loaded", ["before the answer", "before the status"])
    def test_it_is_written_again_without_its_comment(
        self, beside: Beside, php: Shop, erp: ScriptedErp, loaded: str
    ) -> None:
        order = php.place()
        stale = php.load_order(order.entity_id)
        answer(beside, erp)
        if loaded == "before the status":
            stale = php.load_order(order.entity_id)
        tell(beside, order, comment="being picked")
        save(stale)
        assert beside.standing(order.entity_id)[1] != PICKING

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", PICKING, number(order))
        assert beside.comments(order.entity_id)[1:] == ["being picked"]

    def test_its_hold_comes_back_beneath_a_newer_status(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        stale = php.load_order(order.entity_id)
        answer(beside, erp)
        tell(beside, order, SHORT, hold=True)
        tell(beside, order)
        save(stale)
        assert beside.standing(order.entity_id) == ("new", "pending", None)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", SHORT, number(order))
        assert beside.order(order.entity_id).hold_before_status == PICKING

    def test_the_answer_comes_back_where_the_status_was_never_written(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        stale = php.load_order(order.entity_id)
        answer(beside, erp)
        queue(beside, order, Detail(status=PICKING))
        beside.sql(
            "UPDATE {write_back} SET state = 'refused', due_at = NULL WHERE action = 'status'"
        )
        save(stale)

        beside.look()
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_that_happens_for_ever_it_is_not_fought_for_ever(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, Detail(status=PICKING))
        for _ in range(MOST_REAPPLIED + 3):
            stale = php.load_order(order.entity_id)
            beside.acknowledge()
            save(stale)
            beside.look()

        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))
        assert messages(beside)[-1][:2] == ("status", "refused")

    def test_no_hold_comes_back_that_a_person_ended(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp, Rejected(message="no credit"))
        php.unhold(order.entity_id)
        assert [row[1] for row in beside.look()] == ["order.released"]
        stale = php.load_order(order.entity_id)
        tell(beside, order)
        save(stale)

        beside.look()
        beside.acknowledge()

        assert beside.standing(order.entity_id)[:2] == ("new", PICKING)


class TestAfterARefusal:
    def test_the_order_stays_on_hold_and_goes_again_with_unhold(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp, Rejected(message="no credit"))

        tell(beside, order, comment="entered by hand")

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)
        assert beside.comments(order.entity_id)[1:] == ["entered by hand"]
        php.unhold(order.entity_id)
        assert beside.standing(order.entity_id)[:2] == ("new", PICKING)
        answer(beside, erp)
        assert beside.standing(order.entity_id) == ("new", "erp_received", number(order))

    def test_a_stale_save_that_takes_the_hold_away_is_no_release(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        stale = php.load_order(order.entity_id)
        erp.answers[order.increment_id] = [Rejected(message="no credit")]
        answer(beside, erp)
        tell(beside, order)
        save(stale)
        assert beside.standing(order.entity_id) == ("new", "pending", None)

        assert beside.look() == []
        beside.acknowledge()

        assert beside.standing(order.entity_id) == ("holded", "erp_rejected", None)
        assert beside.order(order.entity_id).hold_before_status == PICKING


class TestWhatWasNotWrittenYet:
    def test_is_replaced_by_what_the_erp_says_later(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, Detail(status=SHORT))

        tell(beside, order, comment="being picked")

        assert beside.comments(order.entity_id)[1:] == ["being picked"]
        assert [one[:2] for one in messages(beside)[1:]] == [
            ("status", "refused"),
            ("status", "applied"),
        ]

    @pytest.mark.parametrize(
        "older", [Detail(comment="posted"), Detail(status=PICKING, comment="posted")]
    )
    def test_is_written_first_where_it_has_a_comment_of_its_own(
        self, beside: Beside, php: Shop, erp: ScriptedErp, older: Detail
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, older)

        tell(beside, order, comment="being picked")

        assert beside.comments(order.entity_id)[1:] == ["posted", "being picked"]
        assert beside.standing(order.entity_id)[1] == PICKING

    def test_is_written_first_where_the_later_one_names_no_status(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, Detail(status=PICKING))

        tell(beside, order, None, "on the lorry")

        assert beside.standing(order.entity_id)[1] == PICKING
        assert beside.comments(order.entity_id)[1:] == ["on the lorry"]

    def test_holds_the_order_before_a_later_status_comes_beneath(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, Detail(status=SHORT, hold=True))

        tell(beside, order)

        assert beside.standing(order.entity_id)[:2] == ("holded", SHORT)
        assert beside.order(order.entity_id).hold_before_status == PICKING

    def test_is_not_replaced_where_it_is_the_answer(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = php.place()
        beside.look()
        beside.deliver(erp)

        tell(beside, order)

        assert beside.standing(order.entity_id) == ("new", PICKING, number(order))
        assert beside.comments(order.entity_id) == [f"ERP order {number(order)}"]

    def test_is_not_brought_back_by_a_requeue_once_a_newer_one_was_written(
        self, beside: Beside, php: Shop, erp: ScriptedErp
    ) -> None:
        order = answered(beside, php, erp)
        queue(beside, order, Detail(status="erp_received", comment="open"))
        beside.sql(
            "UPDATE {write_back} SET state = 'parked', due_at = NULL WHERE action = 'status'"
        )
        tell(beside, order)

        with beside.database.transaction() as connection:
            beside.store.write_backs.again(connection, "order", [order.entity_id])
        beside.acknowledge()

        assert beside.standing(order.entity_id)[1] == PICKING


def test_the_same_news_is_queued_once(beside: Beside, php: Shop, erp: ScriptedErp) -> None:
    order = answered(beside, php, erp)
    detail = Detail(status=PICKING, comment="being picked")

    assert queue(beside, order, detail, 4711)
    beside.acknowledge()
    assert not queue(beside, order, detail, 4711)
    beside.acknowledge()

    assert beside.comments(order.entity_id)[1:] == ["being picked"]
    assert len(messages(beside)) == 2


def test_what_somebody_made_unreadable_is_parked_and_stops_no_other(
    beside: Beside, php: Shop, erp: ScriptedErp
) -> None:
    odd, plain = answered(beside, php, erp), answered(beside, php, erp)
    for order in (odd, plain):
        queue(beside, order, Detail(status=PICKING))
    beside.sql(
        "UPDATE {write_back} SET detail = '[' WHERE action = 'status' AND entity_id = %s",
        odd.entity_id,
    )

    beside.acknowledge()

    assert beside.standing(plain.entity_id)[1] == PICKING
    assert beside.standing(odd.entity_id)[1] == "erp_received"
    [told] = beside.told.of("write_back.parked")
    assert "write_back.detail" in str(told["message"])
