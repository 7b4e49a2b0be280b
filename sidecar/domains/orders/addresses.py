"""Rows of sales_order_address as values, and the checksum by which the sweep sees them change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sidecar.domains.orders.columns import ADDRESS
from sidecar.domains.orders.payload import Address

BILLING = "billing"
SHIPPING = "shipping"

# An address change touches nothing but this table (facts: magento-flows, 5), so the sweep needs a
# checksum that the server can compute.  QUOTE makes NULL, '' and values that moved into the next
# column differ.  Not CRC32: it is linear, so the same edit in the billing and the shipping address
# would cancel itself out in BIT_XOR.  Not SHA1 or MD5: MySQL 9.6 took them out of the server.
_DIGEST = "SHA2(CONCAT_WS(',', {columns}), 256)"
_MARK = "BIT_XOR(CAST(CONV(LEFT({digest}, 16), 16, 10) AS UNSIGNED))"


def mark_expression(alias: str) -> str:
    """SQL aggregate over an order's address rows: an unsigned 64-bit number, 0 for no row."""
    columns = ", ".join(f"QUOTE({alias}.`{column}`)" for column in ADDRESS.columns)
    return _MARK.format(digest=_DIGEST.format(columns=columns))


def address(row: Sequence[Any]) -> Address:
    """A row of the columns of `ADDRESS`."""
    values = ADDRESS.values(row)
    values["street"] = tuple((values["street"] or "").splitlines())
    return Address(**values)


def no_billing_address() -> Address:
    """What stands where Magento has no billing address; `invariants` reports it."""
    return Address(entity_id=0, address_type=BILLING)
