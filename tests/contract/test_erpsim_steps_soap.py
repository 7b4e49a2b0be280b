"""The ERP simulator that takes an order in steps, over SOAP: a plain zeep client."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault, TransportError

from sidecar.testing.erpsim import ErpSimClient, serve_in_thread

NUMBER = "000000042"
EMAIL = "anna@example.com"


class Client:
    """What a shop says to it."""

    def __init__(self, erp: ErpSimClient) -> None:
        self.erp = erp
        self._session = requests.Session()
        transport = zeep.Transport(session=self._session, operation_timeout=20)
        self._service = zeep.Client(erp.wsdl_url, transport=transport).service
        self.token = ""

    def close(self) -> None:
        self._session.close()

    def call(self, operation: str, **values: Any) -> Any:
        headers = {"Session": self.token} if operation != "Login" else {}
        return self._service[operation](**values, **({"_soapheaders": headers} if headers else {}))

    def login(self) -> None:
        self.token = self.call("Login", User="shop", Password="secret").Token

    def order(self, **fields: Any) -> dict[str, Any]:
        [mug] = self.call("FindProducts", Sku="MUG").Product
        anna = self.call("CreateCustomer", Email=EMAIL, Name="Anna")
        lines = [
            {"Position": 0, "ProductId": str(mug.Id), "Quantity": "2.000", "Price": "9.9900",
             "Tax": Decimal("3.80")},
            {"Position": 9000, "ProductId": "SHIPPING", "Quantity": "1.000", "Price": "5.0000"},
        ]  # fmt: skip
        return {
            "ExternalNumber": NUMBER,
            "CustomerId": anna.Id,
            "OrderedAt": 1_764_547_200,
            "Currency": "EUR",
            "Lines": {"Line": lines},
            **fields,
        }

    def book(self) -> int:
        booked = self.call("CreateOrder", Order=self.order())
        assert (booked.ResultCode, booked.Number, booked.State) == ("OK", "SO-100001", "DRAFT")
        return int(booked.Id)


@pytest.fixture
def client() -> Iterator[Client]:
    with serve_in_thread(
        interface="steps", user="shop", password="secret", vat_ids_invalid=["DE999"]
    ) as erp:
        client = Client(erp)
        client.login()
        yield client
        client.close()


def test_a_wrong_login_opens_no_session(client: Client) -> None:
    answer = client.call("Login", User="shop", Password="wrong")

    assert (answer.ResultCode, answer.Token) == ("LOGIN", None)


def test_without_a_session_every_call_is_a_fault(client: Client) -> None:
    client.erp.expire_sessions()

    with pytest.raises(Fault) as fault:
        client.call("FindProducts", Sku="MUG")
    assert str(fault.value.code).endswith(":InvalidSession")
    client.login()
    assert client.call("FindProducts", Sku="MUG").ResultCode == "OK"


def test_an_order_becomes_one_in_steps(client: Client) -> None:
    order = client.book()

    assert client.call("SetDiscount", Id=order, Discount=Decimal("1.98")).Discount == Decimal(
        "1.98"
    )
    validated = client.call("ValidateOrder", Id=order)
    assert (validated.State, validated.Total, validated.Tax, validated.Currency) == (
        "VALIDATED", Decimal("26.80"), Decimal("3.80"), "EUR",
    )  # fmt: skip
    [found] = client.call("FindOrders", ExternalNumber=NUMBER).Order
    assert (found.Id, found.State, found.Discount) == (order, "VALIDATED", Decimal("1.98"))
    assert [line.Sku for line in found.Lines.Line] == ["MUG", "SHIPPING"]
    assert (found.ReverseCharge, found.OrderedAt) == (False, 1_764_547_200)
    assert client.call("ValidateOrder", Id=order).ResultCode == "NOT_A_DRAFT"
    assert client.call("CancelOrder", Id=order).State == "CANCELED"
    assert [one.version for one in client.erp.history(NUMBER)] == [1, 2, 3, 4]


def test_the_search_for_customers_lags(client: Client) -> None:
    made = client.call("CreateCustomer", Email=EMAIL, Name="Anna").Id

    assert client.call("FindCustomers", Email=EMAIL).Customer == []
    client.erp.set_search_lag(0)
    assert [one.Id for one in client.call("FindCustomers", Email=EMAIL).Customer] == [made]


def test_a_vat_id_is_valid_or_not_or_none_at_all(client: Client) -> None:
    said = [client.call("CheckVatId", VatId=one) for one in ("DE123456789", "DE999", "12")]

    assert [one.Valid for one in said] == [True, False, None]
    assert said[2].ResultCode == "UNKNOWN_VAT_ID"


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"CustomerId": 1}, "UNKNOWN_CUSTOMER", "there is no customer 1"),
        ({"Currency": "euro"}, "INVALID", "currency"),
        ({"Lines": {"Line": []}}, "INVALID", "without lines"),
        ({"Lines": {"Line": [{"Position": 0, "ProductId": "1", "Quantity": "1.000",
                              "Price": "1.0000"}]}}, "UNKNOWN_PRODUCT", "there is no product 1"),
        ({"Lines": {"Line": [{"Position": 0, "ProductId": "SHIPPING", "Quantity": "1",
                              "Price": "1.0000"}]}}, "INVALID", "quantity"),
    ],
)  # fmt: skip
def test_what_the_erp_does_not_know_is_refused(
    client: Client, wrong: dict[str, Any], code: str, said: str
) -> None:
    answer = client.call("CreateOrder", Order=client.order(**wrong))

    assert answer.ResultCode == code
    assert said in answer.Message
    assert client.erp.documents() == []


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("CreateCustomer", {"Email": "new@example.com", "Name": "New"}),
        ("SetDiscount", {"Id": 100_001, "Discount": 1}),
        ("ValidateOrder", {"Id": 100_001}),
        ("CancelOrder", {"Id": 100_001}),
    ],
)
def test_what_was_done_stays_done_when_the_answer_is_lost(
    client: Client, operation: str, values: dict[str, Any]
) -> None:
    client.book()
    client.erp.rule("accept_then_drop", path=f"/soap/{operation}", times=1)

    with pytest.raises(requests.ConnectionError):
        client.call(operation, **values)
    [document] = client.erp.documents()
    assert document.version + len(client.erp.customers()) == 3


@pytest.mark.parametrize(
    "operation", ["Login", "FindProducts", "FindCustomers", "CheckVatId", "FindOrders"]
)
def test_a_question_that_is_throttled_is_told_so(client: Client, operation: str) -> None:
    values: dict[str, dict[str, str]] = {
        "Login": {"User": "shop", "Password": "secret"},
        "FindProducts": {"Sku": "MUG"},
        "FindCustomers": {"Email": EMAIL},
        "CheckVatId": {"VatId": "DE1"},
        "FindOrders": {"ExternalNumber": NUMBER},
    }
    client.erp.rule("throttle", path=f"/soap/{operation}", times=1)

    with pytest.raises(TransportError) as refused:
        client.call(operation, **values[operation])
    assert refused.value.status_code == 429
