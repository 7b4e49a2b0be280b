"""News as no sound ERP writes them: one odd row stops nothing, and makes nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest, Misbehaviour
from tests.harness import TellingErp
from tests.pipeline import Pipeline
from tests.told import news, telling

pytestmark = pytest.mark.any_server

#: Before the moment at which the pipeline's clock begins.
MORNING = datetime(2026, 11, 22, 6, tzinfo=UTC)
LIFECYCLE = """\
states:
  OPEN:   {meaning: final}
  POSTED: {meaning: posted, do: [comment], comment: "{status}: {message}"}
transitions: {OPEN: [POSTED]}
"""
MOMENTS = {
    "the year 1": datetime(1, 1, 1, tzinfo=UTC),
    "before the first moment in UTC": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    "the year 9999": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "after the last moment in UTC": datetime(
        9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-2))
    ),
}
TEXTS = {
    "empty": "",
    "long": "x" * 10_000,
    "control characters": "\x00\x1b[2J\u202e",
    "beyond the BMP": "L-\U0001f600",
    "of a formatter": "%s %(a)s {0} {x}",
    "a script": "<script>alert('1')</script>",
}


class Heard:
    """A shop with one order that the ERP has (`order`), and an ERP that tells of one domain."""

    def __init__(self, pipeline: Pipeline, erp: TellingErp, php: Shop, rest: MagentoRest) -> None:
        self.pipeline = pipeline
        self.erp = erp
        self.rest = rest
        self._php = php

    def begin(self) -> None:
        """A shop and a ledger without a past."""
        self.erp.said.clear()
        self.erp.since.clear()
        self.rest.faults.clear()
        self.pipeline.forget()
        self.order = self._php.place().increment_id
        self.pipeline.look_everywhere()
        self.pipeline.work()

    def say(self, domain: str, *rows: OrderStatus | Delivery) -> None:
        self.erp.said.setdefault(domain, []).extend(rows)

    def hear(self, times: int = 1) -> None:
        for _ in range(times):
            self.pipeline.hear()
            self.pipeline.let_pass(100)

    def forget_the_news(self) -> None:
        """The ledger comes from a backup of before."""
        self.pipeline.sql(f"DELETE FROM {self.pipeline.sidecar.names('incoming')}")

    def column(self, column: str, table: str) -> list[object]:
        name = self.pipeline.magento.name
        rows = self.pipeline.sql(f"SELECT {column} FROM `{name}`.{table} ORDER BY 1")
        return [row[0] for row in rows]

    def line(self) -> int:
        """The first line of the order."""
        return int(str(self.column("item_id", "sales_order_item")[0]))


@contextmanager
def heard(server: PrivateServer, folder: Path, domain: str) -> Iterator[Heard]:
    (folder / "lifecycle.yaml").write_text(LIFECYCLE, "utf-8")
    more = ", lifecycle: lifecycle.yaml" if domain == "order_status" else ""
    section = f"{{owner: erp, every: 30s{more}}}"
    each = "{number: =item.number, order: =item.order}"
    if domain == "order_status":
        each = "{external: =item.external, status: =item.status}"
    magento = create_magento(server, f"odd_{domain}")
    erp = TellingErp()
    with (
        Shop(magento) as php,
        MagentoRest(php) as rest,
        telling(magento, folder, erp, rest, domain, section, each) as pipeline,
    ):
        yield Heard(pipeline, erp, php, rest)
    magento.drop()


@pytest.fixture(scope="module")
def telling_statuses(
    server: PrivateServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Heard]:
    with heard(server, tmp_path_factory.mktemp("statuses"), "order_status") as it:
        yield it


@pytest.fixture(scope="module")
def telling_deliveries(
    server: PrivateServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Heard]:
    with heard(server, tmp_path_factory.mktemp("deliveries"), "shipments") as it:
        yield it


@pytest.fixture
def statuses(telling_statuses: Heard) -> Heard:
    telling_statuses.begin()
    return telling_statuses


@pytest.fixture
def deliveries(telling_deliveries: Heard) -> Heard:
    telling_deliveries.begin()
    return telling_deliveries


@pytest.mark.parametrize("at", MOMENTS.values(), ids=MOMENTS)
def test_a_moment_at_the_end_of_time_stops_no_other_news(statuses: Heard, at: datetime) -> None:
    statuses.say("order_status", OrderStatus(external="of nobody", status="OPEN", at=at))
    statuses.hear(2)
    statuses.say("order_status", OrderStatus(external=statuses.order, status="POSTED", at=MORNING))
    statuses.hear()
    assert [one.status for one in news(statuses.pipeline)] == ["waiting", "applied"]


def test_a_moment_in_the_future_moves_no_cursor_past_an_erp_whose_clock_is_behind(
    statuses: Heard,
) -> None:
    slip = datetime(2062, 11, 22, tzinfo=UTC)
    statuses.say("order_status", OrderStatus(external=statuses.order, status="OPEN", at=MORNING))
    statuses.say("order_status", OrderStatus(external="of nobody", status="OPEN", at=slip))
    statuses.hear(2)
    assert statuses.erp.since[-1] == MORNING - timedelta(minutes=10)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_odd_text_reaches_the_order_as_plain_text_and_stops_no_other_news(
    statuses: Heard, text: str
) -> None:
    statuses.say(
        "order_status",
        OrderStatus(external=text, status="POSTED", at=MORNING),
        OrderStatus(reference=text, status=text or "-", at=MORNING),
        OrderStatus(external=statuses.order, status="POSTED", message=text, at=MORNING),
    )
    statuses.hear()
    assert [one.status for one in news(statuses.pipeline)] == ["waiting", "waiting", "applied"]
    comment = str(statuses.column("comment", "sales_order_status_history")[-1])
    assert comment.startswith("POSTED: ")
    assert "<script" not in comment


@pytest.mark.parametrize("text", [one for one in TEXTS.values() if one])
@pytest.mark.parametrize("answer", ["comes", "is lost"])
def test_a_part_that_is_delivered_under_an_odd_number_is_shipped_once(
    deliveries: Heard, text: str, answer: str
) -> None:
    one = ShippedLine(order_item_id=deliveries.line(), qty=Decimal(1))
    parcel = Track(track_number=text[:100], title="DHL")
    deliveries.say(
        "shipments", Delivery(number=text, order=deliveries.order, items=(one,), tracks=(parcel,))
    )
    if answer == "is lost":
        deliveries.rest.misbehave(Misbehaviour.DROP_AFTER, "order/*/ship")
    deliveries.hear(3)
    deliveries.forget_the_news()
    deliveries.hear(3)
    assert [one.status for one in news(deliveries.pipeline)] == ["applied"]
    assert len(deliveries.column("entity_id", "sales_shipment")) == 1
    assert len(deliveries.column("entity_id", "sales_shipment_track")) == 1


@pytest.mark.parametrize("quantity", ["1e308", "NaN", "Infinity", "-1", "-0", "0", "1e-30", "0.5"])
def test_a_quantity_that_cannot_be_ships_nothing(deliveries: Heard, quantity: str) -> None:
    odd = ShippedLine(order_item_id=deliveries.line(), qty=Decimal(quantity))
    deliveries.say("shipments", Delivery(number="L-1", order=deliveries.order, items=(odd,)))
    deliveries.hear()
    assert news(deliveries.pipeline)[0].status in ("differs", "parked")
    assert deliveries.column("entity_id", "sales_shipment") == []
