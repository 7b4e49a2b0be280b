"""What the SAP pack makes of orders and of SAP's answers, beyond the conformance kit."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.erps.sap_s4 import PACK, PACK_4
from adapters.rest.contract import open_contract
from sidecar.domains import SPECS
from sidecar.domains.customers.spec import SPEC as CUSTOMERS
from sidecar.domains.orders.charges import Charge
from sidecar.domains.orders.events import ORDER_HELD, ORDER_RELEASED
from sidecar.domains.orders.payload import Order
from sidecar.domains.stock.news import StockLevel
from sidecar.model.errors import ConfigurationError
from sidecar.model.event import Event, event_id, schema_urn
from sidecar.model.outcome import (
    Accepted,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Unmapped,
)
from sidecar.ports import AdapterSettings, Delivery, ErpAdapter, Link, Pack, ShopContext, Telling
from sidecar.testing.contract_calls import push_all, push_one, reference_of, wait_for
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.full_payloads import full_customer
from sidecar.testing.sample_order import (
    SHOP,
    SampleLine,
    canceled,
    delivery,
    placed,
    sample_order,
    simple_order,
)
from tests.contract.sap_bench import overlay
from tests.contract.scripted_server import Received, answer, scripted_server

SALES_ORDER = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"


@pytest.fixture
def sap() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=3) as erp:
        yield erp


@pytest.fixture(params=[PACK, PACK_4], ids=["odata-2", "odata-4"])
def pack(request: pytest.FixtureRequest) -> Pack:
    found: Pack = request.param
    return found


def made(folder: Path, url: str, pack: Pack = PACK, further: str = "") -> ErpAdapter:
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    calls = overlay(folder, further)
    return pack(AdapterSettings(url, 5, 20, shop, calls=calls, domains=SPECS))


@pytest.fixture
def adapter(sap: ErpSimClient, pack: Pack, tmp_path: Path) -> Iterator[ErpAdapter]:
    with closing(made(tmp_path, sap.url, pack)) as adapter:
        yield adapter


def sold() -> Order:
    """Two lines, a discount, shipping, a fee, and store credit that takes from all."""
    order = sample_order(
        "000000042",
        [SampleLine("A", "3", "9.99", discount="2.50"), SampleLine("B", "7", "3.3333")],
    )
    return msgspec.structs.replace(
        order,
        surcharges=(_charge("payment_fee", "1.50"), _charge("gift_card", "-5")),
        grand_total=order.grand_total - Decimal("3.50"),
        base_grand_total=order.base_grand_total - Decimal("3.50"),
    )


def _charge(name: str, amount: str) -> Charge:
    value = Decimal(amount)
    nothing = Decimal(0)
    return Charge(
        name=name,
        amount=value,
        base_amount=value,
        tax_amount=nothing,
        base_tax_amount=nothing,
        tax_percent=nothing,
    )


FEE = """
  materials: {payment_fee: FEE}
"""


def test_what_an_order_comes_to_is_read_back_to_the_cent(
    sap: ErpSimClient, pack: Pack, tmp_path: Path
) -> None:
    with closing(made(tmp_path, sap.url, pack, FEE)) as adapter:
        outcome = push_one(adapter, placed(sold()))
        [found] = adapter.probe("orders", ["000000042"])["000000042"]

    [document] = sap.bookings("000000042")
    assert reference_of(outcome) == document.number == found.reference
    assert found.total == document.total
    assert found.tax == document.tax
    assert found.currency == "EUR"
    assert found.items is not None
    told = [
        (line.sku, line.qty_ordered, line.row_total, line.net_discount_amount)
        for line in found.items
    ]
    assert told == [
        ("A", Decimal(3), Decimal("29.97"), Decimal("2.50")),
        ("B", Decimal(7), Decimal("23.33"), Decimal(0)),
    ]
    goods = {line.sku: line for line in document.lines}
    assert goods["B"].unit_price == Decimal("3.3333")
    assert goods["SHIPPING"].unit_price == Decimal("4.90")
    assert goods["FEE"].unit_price == Decimal("1.50")
    assert document.shipping == Decimal(-5)


def test_a_charge_that_nobody_named_is_not_sent(adapter: ErpAdapter, sap: ErpSimClient) -> None:
    outcome = push_one(adapter, placed(sold()))

    assert isinstance(outcome, Unmapped), outcome
    assert "'payment_fee'" in outcome.message
    assert sap.documents() == []


def test_orders_go_in_one_call_and_the_bad_one_is_refused_alone(
    adapter: ErpAdapter, sap: ErpSimClient
) -> None:
    sap.rule("unknown_item", external="000000003")
    batch = [placed(simple_order(f"{number:09}")) for number in range(1, 6)]

    calls = adapter.push(batch)

    assert len([call for call in calls if call.exchange is not None]) == 1
    outcomes = {
        result.delivery.ref: type(result.outcome) for call in calls for result in call.results
    }
    assert outcomes.pop("000000003") is Rejected
    assert set(outcomes.values()) == {Accepted}
    assert {document.external for document in sap.documents()} == outcomes.keys()


def test_a_canceled_order_has_every_line_rejected(
    sap: ErpSimClient, pack: Pack, tmp_path: Path
) -> None:
    with closing(made(tmp_path, sap.url, pack, FEE)) as adapter:
        link = Link(reference_of(push_one(adapter, placed(sold()))))

        assert isinstance(push_one(adapter, canceled(sold(), link)), Accepted)
        assert isinstance(push_one(adapter, canceled(sold(), link)), Accepted)

    [document] = sap.bookings("000000042")
    assert document.state == "CANCELED"
    assert len(document.lines) == 4


def test_an_order_that_was_delivered_is_canceled_by_nobody(
    adapter: ErpAdapter, sap: ErpSimClient
) -> None:
    link = Link(reference_of(push_one(adapter, placed(simple_order()))))
    sap.set_state(link.reference, "POSTED")

    outcome = push_one(adapter, canceled(simple_order(), link))

    assert isinstance(outcome, Rejected), outcome
    assert "delivered" in outcome.message


def test_a_held_order_is_blocked_for_delivery_until_it_is_released(
    adapter: ErpAdapter, sap: ErpSimClient
) -> None:
    order = simple_order()
    link = Link(reference_of(push_one(adapter, placed(order))))

    assert isinstance(push_one(adapter, delivery(order, ORDER_HELD, 2, link)), Accepted)
    assert [document.state for document in sap.documents()] == ["BLOCKED"]

    assert isinstance(push_one(adapter, delivery(order, ORDER_RELEASED, 3, link)), Accepted)
    assert [document.state for document in sap.documents()] == ["OPEN"]


def test_a_field_of_their_own_is_three_lines(tmp_path: Path) -> None:
    further = """
orders:
  push:
    call: {json: {YY1_Channel_SDH: =order.store_code}}
"""
    with closing(made(tmp_path, "http://erp.invalid", PACK, further)) as adapter:
        [preview] = adapter.preview(placed(simple_order()))  # type: ignore[attr-defined]

    sent = json.loads(preview.body)
    assert sent["YY1_Channel_SDH"] == "default"
    assert sent["PurchaseOrderByCustomer"] == "000000042"
    assert sent["CustomerPurchaseOrderDate"] == "/Date(1774742400000)/"
    assert sent["to_Item"][0]["RequestedQuantity"] == "2"
    assert sent["to_Item"][1]["SalesOrderItem"] == "20"
    assert sent["to_Partner"][0]["to_Address"][0]["Country"] == "DE"


def test_a_mistake_in_the_overlay_names_its_own_file_and_line(tmp_path: Path) -> None:
    further = """
orders:
  push:
    call: {json: {YY1_Channel_SDH: =order.stor_code}}
"""
    with pytest.raises(ConfigurationError, match=r"calls\.yaml:7: .*stor_code"):
        made(tmp_path, "http://erp.invalid", PACK, further)


PAGE = (Path(__file__).parents[2] / "docs" / "sap.md").read_text("utf-8")
LAID_OVER = re.findall(r"```yaml\n# fragment\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("further", LAID_OVER)
def test_what_the_page_lays_over_the_pack_is_read(tmp_path: Path, further: str) -> None:
    assert len(LAID_OVER) == 4
    waits = "customer_link" in further  # domains.orders.needs: [customer]
    domains = [
        replace(spec, parent="customer") if waits and spec.name == "orders" else spec
        for spec in SPECS
    ]
    calls = tmp_path / "sap.yaml"
    calls.write_text(further)
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    settings = AdapterSettings("http://e.invalid", 1, 1, shop, calls=calls, domains=tuple(domains))

    with closing(PACK(settings)) as adapter:
        assert "order.canceled" in adapter.capabilities("orders").subscriptions


# --- what SAP says beside a 201 -------------------------------------------------------------


def posted(folder: Path, status: int, body: Any, **headers: str) -> Outcome:
    """What the pack makes of SAP's answer to an order."""

    def script(received: Received) -> Any:
        if received.head.startswith("GET"):
            return answer(200, "{}", x_csrf_token="token")
        return answer(status, json.dumps(body), **headers)

    with scripted_server(script) as server, closing(made(folder, server.url)) as adapter:
        [pushed] = push_all(adapter, [placed(simple_order())])
        return pushed.outcome


def saved(**fields: str) -> dict[str, Any]:
    return {"d": {"SalesOrder": "42", "OverallSDProcessStatus": "A", **fields}}


def refused(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": {"lang": "en", "value": message}}}


@pytest.mark.parametrize(
    "fields",
    [
        {"TotalCreditCheckStatus": "B"},
        {"TotalBlockStatus": "C"},
        {"HdrGeneralIncompletionStatus": "A"},
    ],
)
def test_an_order_that_is_blocked_or_incomplete_is_partial(
    tmp_path: Path, fields: dict[str, str]
) -> None:
    outcome = posted(tmp_path, 201, saved(**fields))

    assert isinstance(outcome, Partial), outcome
    assert outcome.booked.reference == "42"


def test_a_warning_beside_a_201_that_the_document_cannot_be_saved_is_partial(
    tmp_path: Path,
) -> None:
    told = {
        "code": "SLS_LORD/033",
        "message": "The document cannot be saved.",
        "severity": "warning",
        "details": [{"code": "V1/555", "message": "Enter a plant.", "severity": "error"}],
    }

    outcome = posted(tmp_path, 201, saved(), sap_message=json.dumps(told))

    assert isinstance(outcome, Partial), outcome
    assert outcome.what == "The document cannot be saved.; Enter a plant."


def test_a_note_beside_a_201_is_no_obstacle(tmp_path: Path) -> None:
    told = {"code": "V1/028", "message": "Material A has status 01", "severity": "warning"}

    outcome = posted(tmp_path, 201, saved(), sap_message=json.dumps(told))

    assert isinstance(outcome, Accepted), outcome


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (refused("V1/306", "Sold-to party 1 is not defined in the sales area"), Rejected),
        (refused("V1/042", "Document 7 is currently being processed by user SMITH"), Retry),
    ],
)
def test_who_has_a_document_open_is_waited_for(
    tmp_path: Path, body: dict[str, Any], outcome: type
) -> None:
    became = posted(tmp_path, 400, body)

    assert isinstance(became, outcome), became


# --- the other domains ----------------------------------------------------------------------


def _saved_customer(**fields: Any) -> Delivery:
    customer = msgspec.structs.replace(full_customer(), **fields)
    event = Event(
        id=event_id(SHOP, CUSTOMERS.kind, customer.entity_id, 1),
        type="customer.saved",
        source=f"urn:magento:{SHOP}",
        subject=f"{CUSTOMERS.kind}/{customer.entity_id}",
        time=datetime(2026, 11, 30, tzinfo=UTC),
        dataschema=schema_urn(CUSTOMERS.event("customer.saved")),
        data=customer,
        sequence=1,
    )
    return Delivery(event, f"CU{customer.entity_id}")


def test_a_customer_is_made_once_and_changed_afterwards(
    adapter: ErpAdapter, sap: ErpSimClient
) -> None:
    first = push_one(adapter, _saved_customer(firstname="Ada", lastname="Lovelace"))
    again = push_one(adapter, _saved_customer(firstname="Ada", lastname="King"))

    [customer] = sap.customers()
    assert isinstance(first, Accepted), first
    assert isinstance(again, Accepted), again
    assert reference_of(first) == reference_of(again) == customer.number
    assert customer.name == "Ada King"
    assert customer.addresses[0]["Country"]


def test_stock_is_what_is_free_of_all_batches(sap: ErpSimClient, adapter: ErpAdapter) -> None:
    quantities = {f"SKU {n}": Decimal(n) + Decimal("0.5") for n in range(5)}
    for sku, quantity in quantities.items():
        sap.set_stock(sku, str(quantity))
    assert isinstance(adapter, Telling)

    rows: list[Any] = []
    page = adapter.changes("stock", None)
    rows += page.rows
    while page.next is not None:
        page = adapter.changes("stock", None, page.next)
        rows += page.rows

    assert all(isinstance(row, StockLevel) for row in rows)
    assert {row.sku: row.quantity for row in rows} == quantities
    assert {row.source_code for row in rows} == {"default"}


# --- a second opinion -----------------------------------------------------------------------


#: The file of calls, what it is laid over, and the descriptions of what it calls.
CALLS = PACK.folder / "calls.yaml"
DESCRIBED = [
    (CALLS, (), "API_SALES_ORDER_SRV.openapi.json"),
    (CALLS, (), "API_SALES_ORDER_SRV.2020.edmx"),
    (CALLS, (), "API_MATERIAL_STOCK_SRV.openapi.json"),
    (CALLS, (), "API_OUTBOUND_DELIVERY_SRV_0002.openapi.json"),
    (CALLS, (), "API_BUSINESS_PARTNER.edmx"),
    (PACK.folder / "odata4.yaml", (CALLS,), "CE_SALESORDER_0001.openapi.json"),
]


@pytest.mark.shared
@pytest.mark.parametrize(("calls", "below", "name"), DESCRIBED, ids=[one[2] for one in DESCRIBED])
def test_the_pack_fits_what_sap_itself_describes(
    shared: Path, calls: Path, below: tuple[Path, ...], name: str
) -> None:
    """But for keys that SAP gives, and calls mandatory; the release of 2020 takes no address."""
    contract = open_contract(str(shared / "contracts" / "sap" / name), None)
    assert contract is not None

    findings = contract.check(calls, SPECS, below)

    wrong = [one for one in findings if one.severity == "error" and one.id != "missing"]
    told = [one.text for one in wrong if "to_Address" not in one.text or "2020" not in name]
    assert told == []


@pytest.fixture
def mock_sap() -> Iterator[str]:
    """The public stand-in: nobody here wrote it."""
    program = Path(sys.executable).with_name("mock-sap")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([program, "--port", str(port), "--require-if-match", "-q"])
    try:
        wait_for(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


#: mock-sap knows fewer properties than SAP, and prices nothing.
OF_THE_MOCK = """
orders:
  push:
    call:
      json:
        to_Item:
          0: {$do: {$without: [ProductTaxClassification1]}}
          1: {$do: {$without: [ProductTaxClassification1]}}
          2: {$do: {$without: [ProductTaxClassification1]}}
        to_Partner: {0: {$do: {to_Address: {0: {$without: [StreetSuffixName1]}}}}}
"""


def test_a_stand_in_that_nobody_here_wrote_takes_our_orders(mock_sap: str, tmp_path: Path) -> None:
    with closing(made(tmp_path, mock_sap, PACK, OF_THE_MOCK)) as adapter:
        assert adapter.ping().authorised
        alone = push_one(adapter, placed(simple_order("000000070")))
        together = push_all(
            adapter, [placed(simple_order(f"{number:09}")) for number in (71, 72, 73)]
        )

        numbers = [reference_of(one.outcome) for one in together]
        assert len({reference_of(alone), *numbers}) == 4
        for number, reference in zip((71, 72, 73), numbers, strict=True):
            [found] = adapter.probe("orders", [f"{number:09}"])[f"{number:09}"]
            assert found.reference == reference
            assert found.items is not None
            assert [line.sku for line in found.items] == ["24-MB01", "24-MB02"]
        link = Link(reference_of(alone))
        held = push_one(adapter, delivery(simple_order("000000070"), ORDER_HELD, 2, link))
        assert isinstance(held, Accepted | Rejected), held
