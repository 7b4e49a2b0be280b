"""What the simulator tells by itself and is told beside documents, in REST and in SOAP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.helpers import serialize_object

from sidecar.testing.erpsim import (
    DeliveryNote,
    Demand,
    ErpSim,
    ErpSimClient,
    OfLine,
    ShopLevel,
    ShopPrice,
    ShopProduct,
    serve_in_thread,
)

LATE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=2, items_unknown=["GONE"]) as running:
        yield running


@contextmanager
def service(erp: ErpSimClient) -> Iterator[Any]:
    with requests.Session() as session:
        client = zeep.Client(erp.wsdl_url, transport=zeep.Transport(session=session))
        yield client.bind("OrderService", "Document11")


def get(erp: ErpSimClient, path: str, **query: Any) -> Any:
    return requests.get(f"{erp.url}{path}", params=query, timeout=10).json()


def post(erp: ErpSimClient, path: str, payload: Any) -> requests.Response:
    return requests.post(f"{erp.url}{path}", json=payload, timeout=10)


def ordered(erp: ErpSimClient, external: str = "000000042") -> str:
    line = {"sku": "A", "quantity": 2, "unitPrice": 50}
    answer = post(erp, "/sales-orders", {"externalNumber": external, "lines": [line]})
    return str(answer.json()["number"])


def test_a_delivery_is_told_with_its_lines_and_parcels(erp: ErpSimClient) -> None:
    erp.tell_delivery("D-1", "000000042", [("A", "1.5")], parcels=["1Z"])

    [delivery] = get(erp, "/deliveries")["items"]

    assert delivery.pop("changedAt").endswith("Z")
    assert delivery == {
        "deliveryNumber": "D-1",
        "externalOrder": "000000042",
        "order": None,
        "warehouse": "MAIN",
        "lines": [{"externalLine": None, "sku": "A", "quantity": 1.5}],
        "parcels": [{"carrier": "DHL", "number": "1Z"}],
    }
    with service(erp) as soap:
        [told] = soap.ListDeliveries().Delivery
        assert (told.DeliveryNo, told.Lines.Line[0].Qty) == ("D-1", Decimal("1.5"))


def test_pages_lead_to_the_next_and_what_is_told_again_comes_last(erp: ErpSimClient) -> None:
    for sku in "ABC":
        erp.set_stock(sku, 1)
    erp.set_stock("A", 7)

    first = get(erp, "/stock")
    second = get(erp, "/stock", page=first["nextPage"])

    assert [row["sku"] for row in first["items"] + second["items"]] == ["B", "C", "A"]
    assert second["nextPage"] is None
    with service(erp) as soap:
        shown = soap.ListStock(Page=2)
        assert ([row.Sku for row in shown.Level], shown.NextPage) == (["A"], None)
        assert soap.ListStock(Page=0).ResultCode == "INVALID"


def test_a_row_may_be_told_late_with_a_moment_of_long_ago(erp: ErpSimClient) -> None:
    erp.tell_return("R-1", "000000042", [("A", 1)])
    erp.tell_delivery("D-1", "000000042", [("A", 1)], changed=LATE)

    assert len(get(erp, "/deliveries", changedSince="2026-10-31T00:00:00Z")["items"]) == 1
    assert get(erp, "/deliveries", changedSince="2026-11-02T00:00:00Z")["items"] == []


def test_an_order_may_go_backwards_with_a_note(erp: ErpSimClient) -> None:
    number = ordered(erp)
    erp.set_state(number, "POSTED")
    erp.set_state(number, "OPEN", "reopened by mistake", LATE)

    [row] = get(erp, "/sales-orders", changedSince="2026-10-01")["items"]

    assert (row["state"], row["note"]) == ("OPEN", "reopened by mistake")
    assert row["changedAt"] == "2026-11-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("rule", "settings", "skus", "following"),
    [
        ("repeat_rows", {}, ["A", "A", "B", "B"], 2),
        ("disorder", {}, ["C", "B"], 2),
        ("same_page", {}, ["A", "B"], 1),
        ("spoil_row", {"field": "available|Qty", "row": "B"}, ["A", "B"], 2),
    ],
)
def test_a_list_misbehaves_as_the_rule_says(
    erp: ErpSimClient, rule: str, settings: dict[str, str], skus: list[str], following: int
) -> None:
    for sku in "ABC":
        erp.set_stock(sku, 1)
    erp.rule(rule, **settings)

    page = get(erp, "/stock")
    with service(erp) as soap:
        shown = soap.ListStock()

    assert ([row["sku"] for row in page["items"]], page["nextPage"]) == (skus, following)
    assert ([row.Sku for row in shown.Level], shown.NextPage) == (skus, following)
    quantities = [row["available"] for row in page["items"]]
    assert quantities.count(None) == (rule == "spoil_row")


def test_pages_without_end_have_the_last_rows_again(erp: ErpSimClient) -> None:
    erp.set_stock("A", 1)
    erp.rule("endless_pages")

    far = get(erp, "/stock", page=99)

    assert ([row["sku"] for row in far["items"]], far["nextPage"]) == (["A"], 100)


def test_customers_are_saved_in_one_call_and_forgotten_by_number(erp: ErpSimClient) -> None:
    sent = [{"externalNumber": f"CU{number}", "email": f"{number}@shop.test"} for number in (1, 2)]
    erp.rule("credit_limit", external="CU2")

    results = post(erp, "/customers/bulk", {"customers": sent}).json()["results"]

    by_number = {result["externalNumber"]: result for result in results}
    assert (by_number["CU1"]["ok"], by_number["CU2"]["ok"]) == (True, False)
    [customer] = erp.customers()
    path = f"{erp.url}/customers/{customer.number}"
    assert [requests.delete(path, timeout=10).status_code for _ in range(2)] == [204, 404]
    assert erp.customers() == []
    with service(erp) as soap:
        saved = soap.SaveCustomers({"Customer": [{"ExternalId": "CU3", "Name": "Ada"}]})
        number = saved.Result[0].Number
        erased = [soap.EraseCustomer(number).ResultCode for _ in range(2)]
    assert number != customer.number, "a number is given once"
    assert erased == ["OK", "NOT_FOUND"]


def test_levels_and_demand_have_a_result_each_and_demand_counts_once(erp: ErpSimClient) -> None:
    levels = [{"sku": sku, "warehouse": "W1", "quantity": 1.5} for sku in ("A", "GONE")]
    demand = [{"id": "demand.1", "sku": "A", "stock": 1, "quantity": 3}]

    results = post(erp, "/stock/levels", {"levels": levels}).json()["results"]
    for _ in range(2):
        post(erp, "/stock/demand", {"demand": demand})

    assert {one["id"]: one["ok"] for one in results} == {"A@W1": True, "GONE@W1": False}
    told = erp.records(ShopLevel)
    assert [(level.sku, level.quantity) for level in told] == [("A", Decimal("1.5"))]
    assert [(one.id, one.quantity) for one in erp.records(Demand)] == [("demand.1", Decimal(3))]
    assert get(erp, "/stock")["items"] == [], "what the shop says is not what the ERP says"
    with service(erp) as soap:
        taken = soap.SetLevels({"Level": [{"Sku": "B", "Warehouse": "W1", "Qty": 2}]})
        sold = soap.AddDemand({"Demand": [{"Id": "demand.2", "Sku": "A", "Qty": 1}]})
    assert [one.ResultCode for one in (*taken.Result, *sold.Result)] == ["OK", "OK"]
    assert len(erp.records(Demand)) == 2


PRODUCT = {"externalNumber": "P1", "sku": "A", "name": "Mug", "weight": 0.25, "active": True}
PRICE = {
    "id": "PR1", "sku": "A", "channel": "base", "price": 9.99, "promo": 8, "promoTo": "2026-12-24",
    "scales": [{"from": 10, "price": 7.5, "group": "Wholesale"}],
}  # fmt: skip


def test_products_and_prices_are_kept_alike_through_both_languages(erp: ErpSimClient) -> None:
    posted = post(erp, "/products/bulk", {"products": [PRODUCT]}).json()["results"]
    post(erp, "/price-lists", {"prices": [PRICE]})
    of_rest = (erp.records(ShopProduct), erp.records(ShopPrice))

    with service(erp) as soap:
        product = {"ExternalId": "P1", "Sku": "A", "Name": "Mug", "Weight": "0.25", "Active": True}
        [saved] = soap.SaveProducts({"Product": [product]}).Result
        scales = {"Scale": [{"From": 10, "Price": "7.5", "Group": "Wholesale"}]}
        price = {
            "Id": "PR1", "Sku": "A", "Channel": "base", "Price": "9.99", "Promo": 8,
            "PromoTo": "2026-12-24", "Scales": scales,
        }  # fmt: skip
        [told] = soap.SetPrices({"Price": [price]}).Result
        assert (erp.records(ShopProduct), erp.records(ShopPrice)) == of_rest
        assert [one["number"] for one in posted] == [saved.Number], "its number stays"
        assert (told.ResultCode, told.Id) == ("OK", "PR1")
        assert soap.RemoveProduct(saved.Number).ResultCode == "OK"
        assert soap.RemoveProduct(saved.Number).ResultCode == "NOT_FOUND"
    assert erp.records(ShopProduct) == []


def test_a_record_is_found_by_what_the_shop_calls_it(erp: ErpSimClient) -> None:
    post(erp, "/stock/demand", {"demand": [{"id": "demand.1", "sku": "A", "quantity": 3}]})
    post(erp, "/customers/bulk", {"customers": [{"externalNumber": "CU1"}]})

    [customer] = get(erp, "/customers", externalNumber="CU1")["items"]

    [demand] = get(erp, "/stock/demand", id="demand.1")["items"]
    assert (demand["id"], demand["number"], demand["quantity"]) == ("demand.1", "demand.1", 3)
    assert get(erp, "/stock/demand", id="demand.2")["items"] == []
    with service(erp) as soap:
        [found] = soap.FindRecords("customer", "CU1").Record
        assert (found.Id, found.Number) == ("CU1", customer["number"])
        assert soap.FindRecords("demand", "demand.2").Record == []
        assert soap.FindRecords("supplier", "1").ResultCode == "INVALID"


def test_a_record_without_its_quantity_is_refused_in_both_languages(erp: ErpSimClient) -> None:
    assert post(erp, "/stock/levels", {"levels": [{"sku": "A"}]}).status_code == 400
    assert (
        post(erp, "/stock/levels", {"levels": [{"sku": "A", "quantity": "1"}]}).status_code == 400
    )
    envelope = (
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>"
        "<SetLevels xmlns='urn:erpsim:orders'><Levels><Level><Sku>A</Sku><Qty/></Level></Levels>"
        "</SetLevels></e:Body></e:Envelope>"
    )
    answer = requests.post(
        erp.endpoint(), data=envelope, headers={"Content-Type": "text/xml"}, timeout=10
    )

    assert "INVALID" in answer.text
    assert erp.records(ShopLevel) == []


def test_invoices_and_shipments_are_booked_found_and_canceled_in_soap(erp: ErpSimClient) -> None:
    number = ordered(erp)
    line = {"LineId": "7", "Sku": "A", "Qty": 1, "Price": 40}
    invoice = {"ExternalId": "IN1", "OrderNo": number, "Lines": {"Line": [line]}, "Shipping": 5}
    pieces = {"Line": [{"LineId": "7", "Sku": "A", "Qty": 2}]}
    parcels = {"Parcel": [{"Carrier": "DHL", "Number": "1Z"}]}
    shipment = {"ExternalId": "SH1", "OrderNo": number, "Lines": pieces, "Parcels": parcels}

    with service(erp) as soap:
        invoiced = soap.CreateInvoice(invoice)
        shipped = soap.CreateShipment(shipment)
        too_much = soap.CreateInvoice({**invoice, "ExternalId": "IN2", "Shipping": 100})
        [found] = soap.FindInvoice("IN1").Invoice
        [parcel] = soap.FindShipment("SH1").Shipment
        canceled = soap.CancelDocument(invoiced.InvoiceNo)
        unknown = soap.CancelDocument("IV-1")

    assert (invoiced.ResultCode, invoiced.Total) == ("OK", Decimal(45))
    assert (found.InvoiceNo, parcel.ShipmentNo) == (invoiced.InvoiceNo, shipped.ShipmentNo)
    assert too_much.ResultCode == "AMOUNT"
    assert (canceled.Status, unknown.ResultCode) == ("CANCELED", "NOT_FOUND")
    [booked] = erp.bookings("SH1")
    assert booked.other["parcels"] == [{"carrier": "DHL", "number": "1Z"}]
    assert [(line.line_id, line.quantity) for line in booked.lines] == [(7, Decimal(2))]


def test_half_of_a_bulk_call_may_be_answered(erp: ErpSimClient) -> None:
    erp.rule("half_batch")
    levels = [{"sku": sku, "warehouse": "W1", "quantity": 1} for sku in "ABCD"]

    results = post(erp, "/stock/levels", {"levels": levels}).json()["results"]

    assert len(results) == len(erp.records(ShopLevel)) == 2


def test_a_payment_is_of_an_order_that_is_there(erp: ErpSimClient) -> None:
    number = ordered(erp)
    payment = {"externalNumber": "IN1", "order": number, "amount": 60.5, "currency": "EUR"}

    booked = post(erp, "/payments", payment)
    refused = post(erp, "/payments", {**payment, "externalNumber": "IN2", "order": "SO-1"})

    assert (booked.status_code, booked.json()["total"]) == (201, 60.5)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unknown_order")
    [found] = get(erp, "/payments", externalNumber="IN1")["items"]
    assert found["number"] == booked.json()["number"]
    with service(erp) as soap:
        paid = soap.CreatePayment({"ExternalId": "IN3", "OrderNo": number, "Amount": 5})
        [of_soap] = soap.FindPayment("IN3").Payment
    assert (paid.PaymentNo, paid.Total) == (of_soap.PaymentNo, Decimal("5.00"))


def test_a_credit_note_names_amounts_of_lines(erp: ErpSimClient) -> None:
    line = {"orderLine": 7, "sku": "A", "quantity": 3, "amount": 10, "tax": 1.9, "discount": 0}
    note = {"externalNumber": "CM1", "order": ordered(erp), "lines": [line], "shipping": 5}

    booked = post(erp, "/credit-notes", note)

    assert (booked.status_code, booked.json()["total"]) == (201, 16.9)
    assert [item["number"] for item in get(erp, "/credit-notes")["items"]] == ["CR-100001"]
    assert post(erp, "/credit-notes", {"externalNumber": "CM2"}).status_code == 422


def test_what_was_told_survives_a_kill(tmp_path: Path) -> None:
    with ErpSim.start(state_file=tmp_path / "books") as erp:
        erp.set_price("A", "9.90", promo=Decimal("8.5"), channel="base")
        erp.tell(DeliveryNote(number="D-1", lines=(OfLine(sku="A", quantity=Decimal("0.25")),)))
        erp.kill()
        erp.restart()

        [price] = get(erp, "/prices")["items"]
        assert (price["price"], price["promo"], price["channel"]) == (9.9, 8.5, "base")
        assert get(erp, "/deliveries")["items"][0]["lines"][0]["quantity"] == 0.25
        erp.reset()
        assert get(erp, "/prices")["items"] == []


def test_every_kind_is_shown_in_both_languages(erp: ErpSimClient) -> None:
    erp.set_price("A", 1, promo_from="2026-11-30")
    erp.tell_invoice("I-1", "000000042", [("A", 1)])
    erp.tell_return("R-1", "000000042", [("A", 1)])

    assert get(erp, "/prices")["items"][0]["promoFrom"] == "2026-11-30"
    assert get(erp, "/bills")["items"][0]["invoiceNumber"] == "I-1"
    assert get(erp, "/returns")["items"][0]["returnNumber"] == "R-1"
    with service(erp) as soap:
        told = serialize_object(soap.ListPrices().Price[0], dict)
        assert str(told["PromoFrom"]) == "2026-11-30"
        assert soap.ListInvoices().Invoice[0].InvoiceNo == "I-1"
        assert soap.ListReturns().Return[0].ReturnNo == "R-1"
