"""Levels, demand and prices in batches over HTTP, by the pages' calls and by the example's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.rest import generic as rest
from sidecar.domains import SPECS
from sidecar.domains.stock.payload import Demand, SourceLevel
from sidecar.model.event import envelope
from sidecar.model.outcome import Accepted, Outcome, Rejected, Unknown
from sidecar.ports import AdapterSettings, Delivery, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.full_payloads import full_price
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server
from tests.document_calls import calls_of
from tests.unit.test_mapping_file import EXAMPLES

_MOMENT = datetime(2026, 12, 1, 12, tzinfo=UTC)
_EVENTS = {event.type: (spec, event) for spec in SPECS for event in spec.events}
Said = list[Mapping[str, Any]]


def delivery(type_: str, entity_id: int, number: str, payload: msgspec.Struct) -> Delivery:
    spec, event = _EVENTS[type_]
    id_ = f"main.{spec.kind}.{entity_id}.1"
    sent = envelope(
        payload, id=id_, event=event, source="/magento/main", subject=f"{spec.kind}/{number}",
        time=_MOMENT, sequence=1,
    )  # fmt: skip
    return Delivery(sent, f"{spec.kind.upper()[:2]}{entity_id}")


def level(entity_id: int, sku: str, quantity: int, source: str = "default") -> Delivery:
    said = SourceLevel(
        entity_id=entity_id, sku=sku, source_code=source, quantity=Decimal(quantity), status=1
    )
    return delivery("stock.adjusted", entity_id, f"{sku}@{source}", said)


def demand(entity_id: int, sku: str, quantity: int) -> Delivery:
    said = Demand(sku=sku, stock_id=1, quantity=Decimal(quantity), since=_MOMENT, until=_MOMENT)
    return delivery("stock.demand", entity_id, f"{sku}@stock 1", said)


@pytest.fixture(params=["the pages", "the example"])
def calls(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = calls_of("stock.md", "products.md")
    if request.param == "the example":
        if not EXAMPLES.is_dir():
            pytest.skip("needs ../shared/examples")
        whole = (EXAMPLES / "domains-rest.yaml").read_text("utf-8")
        text = (
            whole[: whole.index("refunds:")] + whole[whole.index("stock:") : whole.index("prices:")]
        )
    path = tmp_path / "calls.yaml"
    path.write_text(text, "utf-8")
    return path


def pushed(
    calls: Path, deliveries: list[Delivery], says: Callable[[Said], Said]
) -> tuple[list[Outcome], Said]:
    """What each came to where the ERP answers the rows that it got with these results."""
    got: Said = []

    def script(request: Received) -> list[bytes]:
        (rows,) = json.loads(request.body).values()
        got.extend(rows)
        return answer(200, json.dumps({"results": says(rows)}))

    with scripted_server(script) as server, closing(opened(server, calls)) as adapter:
        return [one.outcome for one in push_all(adapter, deliveries)], got


def opened(server: ScriptedServer, calls: Path) -> ErpAdapter:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return rest.create(AdapterSettings(server.url, 5, 20, shop, calls=calls, domains=SPECS))


def test_levels_are_one_call_and_each_is_called_by_our_reference(calls: Path) -> None:
    sent = [level(7, "MUG", 5), level(8, "MUG", 3, "north"), level(9, "NOPE", 1)]

    def says(rows: Said) -> Said:
        # By our reference where it was sent; else by what was: the SKU at the warehouse.
        return [
            {
                "id": row.get("id") or f"{row['sku']}@{row['warehouse']}",
                "ok": row["sku"] != "NOPE",
                "message": "no such item",
            }
            for row in rows
        ]

    outcomes, got = pushed(calls, sent, says)

    assert [row["quantity"] for row in got] == [5, 3, 1]
    first, second, third = outcomes
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (first.booked.reference, second.booked.reference) == ("ST7", "ST8")
    assert third == Rejected(message="no such item")


def test_demand_is_matched_by_the_events_own_id(calls: Path) -> None:
    sent = [demand(70, "MUG", 2), demand(71, "LAMP", -1)]

    outcomes, got = pushed(calls, sent, lambda rows: [{"id": r["id"], "ok": True} for r in rows])

    assert [(row["id"], row["quantity"]) for row in got] == [
        ("main.stock.70.1", 2),
        ("main.stock.71.1", -1),
    ]
    assert [one.booked.reference for one in outcomes if isinstance(one, Accepted)] == [
        "ST70", "ST71",
    ]  # fmt: skip


def test_what_the_answer_leaves_out_is_in_doubt_and_the_others_are_not(calls: Path) -> None:
    sent = [demand(70, "MUG", 2), demand(71, "LAMP", -1)]

    outcomes, _ = pushed(calls, sent, lambda rows: [{"id": rows[0]["id"], "ok": True}])

    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], Unknown)


def test_a_price_goes_with_its_days_and_tiers(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(calls_of("products.md"), "utf-8")
    sent = [delivery("price.changed", 65537, "24-MB01@base", full_price())]

    outcomes, got = pushed(path, sent, lambda rows: [{"id": r["id"], "ok": True} for r in rows])

    assert isinstance(outcomes[0], Accepted)
    assert (got[0]["promoFrom"], got[0]["promoTo"]) == ("2026-12-01", "2026-12-24")
    assert got[0]["scales"] == [{"from": 10.0, "price": 27.5, "group": "Wholesale"}]
