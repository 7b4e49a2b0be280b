"""Magento's dates."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(value: object) -> datetime | None:
    """A date of the server, in UTC; '0000-00-00' of a migrated shop, and NULL, are none."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None
