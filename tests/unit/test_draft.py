"""A payload in an operator's hand: what may be changed and how the change is told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_PLACED, ORDER_VANISHED
from sidecar.domains.orders.payload import Vanished
from sidecar.domains.orders.spec import SPEC
from sidecar.model.draft import Draft
from sidecar.model.errors import BadData, UsageError
from sidecar.model.event import encode_payload
from sidecar.model.json_pointer import ABSENT, Change, changes, parse, put, render
from sidecar.testing.sample_order import simple_order


def draft(event_type: str = ORDER_PLACED) -> Draft:
    payload = encode_payload(simple_order("000000042")).decode()
    return Draft("main.order.42.1", "000000042", SPEC, event_type, payload)


def document(**fields: Any) -> Any:
    return parse(draft().payload) | fields


def test_a_text_stays_a_text_and_an_amount_an_exact_number() -> None:
    edited = draft().edited(
        draft().with_values(["/billing_address/postcode=01067", "/items/0/price=11.33"])
    )
    (change,) = edited.changes
    assert (change.path, change.new) == ("/billing_address/postcode", "01067")
    assert edited.problems == ()


def test_null_takes_a_text_away() -> None:
    edited = draft().edited(draft().with_values(["/customer_email=null"]))
    assert [(change.path, change.new) for change in edited.changes] == [("/customer_email", None)]


def test_a_value_may_hold_an_equals_sign() -> None:
    edited = draft().edited(draft().with_values(["/customer_email=a=b"]))
    assert edited.changes[0].new == "a=b"


@pytest.mark.parametrize(
    "assignment", ["/grand_total", "grand_total=1", "/items/9/sku=x", "/nowhere=1", "=1"]
)
def test_an_assignment_must_name_a_place_that_is_there(assignment: str) -> None:
    with pytest.raises(UsageError):
        draft().with_values([assignment])


def test_sums_that_do_not_add_up_are_told() -> None:
    edited = draft().edited(draft().with_values(["/grand_total=1.00"]))
    assert [change.path for change in edited.changes] == ["/grand_total"]
    assert "but grand_total is 1.00" in edited.problems[0]


def test_a_cancellation_goes_whatever_the_sums_are() -> None:
    canceled = draft(ORDER_CANCELED)
    assert canceled.edited(canceled.with_values(["/grand_total=1.00"])).problems == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no JSON"),
        ("[]", "no payload of order.placed"),
        (render(document(grand_total="much")), r"\$.grand_total"),
        (render(document(customer_mail="x")), "no field /customer_mail"),
        (render(document(entity_id=43)), "which order"),
        (render(document(increment_id="000000043")), "which order"),
    ],
)
def test_a_payload_of_another_shape_or_order_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadData, match=why):
        draft().edited(text)


def test_a_misspelt_field_in_an_inner_table_is_refused_too() -> None:
    given = document()
    given["billing_address"]["postcod"] = given["billing_address"].pop("postcode")
    with pytest.raises(BadData, match="/billing_address/postcod"):
        draft().edited(render(given))


def test_what_is_left_of_a_deleted_order_can_be_edited_as_well() -> None:
    vanished = Vanished(
        entity_id=42,
        increment_id="000000042",
        state="new",
        status="pending",
        grand_total=Decimal("10.00"),
        order_currency_code="EUR",
    )
    payload = encode_payload(vanished).decode()
    gone = Draft("main.order.42.2", "000000042", SPEC, ORDER_VANISHED, payload)
    edited = gone.edited(gone.with_values(["/grand_total=12.00"]))
    assert edited.changes == (Change("/grand_total", Decimal("10.00"), Decimal("12.00")),)


def test_equal_amounts_written_differently_are_no_change() -> None:
    assert list(changes(parse('{"a": 1.50, "b": 2}'), parse('{"a": 1.5000, "b": 2.0}'))) == []


def test_what_is_added_or_taken_away_is_told_whole() -> None:
    old, new = {"lines": [{"a": 1}, {"a": 2}]}, {"lines": [{"a": 1}], "x": True}
    assert list(changes(old, new)) == [
        Change("/lines/1", {"a": 2}, ABSENT),
        Change("/x", ABSENT, True),
    ]


def test_names_with_slashes_and_tildes_are_escaped() -> None:
    document = {"a/b~c": 1}
    (change,) = changes(document, {"a/b~c": 2})
    assert change.path == "/a~1b~0c"
    put(document, change.path, "3")
    assert document == {"a/b~c": 3}
