"""A customer as one immutable value: the payload of the customer events.

Field names are Magento's (its REST API and tables); a field without a Magento namesake is marked
"ours".  What the configuration does not let leave Magento (`domains.customers.fields`) is None, or
empty, from the moment the customer was read: the ledger never holds it.  Times are UTC.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.columns import Text2, Text32, Text50, Text255


class CustomerAddress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of customer_address_entity; `street` is split into its lines as in Magento's REST API.

    Of a guest: the billing address of his newest order.
    """

    entity_id: int
    default_billing: bool = False
    default_shipping: bool = False
    prefix: Text255 | None = None
    firstname: Text255 | None = None
    middlename: Text255 | None = None
    lastname: Text255 | None = None
    suffix: Text255 | None = None
    company: Text255 | None = None
    street: tuple[Text255, ...] = ()
    city: Text255 | None = None
    postcode: Text255 | None = None
    region: Text255 | None = None
    region_id: int | None = None
    country_id: Text2 | None = None
    telephone: Text255 | None = None
    fax: Text255 | None = None
    vat_id: Text255 | None = None

    @property
    def id(self) -> int:
        """`entity_id`, as Magento's REST API calls it."""
        return self.entity_id


class Customer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of customer_entity with the address book.

    Ours: `group_code`, `website_code`, `store_code`; `is_guest`, he has no account and is known by
    the e-mail address and website of his orders. `gender`: 1 male, 2 female, 3 not specified.
    """

    entity_id: int
    is_guest: bool = False
    email: Text255 | None = None
    prefix: Text255 | None = None
    firstname: Text255 | None = None
    middlename: Text255 | None = None
    lastname: Text255 | None = None
    suffix: Text255 | None = None
    dob: str | None = None
    gender: int | None = None
    taxvat: Text50 | None = None
    group_id: int | None = None
    group_code: Text32 | None = None
    website_code: Text32 | None = None
    store_code: Text32 | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    addresses: tuple[CustomerAddress, ...] = ()

    @property
    def id(self) -> int:
        """`entity_id`, as Magento's REST API calls it."""
        return self.entity_id

    @property
    def increment_id(self) -> str:
        """`entity_id` as text: people have no other number in Magento."""
        return str(self.entity_id)


class CustomerErased(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Payload of customer.erased: nothing of the person but the id."""

    entity_id: int

    @property
    def id(self) -> int:
        """`entity_id`, as Magento's REST API calls it."""
        return self.entity_id

    @property
    def increment_id(self) -> str:
        """`entity_id` as text."""
        return str(self.entity_id)
