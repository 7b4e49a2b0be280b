"""Rows of sales_order_address as values, and the checksum by which the sweep sees them change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidecar.domains.orders.columns import ADDRESS
from sidecar.domains.orders.payload import Address
from sidecar.magento.row_mark import mark_expression

BILLING = "billing"
SHIPPING = "shipping"


def marked_addresses(alias: str) -> str:
    """SQL aggregate over an order's address rows.

    An address change touches nothing but this table (facts: magento-flows, 5).
    """
    return mark_expression(alias, ADDRESS.columns)


def address(row: Sequence[Any]) -> Address:
    """A row of the columns of `ADDRESS`."""
    values = ADDRESS.values(row)
    values["street"] = tuple((values["street"] or "").splitlines())
    return Address(**values)


def no_billing_address() -> Address:
    """What stands where Magento has no billing address; `invariants` reports it."""
    return Address(entity_id=0, address_type=BILLING)
