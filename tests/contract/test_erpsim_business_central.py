"""The ERP simulator as Business Central, over a real socket: what it is strict about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sidecar.testing.erpsim import ErpSimClient, serve_in_thread

LINE = {
    "lineType": "Item",
    "lineObjectNumber": "mug",
    "taxCode": "VAT19",
    "quantity": 2,
    "unitPrice": 9.99,
    "discountAmount": 0.98,
}


class Client:
    """What a client says to it, in the company that it asked for."""

    def __init__(self, erp: ErpSimClient) -> None:
        self.erp = erp
        [company] = self.call("GET", "/companies")[1]["value"]
        self.company = f"companies({company['id']})"

    def call(self, method: str, path: str, json: Any = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = requests.request(method, self.erp.url + path, json=json, headers=named, timeout=10)
        return answer.status_code, answer.json() if answer.content else None

    def order(self, *lines: dict[str, Any], **fields: Any) -> tuple[int, Any]:
        body = {
            "externalDocumentNumber": "web-1",
            "customerNumber": "10000",
            **fields,
            "salesOrderLines": list(lines or (LINE,)),
        }
        return self.call("POST", f"/{self.company}/salesOrders", body)


@pytest.fixture
def client() -> Iterator[Client]:
    with serve_in_thread(interface="business-central") as erp:
        yield Client(erp)


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, body = answer
    return status, body["error"]["code"]


def in_order(*names: str) -> dict[str, Any]:
    return {name: LINE[name] for name in names}


def test_a_code_is_kept_in_capitals(client: Client) -> None:
    status, order = client.order()

    assert (status, order["externalDocumentNumber"]) == (201, "WEB-1")
    assert client.erp.documents()[0].lines[0].sku == "MUG"


def test_the_type_of_a_line_goes_before_its_number(client: Client) -> None:
    line = in_order("lineObjectNumber", "lineType", "quantity", "unitPrice")

    assert code(client.order(line)) == (400, "Application_DialogException")


def test_a_quantity_overwrites_the_price_before_it_and_a_price_the_discount(
    client: Client,
) -> None:
    kind = in_order("lineType", "lineObjectNumber", "taxCode")
    client.order({**kind, **in_order("unitPrice", "quantity")})
    client.order({**kind, **in_order("quantity", "unitPrice", "discountAmount")})

    first, second = (one.lines[0] for one in client.erp.documents())
    assert (float(first.unit_price), float(second.unit_price)) == (0, 9.99)
    assert float(second.discount) == 0.98


def test_a_customer_overwrites_the_addresses_before_him(client: Client) -> None:
    body = {"shipToCity": "Halle", "customerNumber": "10000", "salesOrderLines": [LINE]}

    _, order = client.call("POST", f"/{client.company}/salesOrders", body)

    assert order["shipToCity"] is None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"discountAmount": 1}, "Application_DialogException"),
        ({"number": "SO-1"}, "BadRequest_InvalidOperation"),
        ({"shipToTown": "Halle"}, "BadRequest_NotFound"),
        ({"orderDate": "yesterday"}, "BadRequest"),
        ({"phoneNumber": "1" * 31}, "Application_StringExceededLength"),
        ({"customerNumber": "NOBODY"}, "Application_DialogException"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_booked(
    client: Client, fields: dict[str, Any], told: str
) -> None:
    assert code(client.order(**fields)) == (400, told)
    assert client.erp.documents() == []


def test_a_change_names_the_version_that_it_saw(client: Client) -> None:
    _, order = client.order()
    path = f"/{client.company}/salesOrders({order['id']})"
    seen = order["@odata.etag"]

    assert code(client.call("PATCH", path, {"discountAmount": 2})) == (
        400,
        "BadRequest_InvalidToken",
    )
    status, changed = client.call("PATCH", path, {"discountAmount": 2}, If_Match=seen)
    assert (status, changed["discountAmount"]) == (200, 2)
    stale = client.call("PATCH", path, {"discountAmount": 3}, If_Match=seen)
    assert code(stale) == (409, "Request_EntityChanged")
    # 19.98 less 0.98 less 2, and 19 % of that.
    assert changed["totalAmountIncludingTax"] == 20.23


def test_an_order_that_was_posted_is_gone_and_an_invoice_is_there(client: Client) -> None:
    _, order = client.order()
    path = f"/{client.company}/salesOrders({order['id']})"

    assert client.call("POST", f"{path}/Microsoft.NAV.shipAndInvoice") == (204, None)

    assert code(client.call("GET", path)) == (404, "Internal_RecordNotFound")
    for name in ("salesInvoices", "salesShipments"):
        asked = f"/{client.company}/{name}?$filter=externalDocumentNumber eq 'Web-1'"
        _, found = client.call("GET", asked)
        assert [one["orderNumber"] for one in found["value"]] == [order["number"]]


@pytest.mark.parametrize(
    ("prefer", "answered"), [("", [404]), ("odata.continue-on-error", [404, 200])]
)
def test_a_batch_ends_with_the_first_that_fails_unless_it_asks_to_go_on(
    client: Client, prefer: str, answered: list[int]
) -> None:
    parts = [
        {"method": "GET", "id": "1", "url": f"{client.company}/salesOrders(0)"},
        {"method": "GET", "id": "2", "url": f"{client.company}/salesOrders?$top=1"},
    ]

    status, told = client.call("POST", "/$batch", {"requests": parts}, Prefer=prefer)

    assert status == 200
    assert [one["status"] for one in told["responses"]] == answered


def test_a_batch_of_more_than_a_hundred_is_refused_whole(client: Client) -> None:
    part = {"method": "GET", "id": "1", "url": f"{client.company}/salesOrders"}

    assert code(client.call("POST", "/$batch", {"requests": [part] * 101})) == (400, "BadRequest")
