"""Documents from before the sidecar are sent where an operator says so: once, behind all else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sidecar.model.errors import TryAgain, UsageError
from sidecar.model.outcome import Booked, Retry
from sidecar.operate.backfill import Wanted
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

pytestmark = pytest.mark.any_server

ME = By("test", "a test")
ALL = Wanted(since=date(2000, 1, 1))


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "backfilled")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def placed(php: Shop, count: int) -> list[str]:
    return [php.place().increment_id for _ in range(count)]


def pushed(erp: ScriptedErp) -> list[str]:
    return [delivery.ref for delivery in erp.pushed]


def test_what_was_there_before_goes_as_if_it_were_new_after_the_erp_was_asked(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    numbers = placed(php, 3)
    erp.documents[numbers[1]] = (Booked(reference="SO-OLD"),)
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        pipeline.run()
        assert pushed(erp) == [], "nothing goes by itself"
        operations = pipeline.sidecar.backfills
        planned = operations.begin("orders", ALL, ME, dry_run=True)
        assert (planned.documents, planned.backfill) == (3, None)
        assert planned.money["EUR"] > 0

        operations.begin("orders", ALL, ME)
        pipeline.run()

        assert pushed(erp) == [numbers[0], numbers[2]], "what the ERP has is taken over"
        assert set(erp.probed) == set(numbers)
        standing = operations.standing("orders")
        assert standing is not None
        assert (standing.state, standing.accepted, standing.waiting) == ("finished", 3, 0)
        assert operations.begin("orders", ALL, ME).documents == 0, "a second time there is nothing"
        acts = pipeline.sql(f"SELECT command, subject FROM {pipeline.sidecar.names('audit')}")
        assert ("backfill", "orders") in [tuple(act) for act in acts]


def test_a_later_change_of_a_backfilled_order_is_a_change_and_no_second_placement(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    order = php.place()
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME)
        pipeline.run()
        php.change_address(order.entity_id, "billing", city="Bremen")
        pipeline.run()
        assert [one.event.type for one in erp.pushed] == ["order.placed", "order.updated"]


def test_a_canceled_order_of_before_is_never_booked(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    php.cancel(php.place().entity_id)
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME)
        pipeline.run()
        standing = pipeline.sidecar.backfills.standing("orders")
    assert pushed(erp) == []
    assert standing is not None
    assert (standing.state, standing.left_out) == ("finished", 1)


def test_a_live_order_overtakes_thousands_that_wait_of_a_backfill(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    old = placed(php, 12)
    with Pipeline(magento, tmp_path, adapter=erp, more="    batch: 2\n") as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME)
        # Behind the twelve, whose ids are lower.
        thousands = ", ".join(f"(1, 'order', {10**6 + number})" for number in range(5000))
        table = pipeline.sidecar.names("backfill_document")
        pipeline.sql(f"INSERT INTO {table} (backfill, kind, entity_id) VALUES {thousands}")
        (station,) = pipeline.backfills
        assert station.run_once() == 2
        assert station.run_once() == 0, "no third before the two have gone"
        live = php.place().increment_id
        while len(pushed(erp)) < 8:
            pipeline.intake.run_once()
            pipeline.pump.run_once()
            station.run_once()
        left = pipeline.sidecar.backfills.standing("orders")
    assert pushed(erp).index(live) <= 2
    assert set(pushed(erp)) - {live} < set(old)
    assert left is not None
    assert left.waiting >= 5000


def test_no_document_is_taken_up_while_something_live_is_due(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    placed(php, 2)
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME)
        php.place()
        pipeline.intake.run_once()
        (station,) = pipeline.backfills
        assert station.run_once() == 0
        pipeline.pump.run_once()
        assert station.run_once() == 2


def test_a_rate_is_kept_by_the_databases_clock(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    placed(php, 5)
    with Pipeline(magento, tmp_path, adapter=erp) as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME, per_minute=2)
        pipeline.work()
        pipeline.start()
        pipeline.work()
        assert len(pushed(erp)) == 2, "another process keeps it too"
        pipeline.let_pass(61)
        pipeline.work()
        assert len(pushed(erp)) == 4


def test_a_canceled_backfill_goes_on_where_it_was(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    numbers = placed(php, 5)
    with Pipeline(magento, tmp_path, adapter=erp, more="    batch: 2\n") as pipeline:
        operations = pipeline.sidecar.backfills
        operations.begin("orders", ALL, ME)
        pipeline.backfills[0].run_once()
        assert operations.cancel("orders", ME).state == "canceled"
        pipeline.run()
        assert pushed(erp) == numbers[:2], "what was on its way goes on"
        with pytest.raises(UsageError):
            operations.cancel("orders", ME)
        operations.resume("orders", ME)
        pipeline.run()
        assert pushed(erp) == numbers


def test_an_erp_that_does_not_answer_is_not_buried(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    numbers = placed(php, 5)
    for number in numbers:
        erp.answers[number] = [Retry(message="later")]
    with Pipeline(magento, tmp_path, adapter=erp, more="    batch: 2\n") as pipeline:
        pipeline.sidecar.backfills.begin("orders", ALL, ME)
        pipeline.work()
        assert len(pipeline.open_events()) == 2
        pipeline.run()
    assert len(pushed(erp)) == 10


def test_only_the_days_of_the_shops_calendar_and_only_the_numbers_that_are_named(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    numbers = placed(php, 3)
    _place_at(magento, numbers[0], "2026-03-28 22:59:59")  # 23:59:59 in Berlin, before summer time
    _place_at(magento, numbers[1], "2026-03-28 23:00:00")  # midnight of the 29th
    _place_at(magento, numbers[2], "2026-03-29 22:00:00")  # midnight of the 30th, in summer time
    with Pipeline(magento, tmp_path, adapter=erp, timezone="Europe/Berlin") as pipeline:
        operations = pipeline.sidecar.backfills
        day = Wanted(since=date(2026, 3, 29), until=date(2026, 3, 29))
        assert operations.begin("orders", day, ME, dry_run=True).documents == 1
        named = Wanted(numbers=(numbers[2], "000000999"))
        planned = operations.begin("orders", named, ME)
        assert (planned.documents, planned.left_out) == (1, ("000000999",))
        with pytest.raises(TryAgain):
            operations.begin("orders", day, ME)
        pipeline.run()
    assert pushed(erp) == [numbers[2]]


def test_an_erp_that_could_book_twice_needs_a_word(
    magento: MagentoDatabase, php: Shop, tmp_path: Path
) -> None:
    blind = ScriptedErp(probe=False)
    numbers = placed(php, 1)
    with Pipeline(magento, tmp_path, adapter=blind) as pipeline:
        operations = pipeline.sidecar.backfills
        with pytest.raises(UsageError, match="booked twice"):
            operations.begin("orders", ALL, ME)
        operations.begin("orders", ALL, ME, even_if_booked=True)
        pipeline.run()
    assert pushed(blind) == numbers


def test_refunds_of_before_follow_their_orders(
    magento: MagentoDatabase, php: Shop, tmp_path: Path
) -> None:
    erp = ScriptedErp(subscriptions=frozenset({"order.placed", "refund.issued"}))
    order = php.place()
    php.invoice(order.entity_id)
    php.refund(order.entity_id)
    with Pipeline(magento, tmp_path, adapter=erp, domains="  refunds: {}\n") as pipeline:
        operations = pipeline.sidecar.backfills
        operations.begin("refunds", ALL, ME)
        pipeline.run()
        assert pushed(erp) == []
        operations.begin("orders", ALL, ME)
        pipeline.run()
    assert pushed(erp) == ["000000001", "CM000000001"]


def _place_at(magento: MagentoDatabase, number: str, moment: str) -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_order SET created_at = %s WHERE increment_id = %s", (moment, number)
        )
        connection.commit()
