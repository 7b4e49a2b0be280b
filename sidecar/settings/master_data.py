"""The sections of what Magento owns and the ERP follows: customers and products.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from sidecar.settings.domain import Domain, WrittenIsEnabled
from sidecar.settings.fields import Codes, Identifier, ReferenceTemplate, Section, Switch
from sidecar.settings.quantities import Duration, Kind

CustomerField = Annotated[
    Literal[
        "email", "prefix", "firstname", "middlename", "lastname", "suffix", "dob", "gender",
        "taxvat", "group_code", "created_at", "store_code", "website_code", "addresses",
    ],
    Kind("name of a field"),
]  # fmt: skip


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
        "known by the e-mail address and website), never (nothing).",
    )
    fields: tuple[CustomerField, ...] = Field(
        default=("email", "firstname", "lastname", "group_code"),
        description="What of a customer may leave Magento; nothing else does.",
        examples=["[email, firstname, lastname, taxvat, group_code, addresses]"],
    )
    only: OnlyCustomers = Field(
        default=OnlyCustomers(), description="Which customers leave Magento."
    )


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
