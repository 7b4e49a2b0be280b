"""What the ERP says of its orders by itself, on its way onto Magento's orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.app.sidecar import Sidecar
from sidecar.domains.order_status.news import OrderStatus
from sidecar.ledger.incoming_records import IncomingRecord
from sidecar.model.errors import SidecarError
from sidecar.operate.queue import By
from sidecar.settings.load import load
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import TellingErp
from tests.pipeline import DEMO_CALLS, Pipeline

LIFECYCLE = """\
states:
  DRAFT:    {meaning: not final}
  OPEN:     {meaning: final, status: erp_received, label: Received by ERP}
  POSTED:   {meaning: posted, status: erp_posted, label: Posted in ERP}
  SHIPPED:  {meaning: shipped, alarm_after: 2d}
  CLOSED:   {meaning: closed}
  CANCELED: {meaning: canceled, do: [comment, hold], comment: "Canceled: {message}", alarm: true}
transitions:
  DRAFT:   [OPEN, CANCELED]
  OPEN:    [POSTED, CANCELED]
  POSTED:  [SHIPPED]
  SHIPPED: [CLOSED, POSTED]
"""
CALLS = """
order_status:
  changes:
    call: {method: GET, path: /sales-orders}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {external: =item.number, status: =item.state}
"""
#: Before the moment at which the pipeline's clock begins.
MORNING = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "told")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> TellingErp:
    return TellingErp()


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: TellingErp, tmp_path: Path) -> Iterator[Pipeline]:
    (tmp_path / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    domains = "  order_status: {lifecycle: lifecycle.yaml, every: 30s}\n"
    calls = DEMO_CALLS + CALLS
    with Pipeline(magento, tmp_path, adapter=erp, calls=calls, domains=domains) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


@pytest.fixture
def order(pipeline: Pipeline, php: Shop) -> int:
    """An order that the ERP has, and said so."""
    entity_id = php.place().entity_id
    pipeline.look_everywhere()
    pipeline.work()
    return int(entity_id)


def number_of(pipeline: Pipeline, order: int) -> str:
    rows = pipeline.sql(f"SELECT increment_id FROM {sales(pipeline)} WHERE entity_id = %s", order)
    return str(rows[0][0])


def sales(pipeline: Pipeline, table: str = "sales_order") -> str:
    return f"`{pipeline.magento.name}`.`{table}`"


def standing(pipeline: Pipeline, order: int) -> tuple[str, str]:
    rows = pipeline.sql(f"SELECT state, status FROM {sales(pipeline)} WHERE entity_id = %s", order)
    return rows[0].state, rows[0].status


def comments(pipeline: Pipeline, order: int) -> list[str]:
    rows = pipeline.sql(
        f"SELECT comment FROM {sales(pipeline, 'sales_order_status_history')} "
        "WHERE parent_id = %s AND comment IS NOT NULL ORDER BY entity_id", order,
    )  # fmt: skip
    return [row.comment for row in rows]


def news(pipeline: Pipeline) -> list[IncomingRecord]:
    """What is kept, the oldest first."""
    found = pipeline.sidecar.incoming.listed(domain=None, statuses=(), limit=100)
    return list(reversed(found))


def said(
    pipeline: Pipeline,
    erp: TellingErp,
    order: int,
    status: str,
    minutes: int = 0,
    message: str | None = None,
) -> None:
    """The ERP says that an order is in a state since so many minutes after MORNING."""
    number = number_of(pipeline, order)
    at = MORNING + timedelta(minutes=minutes)
    row = OrderStatus(external=number, status=status, at=at, message=message)
    erp.said.setdefault("order_status", []).append(row)


def test_a_status_reaches_the_order_once_however_often_it_is_told(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "OPEN")
    said(pipeline, erp, order, "POSTED", 5)
    for _ in range(3):
        pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_posted")
    assert [(one.state, one.status) for one in news(pipeline)] == [
        ("OPEN", "applied"), ("POSTED", "applied"),
    ]  # fmt: skip


def test_each_question_goes_back_by_the_overlap_before_what_the_erp_said_last(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "OPEN", -300)
    pipeline.hear()
    pipeline.hear()
    assert erp.since[-1] == MORNING + timedelta(minutes=-310)


def test_a_status_that_goes_backwards_is_a_difference_and_nothing_is_written(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    pipeline.hear()
    said(pipeline, erp, order, "OPEN", 5)
    pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_posted")
    assert news(pipeline)[-1].status == "differs"
    [difference] = pipeline.sidecar.findings.open(10)
    assert (difference.domain, difference.class_) == ("order_status", "lifecycle")
    assert (difference.ours, difference.theirs) == ("POSTED", "OPEN")


def test_a_person_lets_it_through_all_the_same(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    pipeline.hear()
    said(pipeline, erp, order, "OPEN", 5)
    pipeline.hear()
    wrong = news(pipeline)[-1]
    pipeline.sidecar.incoming.apply([str(wrong.id)], By("test", "reopened by hand"))
    pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_received")


def test_an_older_status_that_is_told_late_is_history(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED", 5)
    pipeline.hear()
    said(pipeline, erp, order, "OPEN", 0)
    pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_posted")
    assert news(pipeline)[-1].status == "superseded"
    assert pipeline.sidecar.findings.open(10) == []


def test_a_cancel_in_the_erp_holds_the_order_with_the_reason_and_raises_an_alarm(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "CANCELED", message="no stock <b>left</b>")
    pipeline.hear()
    assert standing(pipeline, order)[0] == "holded"
    assert comments(pipeline, order)[-1] == "Canceled: no stock &lt;b&gt;left&lt;/b&gt;"
    assert [one.theirs for one in pipeline.sidecar.findings.open(10)] == ["CANCELED"]


def test_news_of_an_order_that_nobody_knows_waits_and_is_parked_at_last(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    erp.said["order_status"] = [OrderStatus(external="000009999", status="OPEN", at=MORNING)]
    pipeline.hear()
    [waiting] = news(pipeline)
    assert (waiting.status, waiting.what) == ("waiting", "no document is known by 000009999 yet")
    pipeline.let_pass(8 * 86_400)
    pipeline.hear()
    [parked] = news(pipeline)
    assert parked.status == "parked"
    assert "000009999" in (parked.what or "")


def test_news_of_an_order_that_is_placed_a_moment_later_finds_it(
    pipeline: Pipeline, erp: TellingErp, php: Shop
) -> None:
    erp.said["order_status"] = [OrderStatus(external="000000001", status="POSTED", at=MORNING)]
    pipeline.hear()
    placed = php.place()
    assert placed.increment_id == "000000001"
    pipeline.look_everywhere()
    pipeline.work()
    pipeline.let_pass(120)
    pipeline.hear()
    assert standing(pipeline, placed.entity_id) == ("new", "erp_posted")


def test_the_erps_number_names_the_order_too(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    [link] = pipeline.sql(f"SELECT reference FROM {pipeline.sidecar.names('link')}")
    row = OrderStatus(reference=link.reference, status="POSTED", at=MORNING)
    erp.said["order_status"] = [row]
    pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_posted")


def test_a_state_that_the_lifecycle_does_not_name_is_a_difference(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "WEIRD")
    pipeline.hear()
    assert news(pipeline)[-1].what == "the lifecycle has no state WEIRD"


def test_an_order_that_goes_round_in_circles_is_stopped_and_both_writers_are_named(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    for minute in range(1, 20):
        said(pipeline, erp, order, "SHIPPED" if minute % 2 else "POSTED", minute)
    pipeline.hear()
    stopped = [one for one in news(pipeline) if one.status == "parked"]
    assert stopped
    assert "a loop: the ERP account main brought it into POSTED 3 times" in (stopped[0].what or "")
    applied = [one.state for one in news(pipeline) if one.status == "applied"]
    assert len(applied) == 5


def test_what_a_dead_daemon_kept_is_applied_by_the_next(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    pipeline.inbound[0].ask.run_once()
    erp.said.clear()
    pipeline.start()
    pipeline.hear()
    assert standing(pipeline, order) == ("new", "erp_posted")


def test_a_paused_domain_asks_nothing_and_applies_nothing(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    pipeline.sidecar.domain_switch.pause("order_status", By("test", None), until=None)
    pipeline.hear()
    assert news(pipeline) == []
    assert erp.since == []


def test_an_erp_that_gives_no_answer_leaves_the_cursor_where_it_is(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "OPEN", -300)
    pipeline.hear()
    erp.silent = True
    with pytest.raises(SidecarError):
        pipeline.inbound[0].ask.run_once()
    erp.silent = False
    pipeline.hear()
    assert erp.since[-1] == MORNING + timedelta(minutes=-310)


class TestAStayThatIsTooLong:
    @staticmethod
    def look(pipeline: Pipeline) -> list[tuple[str, str | None, str | None]]:
        """What the duty tells, as open differences."""
        [watch] = [one.overdue for one in pipeline.inbound if one.overdue is not None]
        watch.run_once()
        return [(one.class_, one.ours, one.theirs) for one in pipeline.sidecar.findings.open(10)]

    @pytest.fixture
    def shipped(self, pipeline: Pipeline, erp: TellingErp, order: int) -> int:
        said(pipeline, erp, order, "POSTED")
        said(pipeline, erp, order, "SHIPPED", 5)
        pipeline.hear()
        return order

    def age(self, pipeline: Pipeline, days: float) -> None:
        pipeline.sql(
            f"UPDATE {pipeline.sidecar.names('incoming')} SET finished_at = "
            "finished_at - INTERVAL %s SECOND", int(days * 86_400),
        )  # fmt: skip

    def test_is_told_once(self, pipeline: Pipeline, shipped: int) -> None:
        assert self.look(pipeline) == []
        self.age(pipeline, 2.01)
        late = [("erp_state_late", "at most 2 d", "SHIPPED")]
        assert self.look(pipeline) == late
        assert self.look(pipeline) == late
        [told] = pipeline.told.of("inbound.overdue")
        assert told["number"] == number_of(pipeline, shipped)

    def test_is_not_told_again_once_a_person_has_seen_to_it(
        self, pipeline: Pipeline, shipped: int
    ) -> None:
        self.age(pipeline, 3)
        self.look(pipeline)
        pipeline.sidecar.findings.resolve(
            [number_of(pipeline, shipped)], By("test", "the carrier was asked")
        )
        assert self.look(pipeline) == []

    def test_ends_by_itself_when_the_order_goes_on(
        self, pipeline: Pipeline, erp: TellingErp, shipped: int
    ) -> None:
        self.age(pipeline, 3)
        assert len(self.look(pipeline)) == 1
        said(pipeline, erp, shipped, "CLOSED", 10)
        pipeline.hear()
        assert self.look(pipeline) == []

    def test_of_a_state_that_was_left_is_none(
        self, pipeline: Pipeline, erp: TellingErp, shipped: int
    ) -> None:
        said(pipeline, erp, shipped, "CLOSED", 10)
        pipeline.hear()
        self.age(pipeline, 9)
        assert self.look(pipeline) == []

    def test_begins_with_the_acceptance_where_no_news_came(
        self, pipeline: Pipeline, order: int
    ) -> None:
        pipeline.sql(
            f"UPDATE {pipeline.sidecar.names('link')} SET status = 'SHIPPED', "
            "updated_at = updated_at - INTERVAL 3 DAY"
        )
        assert self.look(pipeline) == [("erp_state_late", "at most 2 d", "SHIPPED")]

    def test_is_not_looked_for_in_what_may_be_a_copy(
        self, pipeline: Pipeline, shipped: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.age(pipeline, 3)
        monkeypatch.setattr(pipeline.sidecar.clone_guard, "may_send", lambda _: False)
        pipeline.start()
        del pipeline.sidecar.__dict__["inbound"]
        pipeline.inbound = pipeline.sidecar.inbound.stations()
        assert self.look(pipeline) == []


def test_the_story_of_an_order_tells_what_the_erp_said_of_it(
    pipeline: Pipeline, erp: TellingErp, order: int
) -> None:
    said(pipeline, erp, order, "POSTED")
    pipeline.hear()
    said(pipeline, erp, order, "OPEN", 5)
    pipeline.hear()
    [story] = pipeline.sidecar.stories(number_of(pipeline, order), ask_erp=False)
    assert [(one.domain, one.state, one.status) for one in story.news] == [
        ("order_status", "POSTED", "applied"), ("order_status", None, "differs"),
    ]  # fmt: skip


class TestACopyOfTheShop:
    """Its ERP is another one, whose clock and numbers are its own."""

    def test_that_is_in_doubt_neither_asks_nor_writes(
        self, pipeline: Pipeline, erp: TellingErp, order: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said(pipeline, erp, order, "POSTED")
        pipeline.inbound[0].ask.run_once()
        asked = len(erp.since)
        monkeypatch.setattr(pipeline.sidecar.clone_guard, "may_send", lambda _: False)
        del pipeline.sidecar.__dict__["inbound"]
        pipeline.start()
        pipeline.hear()
        assert len(erp.since) == asked
        assert standing(pipeline, order) == ("new", "erp_received")
        assert [one.status for one in news(pipeline)] == ["waiting"]

    def test_that_is_declared_knows_no_news_and_no_cursor_and_gets_them_back_if_it_was_none(
        self, pipeline: Pipeline, erp: TellingErp, order: int
    ) -> None:
        said(pipeline, erp, order, "POSTED")
        pipeline.hear()
        before = (news(pipeline), self.cursors(pipeline))
        assert all(before)
        pipeline.sidecar.identification.declare_copy(By("test", None))
        assert (news(pipeline), self.cursors(pipeline)) == ([], [])
        pipeline.sidecar.identification.accept(By("test", "it was the live system"))
        assert (news(pipeline), self.cursors(pipeline)) == before

    def test_that_is_declared_and_still_calls_the_originals_magento_does_nothing(
        self, magento: MagentoDatabase, tmp_path: Path
    ) -> None:
        (tmp_path / "token").touch(mode=0o600)
        (tmp_path / "token").write_text("t", "utf-8")
        api = "  api: {{url: '{}', token: {{file: token}}}}\n"
        with Pipeline(
            magento, tmp_path, url="http://original/erp", api=api.format("https://shop.example")
        ) as original:
            original.sidecar.identification.declare_copy(By("test", None))
            config = tmp_path / "sidecar.yaml"
            copied = config.read_text("utf-8").replace("http://original", "http://another")
            for url, may_send in (("https://shop.example", False), ("https://copy.example", True)):
                config.write_text(copied.replace("https://shop.example", url), "utf-8")
                sidecar = Sidecar(load(config).settings)
                assert sidecar.identification.look().judgement.may_send is may_send
                sidecar.close()

    @staticmethod
    def cursors(pipeline: Pipeline) -> list[tuple[object, ...]]:
        rows = pipeline.sql(f"SELECT * FROM {pipeline.sidecar.names('cursor')}")
        return [tuple(row) for row in rows]
