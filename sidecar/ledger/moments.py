"""Moments as the ledger keeps them: in UTC, and without saying so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def utc(stored: datetime) -> datetime: ...
@overload
def utc(stored: datetime | None) -> datetime | None: ...
def utc(stored: datetime | None) -> datetime | None:
    """What is stored, as a moment."""
    return None if stored is None else stored.replace(tzinfo=UTC)


@overload
def naive(moment: datetime) -> datetime: ...
@overload
def naive(moment: datetime | None) -> datetime | None: ...
def naive(moment: datetime | None) -> datetime | None:
    """A moment, as it is stored."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
