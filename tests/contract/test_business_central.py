"""What the Business Central pack makes of documents and answers, beyond the conformance kit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters.erps.dynamics_bc import PACK
from sidecar.domains import SPECS
from sidecar.domains.customers.payload import CustomerErased
from sidecar.domains.customers.spec import SPEC as CUSTOMERS
from sidecar.domains.orders.charges import Charge
from sidecar.domains.orders.payload import Order
from sidecar.model.event import Event, schema_urn
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Misconfigured,
    Partial,
    Rejected,
    Retry,
    Unfinished,
    Unmapped,
)
from sidecar.model.secret import Secret
from sidecar.ports import (
    AdapterSettings,
    Delivery,
    ErpAdapter,
    Link,
    Previewing,
    ShopContext,
    Telling,
)
from sidecar.testing import sample_documents
from sidecar.testing.contract_calls import link_of, push_one, reference_of
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
from tests.contract.business_central_bench import ONE_CUSTOMER, overlay

REF = "000000042"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=3, interface="business-central") as simulator:
        yield simulator


def made(folder: Path, url: str, *further: str, **settings: Any) -> ErpAdapter:
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    calls = overlay(folder, *further)
    return PACK(AdapterSettings(url, 5, 20, shop, calls=calls, domains=SPECS, **settings))


@pytest.fixture
def adapter(erp: ErpSimClient, tmp_path: Path) -> Iterator[ErpAdapter]:
    with closing(made(tmp_path, erp.url)) as adapter:
        yield adapter


def probed(adapter: ErpAdapter, ref: str = REF) -> Booked:
    [found] = adapter.probe("orders", [ref])[ref]
    return found


def charge(name: str, amount: str) -> Charge:
    value, nothing = Decimal(amount), Decimal(0)
    return Charge(
        name=name,
        amount=value,
        base_amount=value,
        tax_amount=nothing,
        base_tax_amount=nothing,
        tax_percent=nothing,
    )


def sold(**fields: Any) -> Order:
    """Two lines of two rates, a discount on one of them, and the shipping."""
    lines = [
        SampleLine("A", "3", "9.99", discount="2.50"),
        SampleLine("B", "7", "3.3333", tax_percent="7"),
    ]
    return msgspec.structs.replace(sample_order(REF, lines), **fields)


def discounted(amount: str = "5") -> Order:
    """Five off the whole order, which no line shows."""
    order, off = sold(), Decimal(amount)
    return msgspec.structs.replace(
        order,
        discount_amount=order.discount_amount - off,
        base_discount_amount=order.base_discount_amount - off,
        grand_total=order.grand_total - off,
        base_grand_total=order.base_grand_total - off,
    )


# --- what is sent, and what is read back


def test_what_an_order_comes_to_is_read_back_to_the_cent(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    order = sold()

    outcome = push_one(adapter, placed(order))
    found = probed(adapter)

    [document] = erp.bookings(REF)
    assert reference_of(outcome) == document.number == found.reference
    assert (found.total, found.tax, found.currency) == (
        order.grand_total,
        order.tax_amount,
        "EUR",
    )
    assert found.items is not None
    assert [
        (line.sku, line.qty_ordered, line.price, line.row_total, line.net_discount_amount)
        for line in found.items
    ] == [
        ("A", Decimal(3), Decimal("9.99"), Decimal("29.97"), Decimal("2.5")),
        ("B", Decimal(7), Decimal("3.3333"), Decimal("23.33"), Decimal(0)),
    ]


def with_charges(*charges: Charge, credit: str = "0") -> Order:
    order, paid = sold(), Decimal(credit)
    more = sum((one.amount for one in charges), -paid)
    return msgspec.structs.replace(
        order,
        credits_amount=paid,
        base_credits_amount=paid,
        surcharges=charges,
        grand_total=order.grand_total + more,
        base_grand_total=order.base_grand_total + more,
    )


def test_a_fee_is_a_line_and_store_credit_one_that_is_given_back(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    order = with_charges(charge("payment_fee", "1.50"), credit="5")

    push_one(adapter, placed(order))

    found = probed(adapter)
    assert (found.total, found.tax) == (order.grand_total, order.tax_amount)
    [document] = erp.bookings(REF)
    assert [(line.sku, line.quantity, line.unit_price) for line in document.lines[-2:]] == [
        ("8130", Decimal(1), Decimal("1.5")),
        ("2990", Decimal(-1), Decimal(5)),
    ]


def test_a_charge_that_has_no_account_is_told_and_not_sent(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    outcome = push_one(adapter, placed(with_charges(charge("gift_wrap", "2"))))

    assert isinstance(outcome, Unmapped), outcome
    assert "accounts" in outcome.message
    assert erp.documents() == []


def test_a_discount_of_the_whole_order_is_set_once_there_are_lines(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    outcome = push_one(adapter, placed(discounted()))

    assert isinstance(outcome, Accepted), outcome
    [booked, changed] = erp.history(REF)
    assert [booked.discount, changed.discount] == [Decimal(0), Decimal(5)]
    assert probed(adapter).total == changed.total
    sent = [one.method for one in erp.requests() if "salesOrders" in one.path]
    assert sent == ["POST", "PATCH"]


def test_a_discount_whose_answer_was_lost_is_asked_for_and_not_set_twice(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    erp.rule("server_error_after_booking", method="PATCH", times=1)
    order = discounted()

    left = push_one(adapter, placed(order))
    assert isinstance(left, Unfinished), left
    unfinished = still_unfinished(placed(order), left.booked)
    done = push_one(adapter, unfinished)

    assert isinstance(done, Accepted), done
    assert [one.discount for one in erp.history(REF)] == [0, 5]


def test_a_discount_that_is_not_set_yet_names_the_version_it_saw(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    erp.rule("drop_before", method="PATCH", times=1)
    order = discounted()
    left = push_one(adapter, placed(order))
    assert isinstance(left, Unfinished), left
    erp.rule("conflict", method="PATCH", times=1)

    unfinished = still_unfinished(placed(order), left.booked)
    contested = push_one(adapter, unfinished)
    done = push_one(adapter, unfinished)

    assert isinstance(contested, Unfinished), contested
    assert contested.cause == "conflict"
    assert isinstance(done, Accepted), done
    assert len(erp.bookings(REF)) == 1


def still_unfinished(sent: Delivery, booked: Booked) -> Delivery:
    """The event as it is gone on with."""
    link = Link(booked.reference, status=booked.status, key=booked.key, ref=REF)
    return Delivery(sent.event, sent.ref, link, unfinished=True)


def test_a_discount_that_is_refused_is_partial_and_says_so(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    outcome = push_one(adapter, placed(discounted("5000")))

    assert isinstance(outcome, Partial), outcome
    assert "then.discount was refused: Application_DialogException" in outcome.what


# --- our number


def test_our_number_is_found_whatever_its_case(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    sent = placed(simple_order(REF))
    push_one(adapter, Delivery(sent.event, "web-o'42", None))

    assert [one.external for one in erp.documents()] == ["WEB-O'42"]
    [found] = adapter.probe("orders", ["web-o'42"])["web-o'42"]
    assert found.reference == erp.documents()[0].number


def test_a_number_that_is_too_long_is_refused_with_the_words_of_the_erp(
    adapter: ErpAdapter,
) -> None:
    sent = placed(simple_order(REF))

    outcome = push_one(adapter, Delivery(sent.event, "X" * 36, None))

    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "Application_StringExceededLength"


# --- an order that was posted is gone


def posted(adapter: ErpAdapter, erp: ErpSimClient) -> Link:
    link = link_of(push_one(adapter, placed(simple_order(REF))))
    erp.set_state(link.reference, "POSTED")
    return link


def test_an_order_that_was_posted_is_found_by_its_invoice(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    link = posted(adapter, erp)

    found = probed(adapter)

    assert (found.reference, found.status, found.key) == (link.reference, "INVOICED", None)
    assert found.total == erp.bookings(REF)[0].total


def test_an_order_that_is_posted_and_there_once_more_was_booked_twice(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    first = posted(adapter, erp)
    second = link_of(push_one(adapter, placed(simple_order(REF))))

    found = adapter.probe("orders", [REF])[REF]

    assert {one.reference for one in found} == {first.reference, second.reference}


def test_an_order_that_was_posted_cannot_be_canceled(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    link = posted(adapter, erp)

    outcome = push_one(adapter, canceled(simple_order(REF), link))

    assert isinstance(outcome, Rejected), outcome
    assert outcome.code == "POSTED"
    assert f"PS-{link.reference}" in outcome.message


def test_a_cancel_whose_answer_was_lost_may_be_repeated(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    link = link_of(push_one(adapter, placed(simple_order(REF))))
    erp.rule("accept_then_drop", method="DELETE", times=1)

    push_one(adapter, canceled(simple_order(REF), link))
    again = push_one(adapter, canceled(simple_order(REF), link))

    assert isinstance(again, Accepted), again
    assert adapter.probe("orders", [REF]).get(REF, ()) == ()


def test_an_order_that_was_posted_is_told_as_invoiced(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    for number in range(1, 9):
        link = link_of(push_one(adapter, placed(simple_order(f"{number:09}"))))
        if number % 2:
            erp.set_state(link.reference, "POSTED")
    assert isinstance(adapter, Telling)

    rows: list[Any] = []
    page = adapter.changes("order_status", LONG_AGO)
    rows += page.rows
    while page.next is not None:
        page = adapter.changes("order_status", LONG_AGO, page.next)
        rows += page.rows

    assert {row.external: row.status for row in rows} == {
        f"{number:09}": "INVOICED" if number % 2 else "DRAFT" for number in range(1, 9)
    }


def test_a_change_of_address_reaches_the_order(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    order = simple_order(REF)
    link = link_of(push_one(adapter, placed(order)))
    assert order.shipping_address is not None
    moved = msgspec.structs.replace(
        order.shipping_address, city="Halle", street=("Ring 1", "c/o X")
    )
    order = msgspec.structs.replace(order, shipping_address=moved)

    outcome = push_one(adapter, delivery(order, "order.updated", 2, link))

    assert isinstance(outcome, Accepted), outcome
    [document] = erp.bookings(REF)
    fields = document.other["fields"]
    assert (fields["shipToCity"], fields["shipToAddressLine2"]) == ("Halle", "c/o X")


# --- customers


def test_a_customer_is_made_with_his_first_order_and_found_with_the_next(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    order = simple_order(REF, customer_is_guest=False, customer_id=7)
    for number in (REF, "000000043"):
        numbered = msgspec.structs.replace(order, increment_id=number)
        assert isinstance(push_one(adapter, placed(numbered)), Accepted)

    assert [one.external for one in erp.customers()] == ["M7"]
    assert {one.customer for one in erp.documents()} == {"M7"}


def test_a_guest_is_one_customer_by_his_address(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    for number, email in ((REF, "Anna@Example.com"), ("000000043", "anna@example.com")):
        order = simple_order(number, customer_is_guest=True, customer_id=None, customer_email=email)
        assert isinstance(push_one(adapter, placed(order)), Accepted)

    [customer] = erp.customers()
    assert customer.external.startswith("G")
    assert len(customer.external) == 17
    assert customer.external == customer.external.upper()


def customer_event(payload: msgspec.Struct, kind: str, link: Link | None = None) -> Delivery:
    event = Event(
        id="main.customer.42.1",
        type=kind,
        source="/magento/main",
        subject="customer/42",
        time=datetime(2026, 3, 28, tzinfo=UTC),
        dataschema=schema_urn(CUSTOMERS.event(kind)),
        data=payload,
        sequence=1,
    )
    return Delivery(event, "CU42", link)


def test_a_customer_is_made_changed_and_emptied(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    customer = full_customer()
    first = push_one(adapter, customer_event(customer, "customer.saved"))
    renamed = msgspec.structs.replace(customer, lastname="Neu")
    push_one(adapter, customer_event(renamed, "customer.saved"))
    [saved] = erp.customers()
    erased = CustomerErased(entity_id=42)
    last = push_one(adapter, customer_event(erased, "customer.erased", link_of(first)))

    assert reference_of(first) == saved.external == "M42"
    assert (saved.name, saved.email) == (f"{customer.firstname} Neu", customer.email)
    assert isinstance(last, Accepted), last
    [gone] = erp.customers()
    assert (gone.name, gone.email, gone.addresses[0]["blocked"]) == ("erased", "", "All")
    assert [one.reference for one in adapter.probe("customers", ["CU42"])["CU42"]] == ["M42"]


# --- refunds


def refund_of(order: Order, link: Link) -> Delivery:
    refund = sample_documents.refund_of(order, order.increment_id)
    return sample_documents.delivery(refund, "refund.issued", order, link, 1, None)


def test_a_refund_of_two_rates_comes_to_what_was_given_back(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    order = sold()
    link = link_of(push_one(adapter, placed(order)))
    sent = refund_of(order, link)

    outcome = push_one(adapter, sent)
    [found] = adapter.probe("refunds", [sent.ref])[sent.ref]

    assert reference_of(outcome) == found.reference
    refund = msgspec.to_builtins(sent.event.data)
    assert found.total == Decimal(refund["grand_total"])
    assert found.tax == Decimal(refund["tax_amount"])


#: As docs/business-central.md has it.
POSTING = """
refunds:
  push:
    then:
      - as: post
        unless: =link.status != 'DRAFT'
        call:
          method: POST
          path: "='/companies(' ~ token ~ ')/salesCreditMemos(' ~ link.key ~ ')/Microsoft.NAV.post'"
        answer:
          accepted: =response.status == 204
          rejected: =response.body.error.code[:12] == 'Application_'
          code: =response.body.error.code
          message: =response.body.error.message
"""


def test_a_refund_is_posted_where_that_is_laid_over_the_pack(
    erp: ErpSimClient, tmp_path: Path
) -> None:
    with closing(made(tmp_path, erp.url, POSTING)) as adapter:
        order = sold()
        link = link_of(push_one(adapter, placed(order)))

        outcome = push_one(adapter, refund_of(order, link))

    assert isinstance(outcome, Accepted), outcome
    [refund] = [one for one in erp.documents() if one.kind == "credit_memo"]
    assert refund.state == "POSTED"


#: A field of a custom API page, in three lines.
CUSTOM = """
orders: {push: {call: {json: {salesperson: WEB}}}}
"""


def test_a_field_of_ones_own_is_three_lines_of_overlay(erp: ErpSimClient, tmp_path: Path) -> None:
    with closing(made(tmp_path, erp.url, CUSTOM)) as adapter:
        push_one(adapter, placed(simple_order(REF)))

    [document] = erp.bookings(REF)
    assert document.other["fields"]["salesperson"] == "WEB"


# --- stock and shipments


def test_the_stock_is_told_whole_over_all_pages(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    for count in range(8):
        erp.set_stock(f"SKU-{count}", count - 1)
    assert isinstance(adapter, Telling)

    rows: list[Any] = []
    page = adapter.changes("stock", None)
    rows += page.rows
    while page.next is not None:
        page = adapter.changes("stock", None, page.next)
        rows += page.rows

    assert {row.sku: row.quantity for row in rows} == {
        f"SKU-{count}": max(count - 1, 0) for count in range(8)
    }


def test_what_was_shipped_of_a_posted_order_is_told_without_the_charges(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    link = posted(adapter, erp)
    assert isinstance(adapter, Telling)

    [row] = adapter.changes("shipments", LONG_AGO).rows

    assert isinstance(row, msgspec.Struct)
    told = msgspec.to_builtins(row)
    assert told["order_reference"] == link.reference
    assert [line["sku"] for line in told["items"]] == [
        item.sku for item in simple_order(REF).sellable_items
    ]


# --- login and company


def test_a_token_that_ended_is_fetched_anew_and_the_company_is_asked_for_once(
    tmp_path: Path,
) -> None:
    with serve_in_thread(
        interface="business-central", user="app", password="secret", page_size=3
    ) as erp:
        auth = {
            "oauth2_client_credentials": {
                "token_url": f"{erp.url}/oauth2/v2.0/token",
                "client_id": "app",
                "client_secret": Secret("secret"),
                "scope": "https://api.businesscentral.dynamics.com/.default",
            }
        }
        with closing(made(tmp_path, erp.url, ONE_CUSTOMER, auth=auth)) as adapter:
            first = push_one(adapter, placed(simple_order(REF)))
            erp.expire_sessions()
            second = push_one(adapter, placed(simple_order("000000043")))

        assert isinstance(first, Accepted), first
        assert isinstance(second, Accepted), second
        asked = [one.path.partition("?")[0] for one in erp.requests()]
        assert asked.count("/api/v2/companies") == 1
        assert len(erp.documents()) == 2


def test_a_company_that_is_not_there_keeps_the_orders_waiting(
    tmp_path: Path, erp: ErpSimClient
) -> None:
    calls = overlay(tmp_path)
    calls.write_text(calls.read_text().replace("CRONUS", "NOBODY"))
    shop = ShopContext(SHOP, ZoneInfo("UTC"))
    with closing(PACK(AdapterSettings(erp.url, 5, 5, shop, calls=calls, domains=SPECS))) as adapter:
        outcome = push_one(adapter, placed(simple_order(REF)))

    assert isinstance(outcome, Retry | Misconfigured), outcome
    assert "there is no company of this name" in outcome.message


# --- the interface's own description


def test_every_field_that_is_sent_is_one_that_can_be_written(
    adapter: ErpAdapter, shared: Path
) -> None:
    """Against the fields of the pages that Microsoft publishes."""
    described = shared / "contracts" / "bc" / "api_v2_pages.json"
    if not described.is_file():
        pytest.skip(f"the description of API v2.0 is not here ({described})")
    pages = json.loads(described.read_text("utf-8"))
    assert isinstance(adapter, Previewing)
    order = sold(customer_is_guest=True, customer_id=None)
    link = Link("SO-1", key="0")
    sent = [
        *adapter.preview(placed(order)),
        *adapter.preview(delivery(order, "order.updated", 2, link)),
        *adapter.preview(refund_of(order, link)),
        *adapter.preview(customer_event(full_customer(), "customer.saved")),
    ]
    checked = set()
    for call in sent:
        name = call.request.rsplit(")/", 1)[-1].partition("(")[0].partition("?")[0]
        if call.body and name in pages:
            _are_writable(json.loads(call.body), name, pages)
            checked.add(name)
    assert checked == {"salesOrders", "salesCreditMemos", "customers"}


def _are_writable(body: dict[str, Any], name: str, pages: dict[str, Any]) -> None:
    fields = {one["name"]: one for one in pages[name]["fields"] if "name" in one}
    for key, value in body.items():
        if key in pages:
            for line in value:
                _are_writable(line, key, pages)
            continue
        assert not fields[key].get("readOnly"), f"{name}.{key}"
        length = fields[key].get("type", "").partition("[")[2].rstrip("]")
        if length and isinstance(value, str):
            assert len(value) <= int(length), f"{name}.{key}"
