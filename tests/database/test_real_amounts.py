"""Orders of a real Magento through every shipped mapping: an ERP that adds up for itself comes to
the cent to what the customer paid.

Needs the recorded data in ../shared; on a user's machine these tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.rest import generic as rest
from adapters.soap import generic as soap
from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import Order
from sidecar.ports import ErpAdapter, Previewing
from sidecar.testing.erpsim import WSDL, DuplicatePolicy, ErpSimClient, serve_in_thread
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, load_dump
from sidecar.testing.sample_order import placed
from tests.contract.netsuite_bench import adapter_settings, make_adapter
from tests.pipeline import Pipeline

pytestmark = pytest.mark.shared

MAPPINGS = Path(__file__).parents[2] / "config" / "mappings"
CENT = Decimal("0.01")
#: What only this shop has: its countries' taxes, its store's names.
OWN_TABLES = {
    '"0": "7"}': '"0": "7", "20": "9", "21": "10"}',
    "AT: _austria": "AT: _austria, NL: _netherlands",
    'subsidiary: {base: "1"}': 'subsidiary: {base: "1", us: "2", us_site: "2"}',
}


@pytest.fixture(scope="module")
def orders(recorded_orders: dict[str, list[Order]]) -> list[Order]:
    """Every recorded order, as our reader has it."""
    return [order for of_file in recorded_orders.values() for order in of_file]


@pytest.fixture
def kinds(server: PrivateServer, shared: Path) -> Iterator[MagentoDatabase]:
    """The shop of the 95 orders, which no ERP has answered yet."""
    magento = MagentoDatabase(server, "kinds_of_orders")
    load_dump(server, shared / "magento" / "orders-kinds.sql.gz", magento.name)
    yield magento
    magento.drop()


@dataclass
class Bill:
    """What an ERP was sent, as it adds it up: each line to the cent."""

    lines: Sequence[Mapping[str, Decimal]]
    shipping: Decimal
    tax: Decimal | None
    currency: str = ""
    discount: Decimal = Decimal(0)
    whole: Decimal | None = None
    shipping_tax: Decimal = field(default=Decimal(0))

    @property
    def total(self) -> Decimal:
        """By the document's own tax, or by that of its lines where it has none."""
        goods = sum((cents(one["net"]) - one["discount"] for one in self.lines), Decimal(0))
        tax = self.tax_of_lines if self.tax is None else self.tax
        return cents(goods - self.discount + self.shipping + tax)

    @property
    def tax_of_lines(self) -> Decimal:
        return sum((one["tax"] for one in self.lines), self.shipping_tax)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def written(folder: Path, name: str) -> Path:
    """A shipped mapping with the names of this shop in its tables; nothing else is changed."""
    text = (MAPPINGS / name).read_text("utf-8")
    for ours, theirs in OWN_TABLES.items():
        text = text.replace(ours, theirs)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def call_of(adapter: ErpAdapter, order: Order) -> str:
    """The body that would be sent for the placement."""
    assert isinstance(adapter, Previewing)
    *_, preview = adapter.preview(placed(order))
    return preview.body or ""


def of_json(sent: Mapping[str, Any]) -> Bill:
    return Bill(
        lines=[
            {
                "net": Decimal(line["quantity"]) * Decimal(line["unitPrice"]),
                "discount": Decimal(line.get("discount", 0)),
                "tax": Decimal(line["tax"]),
            }
            for line in sent["lines"]
        ],
        shipping=Decimal(sent["shipping"]),
        tax=Decimal(sent["tax"]),
        currency=sent["currency"],
        whole=Decimal(sent["total"]),
    )


def of_xml(body: str) -> Bill:
    """A CreateOrder of the simulator's WSDL."""
    [request] = etree.fromstring(body.encode()).iter("{*}request")
    return Bill(
        lines=[
            {
                "net": number(line, "Qty") * number(line, "Price"),
                "discount": number(line, "Discount"),
                "tax": number(line, "Tax"),
            }
            for line in request.iter("{*}Line")
        ],
        shipping=number(request, "Shipping"),
        tax=number(request, "Tax"),
        currency=request.findtext("{*}Currency"),
        whole=number(request, "Total"),
    )


def of_netsuite(body: str) -> Bill:
    """An upsert of a SalesOrder: NetSuite knows no tax of the document, and no total is sent."""
    [record] = etree.fromstring(body.encode()).iter("{*}record")
    return Bill(
        lines=[
            {
                "net": number(line, "amount"),
                "discount": Decimal(0),
                "tax": number(line, "tax1Amt"),
            }
            for line in record.findall("{*}itemList/{*}item")
        ],
        shipping=number(record, "shippingCost"),
        tax=None,
        discount=-number(record, "discountRate"),
    )


def number(element: Any, name: str) -> Decimal:
    return Decimal(element.findtext(f"{{*}}{name}") or 0)


def bills(name: str, folder: Path, orders: Sequence[Order]) -> Iterator[tuple[Order, Bill]]:
    """Each order as this mapping sends it."""
    calls = written(folder, name)
    if name == "netsuite-soap.yaml":
        adapter = make_adapter(calls)
    elif name == "legacy-soap.yaml":
        adapter = soap.create(adapter_settings(calls, wsdl=str(WSDL)))
    else:
        adapter = rest.create(adapter_settings(calls, url="http://127.0.0.1:9"))
    with closing(adapter):
        for order in orders:
            body = call_of(adapter, order)
            if name == "netsuite-soap.yaml":
                yield order, of_netsuite(body)
            elif name == "legacy-soap.yaml":
                yield order, of_xml(body)
            else:
                sent = json.loads(body, parse_float=Decimal, parse_int=Decimal)
                yield order, of_json(sent["orders"][0] if "orders" in sent else sent)


SHIPPED = [path.name for path in sorted(MAPPINGS.glob("*.yaml"))]


def test_there_is_a_bill_for_every_shipped_mapping() -> None:
    assert SHIPPED == [
        "legacy-batch-rest.yaml", "legacy-rest.yaml", "legacy-soap.yaml", "netsuite-soap.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_every_order_adds_up_to_its_grand_total_in_what_is_sent(
    name: str, orders: list[Order], tmp_path: Path
) -> None:
    off = [
        (order.increment_id, bill.total, order.grand_total)
        for order, bill in bills(name, tmp_path, orders)
        if bill.total != cents(order.grand_total)
        or bill.whole not in (None, cents(order.grand_total))
        or bill.currency not in ("", order.order_currency_code)
    ]

    assert off == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_line_is_sent_with_its_own_total_discount_and_tax(
    name: str, orders: list[Order], tmp_path: Path
) -> None:
    for order, bill in bills(name, tmp_path, orders):
        sold = order.sellable_items
        assert [cents(line["net"]) for line in bill.lines[: len(sold)]] == [
            cents(item.row_total) for item in sold
        ]
        assert [line["tax"] for line in bill.lines[: len(sold)]] == [
            item.tax_amount for item in sold
        ]
        discounts = sum((line["discount"] for line in bill.lines), bill.discount)
        assert discounts == sum(item.net_discount_amount for item in sold)
        of_shipping = Decimal(0) if bill.tax is None else order.shipping_tax_amount
        assert bill.tax_of_lines + of_shipping == order.tax_amount


def test_charges_leave_no_difference_of_magentos_own_orders(orders: list[Order]) -> None:
    assert {charge.name for order in orders for charge in order.charges} == {"weee_tax"}
    assert all(problems(order, Decimal(0)) == [] for order in orders)


@pytest.mark.parametrize("protocol", ["REST", "SOAP"])
def test_an_erp_that_adds_up_for_itself_has_no_difference_with_any_of_95_orders(
    protocol: str, kinds: MagentoDatabase, tmp_path: Path
) -> None:
    calls = MAPPINGS / f"legacy-{protocol.lower()}.yaml"
    with (
        serve_in_thread(duplicates=DuplicatePolicy.UPSERT) as erp,
        Pipeline(
            kinds,
            tmp_path / "sidecar",
            calls=(MAPPINGS / "legacy-rest.yaml").read_text("utf-8"),
            adapter=soap_adapter(calls, erp) if protocol == "SOAP" else None,
            url=erp.url,
            concurrency=4,
        ) as pipeline,
    ):
        # What was there at the installation is no business of the sidecar's otherwise.
        pipeline.sql(f"DELETE FROM {pipeline.sidecar.names('entity')}")
        # Bank transfers would wait for their payment.
        pipeline.sql(
            f"UPDATE `{kinds.name}`.sales_order_payment SET method = 'checkmo' "
            "WHERE method = 'banktransfer'"
        )
        pipeline.run()
        check_the_books(pipeline, erp, kinds)


def soap_adapter(calls: Path, erp: ErpSimClient) -> ErpAdapter:
    endpoint = erp.endpoint()
    return soap.create(adapter_settings(calls, wsdl=str(WSDL), url=endpoint))


def check_the_books(pipeline: Pipeline, erp: ErpSimClient, magento: MagentoDatabase) -> None:
    sold = {
        row.increment_id: row
        for row in pipeline.sql(
            "SELECT increment_id, grand_total, order_currency_code, state "
            f"FROM `{magento.name}`.sales_order"
        )
    }
    live = {number for number, row in sold.items() if row.state not in ("canceled", "holded")}
    documents = {document.external: document for document in erp.documents()}
    found = pipeline.sql(f"SELECT number, class FROM {pipeline.sidecar.names('difference')}")

    assert found == []
    assert documents.keys() == live
    for number, document in documents.items():
        assert document.total == cents(sold[number].grand_total)
        assert document.submitted_total == cents(sold[number].grand_total)
        assert document.currency == sold[number].order_currency_code
    [waiting] = {row.number for row in pipeline.open_events()}
    assert sold[waiting].state == "holded"
