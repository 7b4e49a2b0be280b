"""Rows of Magento's tables as values of a customer's payload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sidecar.domains.customers.needs import ADDRESS_COLUMNS
from sidecar.domains.customers.payload import CustomerAddress


def address_of(
    row: Mapping[str, Any], *, default_billing: bool = False, default_shipping: bool = False
) -> CustomerAddress:
    """A row with the columns `ADDRESS_COLUMNS`."""
    values = {name: row[name] for name in ADDRESS_COLUMNS}
    street = tuple((values["street"] or "").splitlines())
    return CustomerAddress(
        **values | {"street": street},
        default_billing=default_billing,
        default_shipping=default_shipping,
    )


def day(value: object) -> str | None:
    """A day, of a column of days or of moments, as Magento's REST API writes it."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else None
