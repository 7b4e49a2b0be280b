"""The simulator's SOAP face over a real socket: a plain zeep client, and requests that are none."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from requests.exceptions import ChunkedEncodingError, ReadTimeout
from zeep.exceptions import Fault, TransportError
from zeep.wsse.username import UsernameToken

from sidecar.testing.erpsim import (
    SOAP_PORTS,
    WSDL,
    Document,
    DocumentKind,
    ErpSim,
    ErpSimClient,
    Misbehaviour,
    serve_in_thread,
)
from sidecar.testing.erpsim.document_xml import EXACT, MOST
from sidecar.testing.erpsim.rules import KINDS

NUMBER = "000000042"
PATIENCE = 20.0
IMPATIENCE = 0.5
XSD = "{http://www.w3.org/2001/XMLSchema}"
ENVELOPES = {
    "11": "http://schemas.xmlsoap.org/soap/envelope/",
    "12": "http://www.w3.org/2003/05/soap-envelope",
}


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=3) as running:
        yield running


@contextmanager
def service(
    erp: ErpSimClient,
    port: str = "Document11",
    misbehaviour: str = "",
    patience: float = PATIENCE,
    **further: Any,
) -> Iterator[Any]:
    """The operations of a port; `misbehaviour` goes along as a header of HTTP."""
    with requests.Session() as session:
        transport = zeep.Transport(session=session, operation_timeout=patience)
        client = zeep.Client(erp.wsdl_url, transport=transport, **further)
        session.headers["X-Erpsim"] = misbehaviour
        yield client.bind("OrderService", port)


def order(external: str = NUMBER, **fields: Any) -> dict[str, Any]:
    """The order of test_erpsim_rest: 30.96, of which 1.98 is tax."""
    lines = [
        {"LineId": "7", "Sku": "A", "Qty": 2, "Price": Decimal("9.99"), "Tax": Decimal("1.65")},
        {"LineId": "8-b", "Sku": "B", "Qty": 1, "Price": 5, "Discount": 1, "Tax": Decimal("0.33")},
    ]
    amounts = {"Shipping": 5, "Tax": Decimal("1.98"), "Total": Decimal("30.96")}
    return {
        "ExternalId": external,
        "Currency": "EUR",
        "Customer": {"Email": "a@example.com", "Name": "Anna", "Country": "DE"},
        "Lines": {"Line": lines},
        **amounts,
        **fields,
    }


def credit_memo(
    external: str = "r1", order_no: str = "SO-100001", price: str | int = 1
) -> dict[str, Any]:
    """A credit memo of one piece."""
    line = {"Sku": "A", "Qty": 1, "Price": Decimal(price)}
    return {"ExternalId": external, "OrderNo": order_no, "Lines": {"Line": [line]}}


def credit_memos(erp: ErpSimClient) -> list[Document]:
    return [one for one in erp.documents() if one.kind is DocumentKind.CREDIT_MEMO]


def envelope(body: str, version: str = "11") -> str:
    return f"<e:Envelope xmlns:e='{ENVELOPES[version]}'><e:Body>{body}</e:Body></e:Envelope>"


CREATE = (
    "<o:CreateOrder xmlns:o='urn:erpsim:orders'><o:request><o:ExternalId>{external}</o:ExternalId>"
    "{lines}</o:request></o:CreateOrder>"
)
LINE = "<o:Line><o:Sku>{sku}</o:Sku><o:Qty>{qty}</o:Qty><o:Price>1</o:Price></o:Line>"
LINES = f"<o:Lines>{LINE}</o:Lines>"


def create(external: str = NUMBER, sku: str = "A", qty: str = "1", lines: str = LINES) -> str:
    return CREATE.format(external=external, lines=lines.format(sku=sku, qty=qty))


def post(
    erp: ErpSimClient,
    content: str,
    version: str = "11",
    misbehaviour: str = "",
    auth: tuple[str, str] | None = None,
) -> requests.Response:
    return requests.post(
        erp.endpoint(f"Document{version}"),
        data=content.encode(),
        headers={"X-Erpsim": misbehaviour},
        auth=auth,
        timeout=PATIENCE,
    )


def essence(document: Document) -> tuple[str, int, str, str]:
    return document.state, len(document.lines), f"{document.tax:.2f}", f"{document.total:.2f}"


WHOLE = ("OPEN", 2, "1.98", "30.96")


# What is said when all goes well


@pytest.mark.parametrize("port", SOAP_PORTS)
def test_an_order_is_booked_shown_and_canceled_through_every_port(
    erp: ErpSimClient, port: str
) -> None:
    with service(erp, port) as erp_service:
        created = erp_service.CreateOrder(request=order(), _soapheaders={"ClientId": "magento"})
        found = erp_service.FindOrder(ExternalId=NUMBER)
        missing = erp_service.FindOrder(ExternalId="000000043")
        canceled = erp_service.CancelOrder(OrderNo=created.OrderNo)

    assert (created.ResultCode, created.OrderNo, created.Status) == ("OK", "SO-100001", "OPEN")
    assert (created.Total, created.Tax) == (Decimal("30.96"), Decimal("1.98"))
    assert [(line.LineId, line.Sku, line.Total, line.Tax) for line in created.Lines.Line] == [
        ("7", "A", Decimal("19.98"), Decimal("1.65")),
        ("8-b", "B", Decimal("5.00"), Decimal("0.33")),
    ]
    assert [(each.OrderNo, each.ExternalId, each.Total) for each in found.Order] == [
        ("SO-100001", NUMBER, Decimal("30.96"))
    ]
    assert (missing.ResultCode, missing.Order) == ("OK", [])
    assert (canceled.ResultCode, canceled.Status) == ("OK", "CANCELED")
    [document] = erp.bookings(NUMBER)
    assert (document.state, document.currency, document.submitted_total) == (
        "CANCELED",
        "EUR",
        Decimal("30.96"),
    )
    assert document.customer == {"email": "a@example.com", "name": "Anna", "country": "DE"}
    assert document.other == {"ClientId": "magento"}
    assert [line.line_id for line in document.lines] == [7, "8-b"]


@pytest.mark.parametrize("port", SOAP_PORTS)
def test_a_batch_has_one_result_an_order(erp: ErpSimClient, port: str) -> None:
    erp.rule("credit_limit", external="2")
    with service(erp, port) as erp_service:
        answer = erp_service.CreateOrders(Orders={"Order": [order(str(n)) for n in range(1, 16)]})

    results = {result.ExternalId: result for result in answer.Result}
    assert list(results) != [str(number) for number in range(1, 16)], "in no fixed order"
    assert results["2"].ResultCode == "CREDIT"
    booked = {document.external: document.number for document in erp.documents()}
    assert {name: result.OrderNo for name, result in results.items() if name != "2"} == booked


def test_a_batch_has_an_end(erp: ErpSimClient) -> None:
    one = create()[len("<o:CreateOrder xmlns:o='urn:erpsim:orders'>") : -len("</o:CreateOrder>")]
    orders = one.replace("o:request>", "o:Order>") * 21

    batch = f"<o:Orders>{orders}</o:Orders>"
    answer = post(
        erp, envelope(f"<o:CreateOrders xmlns:o='urn:erpsim:orders'>{batch}</o:CreateOrders>")
    )

    assert answer.status_code == 500
    assert _shown(answer, "fault", "11") == "Client"
    assert erp.documents() == []


@pytest.mark.parametrize("port", SOAP_PORTS)
def test_a_list_has_every_document_once_over_all_pages(erp: ErpSimClient, port: str) -> None:
    with service(erp, port) as erp_service:
        for number in range(7):
            erp_service.CreateOrder(request=order(str(number)))
        since = datetime(2000, 1, 1, tzinfo=UTC)
        pages = [erp_service.ListOrders(ChangedSince=since, Page=page) for page in (1, 2, 3)]
        future = erp_service.ListOrders(ChangedSince=datetime(2999, 1, 1, tzinfo=UTC), Page=1)
        wrong = erp_service.ListOrders(ChangedSince=since, Page=0)

    assert [page.NextPage for page in pages] == [2, 3, None]
    assert [item.ExternalId for page in pages for item in page.Order] == list("0123456")
    assert future.Order == []
    assert (wrong.ResultCode, wrong.Field) == ("INVALID", "Page")


@pytest.mark.parametrize("port", SOAP_PORTS)
def test_customers_credit_memos_and_stock_are_kept(erp: ErpSimClient, port: str) -> None:
    erp.set_stock("A", 4)
    erp.set_stock("A", "0.5", warehouse="SHOP")
    with service(erp, port) as erp_service:
        for name in ("Anna", "Anna B"):
            saved = erp_service.SaveCustomer(request={"ExternalId": "7", "Name": name})
        number = erp_service.CreateOrder(request=order()).OrderNo
        memos = [
            erp_service.CreateCreditMemo(request=credit_memo(external, order_no, price))
            for external, order_no, price in [
                ("r1", number, "9.99"),
                ("r2", number, "21"),
                ("r3", "SO-1", "1"),
                ("r4", number, "0"),
            ]
        ]
        found = erp_service.FindCreditMemo(ExternalId="r1").CreditMemo
        unknown = erp_service.FindCreditMemo(ExternalId=NUMBER).CreditMemo
        stock = erp_service.GetStock(Skus={"Sku": ["A", "B"]})
        version = erp_service.Ping().Version

    assert (saved.ResultCode, saved.CustomerNo) == ("OK", "C-100001")
    assert [customer.name for customer in erp.customers()] == ["Anna B"]
    assert [memo.ResultCode for memo in memos] == ["OK", "AMOUNT", "NOT_FOUND", "INVALID"]
    assert ([memo.CreditMemoNo for memo in found], unknown) == (["CR-100001"], [])
    [booked] = credit_memos(erp)
    assert (booked.number, booked.order, booked.total) == ("CR-100001", number, Decimal("9.99"))
    assert [(line.sku, line.quantity) for line in booked.lines] == [("A", Decimal(1))]
    assert [(level.Warehouse, level.Qty) for level in stock.Level] == [
        ("MAIN", Decimal(4)),
        ("SHOP", Decimal("0.5")),
    ]
    assert version == "erpsim 1"
    erp.reset()
    assert (erp.customers(), erp.documents(), erp.stock()) == ([], [], [])


# Sent twice


@pytest.mark.parametrize(
    ("duplicates", "code", "order_numbers", "memo_numbers"),
    [
        ("none", "OK", ["SO-100001", "SO-100002"], ["CR-100001", "CR-100002"]),
        ("reject", "DUPLICATE", ["SO-100001", "SO-100001"], ["CR-100001", "CR-100001"]),
        ("upsert", "OK", ["SO-100001", "SO-100001"], ["CR-100001", "CR-100001"]),
    ],
)
def test_what_is_sent_twice_is_treated_as_the_erp_is_set_up(
    duplicates: str, code: str, order_numbers: list[str], memo_numbers: list[str]
) -> None:
    with serve_in_thread(duplicates=duplicates) as erp, service(erp) as erp_service:
        orders = [erp_service.CreateOrder(request=order()) for _ in range(2)]
        # Of the order's own number: what is booked of one kind says nothing of the other.
        memos = [
            erp_service.CreateCreditMemo(request=credit_memo(NUMBER, "SO-100001", price))
            for price in (1, 2)
        ]

        assert [answer.OrderNo for answer in orders] == order_numbers
        assert [answer.CreditMemoNo for answer in memos] == memo_numbers
        assert (orders[1].ResultCode, memos[1].ResultCode) == (code, code)
        assert len(erp.documents()) == len({*order_numbers, *memo_numbers})
        assert [memo.total for memo in credit_memos(erp)] == {
            "none": [1, 2],
            "reject": [1],
            "upsert": [2],
        }[duplicates]


def test_an_idempotency_key_is_part_of_the_order() -> None:
    with serve_in_thread(duplicates="idempotency-key") as erp, service(erp) as erp_service:
        numbers = [
            erp_service.CreateOrder(request=order(IdempotencyKey=key)).OrderNo for key in "112"
        ]
        reused = erp_service.CreateOrder(request=order("000000043", IdempotencyKey="1"))

    assert numbers == ["SO-100001", "SO-100001", "SO-100002"]
    assert (reused.ResultCode, reused.Field) == ("KEY", "IdempotencyKey")


def test_an_update_of_an_older_revision_is_a_conflict_and_of_a_closed_document_refused() -> None:
    with serve_in_thread(duplicates="upsert") as erp, service(erp) as erp_service:
        erp_service.CreateOrder(request=order(Revision=2))
        older = erp_service.CreateOrder(request=order(Revision=1))
        erp.set_state("SO-100001", "POSTED")
        closed = erp_service.CreateOrder(request=order(Revision=3))
        delivered = erp_service.CancelOrder("SO-100001")

    assert [answer.ResultCode for answer in (older, closed, delivered)] == [
        "CONFLICT",
        "CLOSED",
        "DELIVERED",
    ]
    assert delivered.OrderNo == "SO-100001"


# Misbehaviour

FAULT = re.compile(r"<(?:faultcode|\w+:Value)>(?:\w+:)?(\w+)</")
SERVER = {"11": "Server", "12": "Receiver"}


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize(
    ("misbehaviour", "status", "shown", "booked"),
    [
        ("", 200, {"ResultCode": "OK", "OrderNo": "SO-100001"}, [WHOLE]),
        ("accept_then_drop", "closed", {}, [WHOLE]),
        ("drop_before", "closed", {}, []),
        ("answer_late;seconds=60", "too late", {}, [WHOLE]),
        ("slow_body;seconds=60", "too late", {}, [WHOLE]),
        ("truncated_body", "cut short", {}, [WHOLE]),
        ("error_in_200", 200, {"fault": "Server"}, []),
        ("error_in_200;status=202", 202, {"fault": "Server"}, []),
        ("draft_on_201", 200, {"ResultCode": "OK", "Status": "DRAFT"}, [("DRAFT", *WHOLE[1:])]),
        ("duplicate_answer", 200, {"ResultCode": "DUPLICATE", "OrderNo": "SO-100001"}, [WHOLE]),
        ("wrong_duplicate", 200, {"ResultCode": "DUPLICATE", "OrderNo": "SO-000000"}, []),
        ("drop_line", 200, {"Total": "26.63"}, [("OPEN", 1, "1.65", "26.63")]),
        ("drop_price;sku=A", 200, {"Total": "10.98"}, [("OPEN", 2, "1.98", "10.98")]),
        ("drop_tax", 200, {"Tax": "0.00"}, [("OPEN", 2, "0.00", "28.98")]),
        ("cut_price;places=0", 200, {"Price": "9"}, [("OPEN", 2, "1.98", "28.98")]),
        ("round_quantity;places=0", 200, {"Qty": "2"}, [WHOLE]),
        ("rounded_total", 200, {"Total": "31"}, [("OPEN", 2, "1.98", "31.00")]),
        ("throttle;after=7", 429, {"fault": None, "Retry-After": "7"}, []),
        ("busy", 503, {"fault": "Server"}, []),
        ("credit_limit", 200, {"ResultCode": "CREDIT", "Field": "Customer"}, []),
        ("unknown_item", 200, {"ResultCode": "ITEM", "Field": "Lines.Line[0].Sku"}, []),
        ("unknown_item;sku=B", 200, {"Field": "Lines.Line[1].Sku"}, []),
        ("unauthorised", 401, {"fault": None, "WWW-Authenticate": 'Basic realm="erpsim"'}, []),
        ("not_found", 404, {"fault": None, "Content-Type": "text/plain; charset=utf-8"}, []),
        ("html_error", 500, {"fault": None, "Content-Type": "text/html"}, []),
        ("html_error;status=200", 200, {"fault": None, "Content-Type": "text/html"}, []),
        ("schema_change", 200, {"DocumentNo": "SO-100001", "OrderNo": None}, [WHOLE]),
        ("schema_change;form=nested", 200, {"Document.OrderNo": "SO-100001"}, [WHOLE]),
        ("malformed_json", 200, {"xml": False}, [WHOLE]),
        ("server_error_after_booking", 500, {"fault": "Server"}, [WHOLE]),
        ("conflict", 200, {"ResultCode": "CONFLICT", "OrderNo": None}, []),
        ("drop_tax, draft_on_201", 200, {"Status": "DRAFT"}, [("DRAFT", 2, "0.00", "28.98")]),
        ("drop_tax, accept_then_drop", "closed", {}, [("OPEN", 2, "0.00", "28.98")]),
    ],
)
def test_the_wire_and_the_books_differ_as_the_table_says(
    erp: ErpSimClient,
    version: str,
    misbehaviour: str,
    status: int | str,
    shown: dict[str, Any],
    booked: list[Any],
) -> None:
    patience = IMPATIENCE if status == "too late" else PATIENCE
    client = zeep.Client(WSDL.as_uri().removeprefix("file://"))
    message = client.create_message(
        client.bind("OrderService", f"Document{version}"), "CreateOrder", request=order()
    )

    seen, answer = _sent(erp, version, etree.tostring(message), misbehaviour, patience)

    assert seen == status
    for name, value in shown.items():
        assert _shown(answer, name, version) == (SERVER[version] if value == "Server" else value)
    assert [essence(document) for document in erp.documents()] == booked


def _sent(
    erp: ErpSimClient, version: str, message: bytes, misbehaviour: str, patience: float
) -> tuple[int | str, Any]:
    try:
        answer = requests.post(
            erp.endpoint(f"Document{version}"),
            data=message,
            headers={"X-Erpsim": misbehaviour},
            timeout=patience,
        )
    except ChunkedEncodingError:
        return "cut short", None
    except ReadTimeout:
        return "too late", None
    except requests.ConnectionError as error:
        return ("too late" if "timed out" in str(error) else "closed"), None
    return answer.status_code, answer


def _shown(answer: requests.Response, name: str, version: str) -> Any:
    """A header, the code of a fault, or the text of the first element of that name."""
    if "-" in name:
        return answer.headers.get(name)
    if name == "fault":
        found = FAULT.search(answer.text)
        return found and found.group(1)
    try:
        root = etree.fromstring(answer.content)
    except etree.XMLSyntaxError:
        return False
    assert root.tag == f"{{{ENVELOPES[version]}}}Envelope"
    return root.findtext(".//" + "/".join(f"{{*}}{part}" for part in name.split(".")))


def test_every_misbehaviour_of_an_order_has_its_line_in_the_table() -> None:
    mark = next(
        mark
        for mark in test_the_wire_and_the_books_differ_as_the_table_says.pytestmark
        if "misbehaviour" in mark.args[0]
    )
    named = {re.split("[;,]", row[0])[0] for row in mark.args[1]} - {""}

    of_lists = {"repeat_rows", "disorder", "same_page", "endless_pages", "spoil_row"}
    elsewhere = {"half_batch", "stale_read", "number_reused", *of_lists}
    assert named | elsewhere == {str(name) for name in Misbehaviour} == {str(n) for n in KINDS}


def test_half_a_batch_is_booked_and_answered(erp: ErpSimClient) -> None:
    with service(erp, misbehaviour="half_batch") as erp_service:
        answer = erp_service.CreateOrders(Orders={"Order": [order(number) for number in "12345"]})

    assert sorted(result.ExternalId for result in answer.Result) == ["1", "2"]
    assert [document.external for document in erp.documents()] == ["1", "2"]


def test_a_reused_number_belongs_to_another_document(erp: ErpSimClient) -> None:
    with service(erp) as erp_service:
        erp_service.CreateOrder(request=order("000000041"))
        erp.rule("number_reused")

        assert erp_service.CreateOrder(request=order()).OrderNo == "SO-100001"
    assert [document.number for document in erp.bookings(NUMBER)] == ["SO-100002"]


def test_a_stale_read_misses_what_was_just_done(erp: ErpSimClient) -> None:
    with service(erp) as honest, service(erp, misbehaviour="stale_read") as stale:
        honest.CreateOrder(request=order())
        assert stale.FindOrder(ExternalId=NUMBER).Order == []
        honest.CancelOrder("SO-100001")
        assert stale.ListOrders().Order[0].Status == "OPEN"
        assert stale.ListOrders().Order[0].Status == "CANCELED", "one request later it caught up"


@pytest.mark.parametrize("operation", ["FindOrder", "ListOrders", "GetStock", "Ping"])
@pytest.mark.parametrize(
    ("misbehaviour", "failure"),
    [
        ("html_error;status=200", zeep.exceptions.Error),
        ("malformed_json", TransportError),
        ("truncated_body", ChunkedEncodingError),
        ("drop_before", requests.ConnectionError),
        ("busy", Fault),
        ("unauthorised", TransportError),
    ],
)
def test_a_question_can_go_wrong_as_an_order_can(
    erp: ErpSimClient, operation: str, misbehaviour: str, failure: type[Exception]
) -> None:
    arguments = {"ExternalId": NUMBER} if operation == "FindOrder" else {}

    with service(erp, misbehaviour=misbehaviour) as erp_service, pytest.raises(failure):
        erp_service[operation](**arguments)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CancelOrder", {"OrderNo": "SO-100001"}),
        ("SaveCustomer", {"request": {"ExternalId": "7"}}),
        ("CreateCreditMemo", {"request": credit_memo()}),
    ],
)
def test_every_change_can_meet_with_a_conflict_or_an_error_inside_a_success(
    erp: ErpSimClient, operation: str, arguments: dict[str, Any]
) -> None:
    with service(erp) as honest:
        honest.CreateOrder(request=order())
    with service(erp, misbehaviour="conflict") as erp_service:
        assert erp_service[operation](**arguments).ResultCode == "CONFLICT"
    failing = service(erp, misbehaviour="error_in_200")
    with failing as erp_service, pytest.raises(Fault, match="was not saved"):
        erp_service[operation](**arguments)

    assert (erp.customers(), [one.state for one in erp.documents()]) == ([], ["OPEN"])


@pytest.mark.parametrize("form", ["renamed", "nested"])
def test_a_changed_schema_is_none_that_the_client_knows(erp: ErpSimClient, form: str) -> None:
    with service(erp, misbehaviour=f"schema_change;form={form}") as erp_service:
        with pytest.raises(zeep.exceptions.Error):
            erp_service.CreateOrder(request=order())
        with pytest.raises(zeep.exceptions.Error):
            erp_service.FindOrder(ExternalId=NUMBER)


def test_a_rule_may_name_the_operation(erp: ErpSimClient) -> None:
    erp.rule("busy", path="/soap/Find*", external=NUMBER)

    with service(erp) as erp_service:
        assert erp_service.CreateOrder(request=order()).ResultCode == "OK"
        assert erp_service.FindOrder(ExternalId="000000043").Order == []
        with pytest.raises(Fault):
            erp_service.FindOrder(ExternalId=NUMBER)


def test_both_faces_have_the_same_books_and_log(erp: ErpSimClient) -> None:
    with service(erp) as erp_service:
        erp_service.CreateOrder(request=order())
    shown = requests.get(f"{erp.url}/sales-orders?externalNumber={NUMBER}", timeout=PATIENCE).json()
    post(erp, envelope(create("000000043")), misbehaviour="drop_tax")

    assert [item["number"] for item in shown["items"]] == ["SO-100001"]
    assert [
        (exchange.method, exchange.route, exchange.external) for exchange in erp.requests()
    ] == [
        ("GET", "/api/v2/soap", ()),
        ("POST", "/api/v2/soap/CreateOrder", (NUMBER,)),
        ("GET", "/api/v2/sales-orders", (NUMBER,)),
        ("POST", "/api/v2/soap/CreateOrder", ("000000043",)),
    ]
    assert erp.requests()[-1].faults == ("drop_tax",)
    assert erp.state().requests["POST /api/v2/soap/CreateOrder"] == {"200": 2}


# What is no order


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (create(external=""), "ExternalId"),
        (create(external="1" * 33), "ExternalId"),
        (create(sku=""), "Lines.Line[0].Sku"),
        (create(sku="A" * 65), "Lines.Line[0].Sku"),
        (create(qty="NaN"), "Lines.Line[0].Qty"),
        (create(qty=""), "Lines.Line[0].Qty"),
        (create(lines=""), "Lines"),
        (create(lines="<o:Lines/>"), "Lines"),
        (create(lines="<o:Currency>EURO</o:Currency>" + LINES), "Currency"),
        (
            create(lines=f"<o:Customer><o:Name>{'x' * 81}</o:Name></o:Customer>" + LINES),
            "Customer.Name",
        ),
        (create(lines="<o:Lines><o:Line/></o:Lines>"), "Lines.Line[0].Sku"),
        ("<o:CreateOrder xmlns:o='urn:erpsim:orders'/>", "ExternalId"),
        ("<o:CreateCreditMemo xmlns:o='urn:erpsim:orders'/>", "ExternalId"),
        ("<o:SaveCustomer xmlns:o='urn:erpsim:orders'/>", "ExternalId"),
    ],
)
def test_an_order_that_cannot_be_is_invalid_and_the_field_is_named(
    erp: ErpSimClient, body: str, field: str
) -> None:
    answer = post(erp, envelope(body))

    assert answer.status_code == 200
    assert (_shown(answer, "ResultCode", "11"), _shown(answer, "Field", "11")) == ("INVALID", field)
    assert erp.documents() == []


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no XML"),
        ("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>{envelope}", "DTD"),
        ("{nonsense}", "no operation"),
        ("{unfit}", "CreateOrder"),
        ("{no time}", "ListOrders"),
        ("{no number}", "ListOrders"),
    ],
)
def test_what_is_no_call_is_the_clients_fault(
    erp: ErpSimClient, version: str, content: str, words: str
) -> None:
    listing = "<o:ListOrders xmlns:o='urn:erpsim:orders'>{}</o:ListOrders>"
    no_time = listing.format("<o:ChangedSince>yesterday</o:ChangedSince>")
    sent = (
        content.replace("{no time}", envelope(no_time, version))
        .replace("{no number}", envelope(listing.format("<o:Page>two</o:Page>"), version))
        .replace("{envelope}", envelope("&b;", version))
        .replace("{nonsense}", envelope("<DropTables xmlns='urn:erpsim:orders'/>", version))
        .replace("{unfit}", envelope(create(qty="many"), version))
    )

    answer = post(erp, sent, version)

    assert answer.status_code == (500 if version == "11" else 400)
    assert words in answer.text
    assert _shown(answer, "fault", version) == ("Client" if version == "11" else "Sender")
    assert erp.documents() == []


def test_an_unknown_port_or_page_is_not_found(erp: ErpSimClient) -> None:
    for path in ("", "/Document13", "/Document11/x"):
        answer = requests.post(erp.soap_url + path, data=envelope(create()), timeout=PATIENCE)
        assert (answer.status_code, answer.headers["Content-Type"][:10]) == (404, "text/plain")
    assert requests.get(erp.soap_url, timeout=PATIENCE).status_code == 404


def test_a_header_that_does_not_exist_books_nothing(erp: ErpSimClient) -> None:
    answer = post(erp, envelope(create()), misbehaviour="accept_and_drop")

    assert answer.status_code == 400
    assert "did you mean accept_then_drop" in answer.text
    assert erp.documents() == []


# The WSDL


def test_the_wsdl_leads_to_where_it_was_fetched(erp: ErpSimClient) -> None:
    ports = zeep.Client(erp.wsdl_url).wsdl.services["OrderService"].ports

    assert {name: port.binding_options["address"] for name, port in ports.items()} == {
        name: erp.endpoint(name) for name in SOAP_PORTS
    }
    elsewhere = requests.get(erp.wsdl_url, headers={"Host": "erp.example:81"}, timeout=PATIENCE)
    assert "http://erp.example:81/api/v2/soap/Rpc12" in elsewhere.text


def test_the_lengths_that_the_erp_holds_to_are_those_of_its_wsdl() -> None:
    schema = etree.parse(str(WSDL)).find(f".//{XSD}schema")

    def declared(facet: str) -> dict[str, int]:
        return {
            kind.get("name"): int(found.get("value"))
            for kind in schema.iter(f"{XSD}simpleType")
            if (found := kind.find(f".//{XSD}{facet}")) is not None
        }

    assert declared("length") == EXACT
    assert declared("maxLength") == {**MOST, "OrderNo": 20}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("CreateOrder", {"request": order("000000043")}),
        ("CreateOrders", {"Orders": {"Order": [order("1"), order("2")]}}),
        ("CancelOrder", {"OrderNo": "SO-100001"}),
        ("CancelOrder", {"OrderNo": "none"}),
        ("FindOrder", {"ExternalId": NUMBER}),
        ("ListOrders", {}),
        ("SaveCustomer", {"request": {"ExternalId": "7"}}),
        ("CreateCreditMemo", {"request": credit_memo()}),
        ("CreateCreditMemo", {"request": credit_memo(order_no="none")}),
        ("FindCreditMemo", {"ExternalId": "r1"}),
        ("GetStock", {}),
        ("Ping", {}),
    ],
)
def test_requests_and_answers_are_valid_by_the_schema_of_the_wsdl(
    erp: ErpSimClient, operation: str, arguments: dict[str, Any]
) -> None:
    within = etree.parse(str(WSDL)).find(f".//{XSD}schema")
    schema = etree.XMLSchema(etree.fromstring(etree.tostring(within)))
    history: Any = zeep.plugins.HistoryPlugin()

    erp.set_stock("A", 4)
    with service(erp, plugins=[history]) as erp_service:
        erp_service.CreateOrder(request=order())
        erp_service[operation](**arguments)

    for message in (history.last_sent, history.last_received):
        body = message["envelope"].find("{*}Body")[0]
        schema.assertValid(etree.fromstring(etree.tostring(body)))


# Who may


def digest_token(created: str, nonce: bytes = b"salt", password: str = "secret") -> str:
    salted = nonce + created.encode() + password.encode()
    digest = base64.b64encode(hashlib.sha1(salted).digest()).decode()
    return (
        "<w:UsernameToken><w:Username>shop</w:Username>"
        f"<w:Password Type='x#PasswordDigest'>{digest}</w:Password>"
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>"
        "</w:UsernameToken>"
    )


def ping_with(token: str, version: str = "11") -> str:
    security = (
        "<w:Security xmlns:w='http://docs.oasis-open.org/wss/2004/01/"
        "oasis-200401-wss-wssecurity-secext-1.0.xsd' xmlns:u='http://docs.oasis-open.org/wss/2004/"
        f"01/oasis-200401-wss-wssecurity-utility-1.0.xsd'>{token}</w:Security>"
    )
    return (
        f"<e:Envelope xmlns:e='{ENVELOPES[version]}'><e:Header>{security}</e:Header>"
        "<e:Body><o:Ping xmlns:o='urn:erpsim:orders'/></e:Body></e:Envelope>"
    )


@pytest.fixture
def locked_erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(user="shop", password="secret") as running:
        yield running


def test_a_login_of_http_is_asked_for_and_enough(locked_erp: ErpSimClient) -> None:
    ping = ping_with("").replace("<e:Header>", "<!--").replace("</e:Header>", "-->")

    assert post(locked_erp, ping).status_code == 401
    assert post(locked_erp, ping, auth=("shop", "wrong")).status_code == 401
    assert post(locked_erp, ping, auth=("shop", "secret")).status_code == 200


@pytest.mark.parametrize("port", SOAP_PORTS)
@pytest.mark.parametrize("digest", [False, True])
def test_a_token_of_zeep_opens_the_door_as_often_as_it_is_made_anew(
    locked_erp: ErpSimClient, port: str, digest: bool
) -> None:
    right = UsernameToken("shop", "secret", use_digest=digest)
    wrong = UsernameToken("shop", "wrong", use_digest=digest)

    with service(locked_erp, port, wsse=right) as erp_service:
        assert [erp_service.Ping().ResultCode for _ in range(2)] == ["OK", "OK"]
    with service(locked_erp, port, wsse=wrong) as erp_service, pytest.raises(Fault) as refused:
        erp_service.Ping()

    code = refused.value.subcodes[0].text if port.endswith("12") else refused.value.code
    assert re.split("[}:]", code)[-1] == "FailedAuthentication"


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    # Made when the test runs: one that was made at the start of a long run is too old by then.
    ("token", "status"),
    [
        (lambda: digest_token(ago(0)), 200),
        (lambda: digest_token(ago(0).replace("+00:00", "Z")), 200),
        (lambda: digest_token(ago(200)), 200),
        (lambda: digest_token(ago(400)), 500),
        (lambda: digest_token(ago(-400)), 500),
        (lambda: digest_token("yesterday"), 500),
        (lambda: digest_token(ago(0)).replace("shop", "shopp"), 500),
        (lambda: digest_token(ago(0), password="wrong"), 500),
        (
            lambda: re.sub("<w:Nonce>.*</w:Nonce>", "<w:Nonce>!</w:Nonce>", digest_token(ago(0))),
            500,
        ),
        (lambda: re.sub("<w:Nonce>.*</w:Nonce>", "", digest_token(ago(0))), 500),
        (lambda: re.sub("<u:Created>.*</u:Created>", "", digest_token(ago(0))), 500),
        (lambda: "<w:UsernameToken><w:Username>shop</w:Username></w:UsernameToken>", 500),
        (lambda: "", 500),
    ],
)
def test_a_token_is_right_and_of_these_minutes(
    locked_erp: ErpSimClient, token: Callable[[], str], status: int
) -> None:
    assert post(locked_erp, ping_with(token())).status_code == status


def test_a_token_is_good_once(locked_erp: ErpSimClient) -> None:
    token = digest_token(ago(0))

    answers = [post(locked_erp, ping_with(token, "12"), "12") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 500]
    assert "wsse:FailedAuthentication" in answers[1].text
    assert locked_erp.state().requests["POST /api/v2/soap/Ping"] == {"200": 1, "500": 1}


def test_an_old_nonce_is_forgotten_when_its_time_has_passed() -> None:
    now = [datetime.now(UTC).timestamp()]

    def token() -> str:
        return digest_token(datetime.fromtimestamp(now[0], UTC).isoformat())

    with serve_in_thread(user="shop", password="secret", clock=lambda: now[0]) as erp:
        assert post(erp, ping_with(token())).status_code == 200
        now[0] += 60
        assert post(erp, ping_with(token())).status_code == 500, "another time, the same nonce"
        now[0] += 600
        assert post(erp, ping_with(token())).status_code == 200


# Threads and processes


def test_no_booking_is_lost_among_eight_clients(erp: ErpSimClient) -> None:
    def send(client: int) -> list[str]:
        with service(erp, SOAP_PORTS[client % 4]) as erp_service:
            return [
                erp_service.CreateOrder(request=order(f"{client}-{turn}")).OrderNo
                for turn in range(10)
            ]

    with ThreadPoolExecutor(8) as clients:
        answered = [number for numbers in clients.map(send, range(8)) for number in numbers]

    assert len(set(answered)) == 80
    assert {document.number for document in erp.documents()} == set(answered)


def test_all_books_outlive_a_kill() -> None:
    with ErpSim.start() as erp:
        with service(erp) as erp_service:
            erp_service.CreateOrder(request=order())
            erp_service.SaveCustomer(request={"ExternalId": "7"})
            erp_service.CreateCreditMemo(request=credit_memo(price="0.10"))
        erp.set_stock("A", 4)
        before = (erp.documents(), erp.customers(), erp.stock())
        erp.kill()
        erp.restart()

        assert (erp.documents(), erp.customers(), erp.stock()) == before
        assert [len(records) for records in before] == [2, 1, 1]
        with service(erp) as erp_service:
            later = erp_service.CreateCreditMemo(request=credit_memo("r2"))
            assert later.CreditMemoNo == "CR-100002"
