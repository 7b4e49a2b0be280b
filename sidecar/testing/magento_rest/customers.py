"""Customers and their address books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_rest.body import BOOL, INT, TEXT, Kind, ListOf, Record
from sidecar.testing.magento_rest.lookup import by_search
from sidecar.testing.magento_rest.refusals import bad, no_such
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import by_parent, of_parents
from sidecar.testing.magento_rest.values import Json, shown

_NOT_SHOWN = ("password_hash", "rp_token", "rp_token_created_at", "session_cutoff", "entity_id",
            "failures_num", "is_active")  # fmt: skip
_KNOWN_ADDRESS = "A customer with the same email address already exists in an associated website."
_COLUMNS = ("email", "firstname", "middlename", "lastname", "prefix", "suffix", "group_id",
            "store_id", "website_id", "taxvat", "gender", "dob")  # fmt: skip
_ADDRESS_COLUMNS = ("firstname", "middlename", "lastname", "prefix", "suffix", "company", "city",
                    "postcode", "country_id", "telephone", "fax", "vat_id",
                    "region_id")  # fmt: skip
_NOT_SHOWN_OF_BOOK = (
    "entity_id",
    "parent_id",
    "is_active",
    "created_at",
    "updated_at",
    "region",
)
_REQUIRED = {"firstname": "First Name", "lastname": "Last Name", "email": "Email"}
_GENERAL = 1


def get(call: Call) -> Json:
    """`customers/:customerId`."""
    row = _customer(call)
    return _customers(call.shop.session, [row])[0]


def create(call: Call) -> Json:
    """`customers` with POST."""
    session, given = call.shop.session, call.body["customer"]
    for column, label in _REQUIRED.items():
        if not given.get(column):
            raise bad(f'"{label}" is required. Enter and try again.')
    store_id = given.get("store_id") or call.store_id or 1
    stores = of_parents(session, "store", "store_id", [store_id])
    if not stores:
        raise bad("The store view is not in the associated website.")
    website_id = given.get("website_id") or stores[0]["website_id"]
    _check_address_is_free(session, given["email"], website_id, None)
    customer_id = call.shop.create_customer(
        given["email"],
        given["firstname"],
        given["lastname"],
        store_id,
        given.get("group_id") or _GENERAL,
        **{name: given[name] for name in ("taxvat", "prefix", "suffix", "middlename", "gender")
           if given.get(name) is not None},
    )  # fmt: skip
    for address in given.get("addresses") or ():
        _add_address(call, customer_id, address)
    return _by_id(session, customer_id)


def save(call: Call) -> Json:
    """`customers/:customerId` with PUT: what is not sent stays, and so does the address book.

    A list of addresses *is* the address book: those that are not in it are deleted.
    """
    session, given = call.shop.session, call.body["customer"]
    row = _customer(call)
    if given.get("email"):
        website_id = given.get("website_id") or row["website_id"]
        _check_address_is_free(session, given["email"], website_id, row["entity_id"])
    columns = {name: given[name] for name in _COLUMNS if given.get(name) is not None}
    call.shop.save_customer(row["entity_id"], **columns)
    if given.get("addresses") is not None:
        _replace_addresses(call, row["entity_id"], given["addresses"])
    return _by_id(session, row["entity_id"])


def delete(call: Call) -> bool:
    """`customers/:customerId` with DELETE."""
    call.shop.delete_customer(_customer(call)["entity_id"])
    return True


def _customer(call: Call) -> Row:
    customer_id = call.number("customerId")
    found = of_parents(call.shop.session, "customer_entity", "entity_id", [customer_id])
    if not found:
        raise no_such("customerId", customer_id)
    return found[0]


def _check_address_is_free(
    session: Session, email: str, website_id: int, customer_id: int | None
) -> None:
    for other in of_parents(session, "customer_entity", "email", [email]):
        if other["website_id"] == website_id and other["entity_id"] != customer_id:
            raise bad(_KNOWN_ADDRESS)


def _replace_addresses(call: Call, customer_id: int, given: Sequence[Json]) -> None:
    session = call.shop.session
    own = {row["entity_id"] for row in of_parents(
        session, "customer_address_entity", "parent_id", [customer_id])}  # fmt: skip
    kept = {address.get("id") for address in given}
    call.shop.delete_customer_addresses(customer_id, sorted(own - kept))
    for address in given:
        if address.get("id") in own:
            call.shop.save_customer_address(address["id"], **_columns(address))
        else:
            _add_address(call, customer_id, address)


def _add_address(call: Call, customer_id: int, address: Json) -> None:
    call.shop.add_customer_address(
        customer_id,
        default_billing=bool(address.get("default_billing")),
        default_shipping=bool(address.get("default_shipping")),
        **_columns(address),
    )


def _columns(address: Mapping[str, Any]) -> Row:
    columns: Row = {
        name: address[name] for name in _ADDRESS_COLUMNS if address.get(name) is not None
    }
    if address.get("street") is not None:
        columns["street"] = "\n".join(address["street"])
    region = address.get("region") or {}
    if region.get("region") is not None:
        columns["region"] = region["region"]
    return columns


def _by_id(session: Session, customer_id: int) -> Json:
    rows = of_parents(session, "customer_entity", "entity_id", [customer_id])
    return _customers(session, rows)[0]


def _customers(session: Session, rows: Sequence[Row]) -> list[Json]:
    ids = [row["entity_id"] for row in rows]
    addresses = by_parent(
        of_parents(session, "customer_address_entity", "parent_id", ids, "entity_id"), "parent_id"
    )
    return [
        {
            "id": row["entity_id"],
            **shown(row, *_NOT_SHOWN),
            "addresses": [
                _address(address, row) for address in addresses.get(row["entity_id"], [])
            ],
        }
        for row in rows
    ]


def _address(row: Row, customer: Row) -> Json:
    address = shown(row, *_NOT_SHOWN_OF_BOOK)
    address |= {
        "id": row["entity_id"],
        "customer_id": row["parent_id"],
        "street": row["street"].split("\n"),
        "region": {
            "region_code": row["region"],
            "region": row["region"],
            "region_id": row["region_id"] or 0,
        },
    }
    for default in ("default_shipping", "default_billing"):
        if customer[default] == row["entity_id"]:
            address[default] = True
    return address


_ADDRESS = Record(
    {
        **{name: INT if name == "region_id" else TEXT for name in _ADDRESS_COLUMNS},
        "id": INT,
        "customer_id": INT,
        "street": ListOf(TEXT),
        "region": Record(
            {
                "region": TEXT,
                "region_code": TEXT,
                "region_id": INT,
            },
            ignored=frozenset({"extension_attributes"}),
        ),
        "default_billing": BOOL,
        "default_shipping": BOOL,
    },
    ignored=frozenset({"custom_attributes", "extension_attributes"}),
)
_CUSTOMER = Record(
    {
        **{name: INT if name in ("group_id", "store_id", "website_id", "gender") else TEXT
           for name in _COLUMNS},
        "id": INT,
        "addresses": ListOf(_ADDRESS, "\\Magento\\Customer\\Api\\Data\\AddressInterface"),
    },
    ignored=frozenset(
        {"custom_attributes", "extension_attributes", "created_at", "updated_at", "created_in",
         "default_billing", "default_shipping", "confirmation", "disable_auto_group_change"}
    ),
)  # fmt: skip
_BODY: Mapping[str, Kind] = {
    "customer": _CUSTOMER,
    "password": TEXT,
    "passwordHash": TEXT,
    "redirectUrl": TEXT,
}
_RIGHT, _GIVEN = "Magento_Customer::manage", frozenset({"customer"})

ROUTES = (
    Route("POST", "customers", None, create, _BODY, _GIVEN),
    Route(
        "GET",
        "customers/search",
        "Magento_Customer::customer",
        by_search("customer_entity", _customers),
    ),
    Route("GET", "customers/:customerId", "Magento_Customer::customer", get),
    Route("PUT", "customers/:customerId", _RIGHT, save, _BODY, _GIVEN),
    Route("DELETE", "customers/:customerId", "Magento_Customer::delete", delete),
)
