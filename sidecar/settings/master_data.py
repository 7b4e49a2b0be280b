"""The sections of what Magento owns and the ERP follows: customers and products.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from sidecar.settings.domain import Domain, WrittenIsEnabled
from sidecar.settings.fields import (
    Codes,
    Identifier,
    ReferenceTemplate,
    Section,
    Switch,
    Text,
    contradiction,
)
from sidecar.settings.quantities import Duration, Kind

CustomerField = Annotated[
    Literal[
        "email", "prefix", "firstname", "middlename", "lastname", "suffix", "dob", "gender",
        "taxvat", "group_code", "created_at", "store_code", "website_code", "addresses",
    ],
    Kind("name of a field"),
]  # fmt: skip


#: All that `fields` may name.
FIELDS: tuple[str, ...] = get_args(get_args(CustomerField)[0])


class OnlyCustomers(Section):
    """Which customers leave Magento."""

    groups: Codes = Field(
        default=(),
        description="Codes of customer groups; none: all.",
        examples=["[General, Wholesale]"],
    )
    consent: Identifier | None = Field(
        default=None,
        description="Code of a customer attribute that must be true; null: no consent is asked for",
        examples=["privacy_accepted"],
    )


class Customers(Domain, WrittenIsEnabled):
    """Customers, from Magento to the ERP."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["magento"] = Field(
        default="magento", description="Magento: only its word goes this way."
    )
    ref: ReferenceTemplate = Field(
        default="CU{entity_id}",
        description="The external reference: what the ERP calls a customer of ours.",
    )
    every: Duration = Field(
        default=timedelta(minutes=5),
        description="The shortest time between two sendings. What comes alone is sent at "
        "once; what comes within this time after it goes together.",
    )
    guests: Literal["one_time", "catch_all", "create", "never"] = Field(
        default="never",
        description="What a guest's order makes of the guest: one_time (an account of its own in "
        "the ERP, for each order), catch_all (one account for all guests), create (a customer, "
        "known by the e-mail address and website), never (nothing). Expressions of an order have "
        "the account as order.guest_account.",
    )
    guest_account: Text | None = Field(
        default=None,
        description="The ERP's account for all guests, with guests: catch_all.",
        examples=["K-GUESTS"],
    )
    fields: tuple[CustomerField, ...] = Field(
        default=("email", "firstname", "lastname", "group_code"),
        description="What of a customer may leave Magento; nothing else does.",
        examples=["[email, firstname, lastname, taxvat, group_code, addresses]"],
    )
    only: OnlyCustomers = Field(
        default=OnlyCustomers(), description="Which customers leave Magento."
    )

    @model_validator(mode="after")
    def _catch_all_has_an_account(self) -> Customers:
        if self.guests == "catch_all" and self.guest_account is None:
            raise contradiction("is missing: the account for all guests", "guest_account")
        if self.guests != "catch_all" and self.guest_account is not None:
            raise contradiction("is used with guests: catch_all only", "guest_account")
        return self

    @property
    def withheld(self) -> frozenset[str]:
        """The fields that may not leave Magento."""
        return frozenset(FIELDS) - frozenset(self.fields)


class Products(Domain, WrittenIsEnabled):
    """Products, from Magento to the ERP."""

    enabled: Switch = Field(default=False, description="Whether this domain runs.")
    owner: Literal["magento"] = Field(
        default="magento", description="Magento: only its word goes this way."
    )
    ref: ReferenceTemplate = Field(
        default="PD{entity_id}",
        description="The external reference: what the ERP calls a product of ours.",
    )
    attributes: Codes = Field(
        default=(),
        description="Codes of further attributes that go along, beside name, status, visibility, "
        "price, weight, tax class and URL key.",
        examples=["[color, manufacturer, ean]"],
    )
