"""Customers through the stand-in, line by line as a real Magento answered."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.contract.magento_rest_bench import RestBench, criteria

_numbers = count(1)
ADDRESS: dict[str, Any] = {
    "firstname": "Ada",
    "lastname": "Weiß",
    "street": ["Ring 1", "Hof"],
    "city": "Wien",
    "postcode": "1010",
    "country_id": "AT",
    "telephone": "1",
    "default_billing": True,
    "default_shipping": True,
}


@pytest.fixture
def customer(rest: RestBench) -> dict[str, Any]:
    """A new customer with two addresses."""
    given = {
        "email": f"ada{next(_numbers)}@example.com",
        "firstname": "Ada",
        "lastname": "Weiß",
        "website_id": 1,
        "store_id": 1,
        "group_id": 2,
        "addresses": [ADDRESS, {**ADDRESS, "city": "Graz", "default_billing": False}],
    }
    answer = rest.post("customers", {"customer": given})
    assert answer.status == 200, answer.text
    made: dict[str, Any] = answer.body
    return made


def cities(rest: RestBench, customer: dict[str, Any]) -> list[str]:
    shown = rest.get(f"customers/{customer['id']}").body
    return [address["city"] for address in shown["addresses"]]


def change(rest: RestBench, customer: dict[str, Any], **fields: Any) -> Any:
    body = {"customer": {"id": customer["id"], **fields}}
    return rest.put(f"customers/{customer['id']}", body)


def test_a_customer_is_made_with_addresses(rest: RestBench, customer: dict[str, Any]) -> None:
    first, second = customer["addresses"]
    assert (first["street"], first["default_billing"]) == (["Ring 1", "Hof"], True)
    assert (second["city"], second["default_shipping"]) == ("Graz", True)
    assert customer["group_id"] == 2


def test_a_known_address_is_refused_and_can_be_searched(
    rest: RestBench, customer: dict[str, Any]
) -> None:
    again = {"email": customer["email"], "firstname": "A", "lastname": "B", "website_id": 1}
    answer = rest.post("customers", {"customer": again})
    assert (answer.status, answer.message) == (
        400,
        "A customer with the same email address already exists in an associated website.",
    )
    found = rest.get(f"customers/search?{criteria('email', customer['email'])}").body
    assert [row["id"] for row in found["items"]] == [customer["id"]]


def test_without_addresses_they_stay_and_so_does_what_is_not_sent(
    rest: RestBench, customer: dict[str, Any]
) -> None:
    changed = change(rest, customer, group_id=3).body
    assert (changed["group_id"], changed["email"]) == (3, customer["email"])
    assert cities(rest, customer) == ["Wien", "Graz"]


def test_an_empty_list_deletes_all_addresses(rest: RestBench, customer: dict[str, Any]) -> None:
    assert change(rest, customer, addresses=[]).status == 200
    assert cities(rest, customer) == []


def test_addresses_that_are_not_in_the_list_go(rest: RestBench, customer: dict[str, Any]) -> None:
    kept = {**ADDRESS, "id": customer["addresses"][1]["id"], "city": "Linz"}
    change(rest, customer, addresses=[kept, {**ADDRESS, "city": "Ulm"}])
    assert cities(rest, customer) == ["Linz", "Ulm"]


def test_an_unknown_customer_is_404(rest: RestBench) -> None:
    answer = rest.put("customers/99999", {"customer": {"id": 99999, "group_id": 1}})
    assert (answer.status, answer.parameters["fieldName"]) == (404, "customerId")


def test_a_customer_is_deleted_once(rest: RestBench, customer: dict[str, Any]) -> None:
    assert rest.call("DELETE", f"customers/{customer['id']}").body is True
    assert rest.call("DELETE", f"customers/{customer['id']}").status == 404


def test_custom_attributes_are_ignored(rest: RestBench, customer: dict[str, Any]) -> None:
    attributes = [{"attribute_code": "nobody_knows", "value": 1}]
    assert change(rest, customer, custom_attributes=attributes).status == 200


def test_a_customer_of_no_store_is_refused(rest: RestBench) -> None:
    given = {"email": "y@example.com", "firstname": "Y", "lastname": "Y", "store_id": 99}
    assert rest.post("customers", {"customer": given}).status == 400


def test_a_name_is_needed(rest: RestBench) -> None:
    answer = rest.post("customers", {"customer": {"email": "x@example.com", "lastname": "X"}})
    assert answer.status == 400
    assert "First Name" in answer.message
