"""A mapping against the ERP's interface description: what is named, and what is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.check import check_calls
from adapters.contract.field import ANY_VALUE, NUMBERS, Field, Members, Operation
from adapters.language.shape import ANYTHING
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.ports import ContractFinding

TEXT = frozenset({"text", "time"})


def record(name: str, *fields: Field, **more: Any) -> Field:
    alternatives = more.pop("alternatives", ())
    members = Members({field.name: field for field in fields}, alternatives)
    return Field(name, f"{name.title()}Type", load=lambda: members, **more)


LINE = record(
    "lines",
    Field("sku", "text", TEXT, required=True, longest=255),
    Field("qty", "whole number", frozenset({"whole number"})),
    Field("price", "number", NUMBERS, digits=(15, 2)),
    many=True,
)
BODY = record(
    "json",
    Field("number", "text", TEXT, required=True, longest=50),
    Field("currency", "text", TEXT, longest=3),
    Field("reference", "text", TEXT, longest=35),
    Field("channel", "text", TEXT, choices=("WEB", "SHOP")),
    Field("status", "text", TEXT, writable=False),
    Field("total", "number", NUMBERS),
    Field("amount", "Decimal (as text)", frozenset({"text"}), NUMBERS, digits=(15, 3)),
    Field("ordered", "date", frozenset({"text"})),
    Field("guest", "truth value", frozenset({"truth value"})),
    Field("contact", "text", TEXT, required=True),
    Field("extra", "anything", ANY_VALUE),
    LINE,
    record(
        "payer",
        Field("account", "text", TEXT),
        Field("iban", "text", TEXT),
        alternatives=((("account",), ("iban",)),),
    ),
    required=True,
)


class Interface:
    """One operation, POST /orders."""

    file_keys = ()

    def __init__(self, *, is_complete: bool = False) -> None:
        self.is_complete = is_complete
        self.response = ANYTHING
        call = {"method": "POST", "path": "/orders"}
        self.operations = {"POST /orders": Operation("POST /orders", call, {"json": BODY})}

    def name_of(self, call: Mapping[str, object]) -> str:
        return f"{call.get('method')} {call.get('path')}"

    def called(self, call: Mapping[str, object]) -> Operation | None:
        return self.operations.get(self.name_of(call))


FILE = """\
tables:
  carriers: {{flatrate_flatrate: DHL, tablerate_bestway: POSTE}}
  channels: {{default: WEB, german: MARKET}}
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: {path}
      json:
        number: =order.increment_id
        contact: Ada
{body}
    answer: {{accepted: =response.status == 201, reference: =response.body.number}}
"""


def check(
    folder: Path, body: str, path: str = "/orders", *, complete: bool = False
) -> list[ContractFinding]:
    file = folder / "calls.yaml"
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    file.write_text(FILE.format(body=indented, path=path), encoding="utf-8")
    interface = Interface(is_complete=complete)
    return check_calls(interface, read_document(file), file.name, SPECS)


@pytest.mark.parametrize(
    "body",
    [
        "currency: =order.order_currency_code",
        "reference: =order.increment_id | truncate(35)",
        "channel: WEB",
        "channel: \"='SHOP' if order.customer_is_guest else 'WEB'\"",
        "total: =order.grand_total",
        "ordered: =order.created_at | date('%Y-%m-%d')",
        "guest: =order.customer_is_guest",
        "extra: {whatever: [1, 2]}",
        "payer: {iban: =order.payment.po_number}",
        "lines: {$each: item in order.items, $do: {sku: A, price: =item.price | round(2)}}",
        "lines: [{sku: A, qty: 1}, {$each: item in order.items, $do: {sku: =item.sku}}]",
        "lines:\n  - $when: order.shipping_amount > 0\n    $do: {sku: SHIPPING}",
        'lines: [{sku: "=order.items[0].sku", qty: =order.items | length}]',
    ],
)
def test_nothing_is_said_of_what_fits(tmp_path: Path, body: str) -> None:
    assert check(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "severity", "id", "text"),
    [
        ("currencie: EUR", "error", "unknown-field", "did you mean 'currency'?"),
        ("status: NEW", "error", "not-writable", "'status' is given by the ERP"),
        ("reference: =order.store_name", "warning", "too-long", "35 characters, what Magento"),
        ("reference: =order.customer_note", "warning", "too-long", "may be of any length"),
        ("currency: =order.created_at", "warning", "too-long", "may have 20"),
        ("currency: EURO", "error", "too-long", "'EURO' has 4"),
        ("currency: =order.shipping_method | lookup('carriers')", "error", "too-long", "POSTE"),
        ("channel: FAX", "error", "no-choice", "there are WEB, SHOP"),
        (
            "channel: =order.store_code | lookup('channels')",
            "error",
            "no-choice",
            "cannot be 'MARKET'",
        ),
        ("total: =order.increment_id", "error", "wrong-type", "takes number, not a text"),
        ("total: '10'", "error", "wrong-type", "not a text"),
        ("number: =order.grand_total", "error", "wrong-type", "takes text, not a number"),
        ("guest: 1", "error", "wrong-type", "not a whole number"),
        ("ordered: =order.created_at", "error", "wrong-type", "takes date, not a time"),
        ("amount: =order.grand_total", "warning", "odd-type", "fits only sometimes"),
        ("amount: =order.grand_total | string", "warning", "too-exact", "takes 3 decimals"),
        ("total: {amount: 1}", "error", "wrong-type", "not a mapping"),
        ("total: [1]", "error", "wrong-type", "not a list"),
        ("payer: =order.increment_id", "error", "wrong-type", "takes PayerType, not a text"),
        ("payer: =order.billing_address", "error", "wrong-type", "a whole Address"),
        ("lines: {sku: A}", "error", "wrong-type", "a list of LinesType, not one mapping"),
        ("lines: [{qty: 1}]", "error", "missing", "'sku' is mandatory"),
        ("lines: [{sku: A, qty: =order.total_qty_ordered}]", "error", "wrong-type", "not a number"),
        ("lines: [{sku: A, price: =order.grand_total}]", "warning", "too-exact", "may have 4"),
        ("lines: [{sku: A, price: 1.255}]", "error", "too-exact", "1.255 has more"),
        ("contact: =order.coupon_code", "warning", "maybe-empty", "this may be none"),
        ("contact: null", "error", "missing", "'contact' is mandatory"),
        (
            "contact:\n  $when: order.customer_id\n  $do: Ada",
            "warning",
            "maybe-missing",
            "left out when this is false",
        ),
        ("payer: {}", "error", "missing", "one of account, iban"),
        ("payer: {account: A, iban: B}", "error", "one-of", "only one of account, iban"),
        ("total: =order.grand_totl", "error", "expression", "did you mean 'grand_total'?"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, body: str, severity: str, id: str, text: str
) -> None:
    key = body.partition(":")[0]
    file = FILE
    if key in ("number", "contact"):
        file = "\n".join(line for line in FILE.splitlines() if f"        {key}:" not in line)
    path = tmp_path / "calls.yaml"
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    path.write_text(file.format(body=indented, path="/orders"), encoding="utf-8")

    (finding,) = check_calls(Interface(), read_document(path), path.name, SPECS)

    assert (finding.severity, finding.id) == (severity, id)
    assert text in finding.text


def test_what_the_erp_called_a_document_it_takes_back(tmp_path: Path) -> None:
    assert check(tmp_path, "reference: =link.reference") == []
    (finding,) = check(tmp_path, "reference: =link.referenz")
    assert "did you mean 'reference'?" in finding.text


def test_a_secret_need_not_be_known_here(tmp_path: Path) -> None:
    assert check(tmp_path, "reference: =secret.key") == []


def test_a_finding_names_its_line_and_what_to_do(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, "reference: =order.store_name")

    assert finding.place == f"{tmp_path}/calls.yaml:13: orders.push.call.json.reference"
    assert finding.remedy.startswith("| truncate(35)")


def test_a_mandatory_field_that_no_line_fills_is_named_at_its_mapping(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    text = "\n".join(line for line in FILE.splitlines() if "contact" not in line)
    path.write_text(text.format(body="", path="/orders"), encoding="utf-8")

    (finding,) = check_calls(Interface(), read_document(path), path.name, SPECS)

    assert (finding.id, finding.remedy) == ("missing", "add contact (text)")
    assert finding.place.endswith(":10: orders.push.call.json")


def test_a_call_without_its_body_lacks_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    lines = [line for line in FILE.splitlines() if not line.startswith("        ")]
    text = "\n".join(line for line in lines if "json:" not in line)
    path.write_text(text.format(body="", path="/orders"), encoding="utf-8")

    (finding,) = check_calls(Interface(), read_document(path), path.name, SPECS)

    assert finding.text == "'json' is mandatory and not filled"


@pytest.mark.parametrize(("complete", "severity"), [(True, "error"), (False, "warning")])
def test_an_operation_that_is_not_described(tmp_path: Path, complete: bool, severity: str) -> None:
    (finding,) = check(tmp_path, "", "/order", complete=complete)

    assert (finding.severity, finding.id) == (severity, "unknown-operation")
    assert "did you mean 'POST /orders'?" in finding.text


def test_a_signature_over_the_body_is_no_finding(tmp_path: Path) -> None:
    file = tmp_path / "calls.yaml"
    signed = '/orders\n      query: {sign: "=body | hmac(secret.key)"}'
    file.write_text(FILE.format(body="", path=signed), encoding="utf-8")
    interface = Interface()
    query = record("query", Field("sign", "text", TEXT))
    [operation] = interface.operations.values()
    operation.parts["query"] = query  # type: ignore[index]

    assert check_calls(interface, read_document(file), file.name, SPECS) == []
