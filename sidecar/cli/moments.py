"""Moments and days as an operator writes them: how long ago, or when."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sidecar.model.duration import parse_duration
from sidecar.model.errors import UsageError


def day_of(option: str, text: str) -> date:
    """A day of the shop's calendar.  Raises UsageError, which names the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: no day", "write 2026-01-31") from None


def moment_of(option: str, text: str) -> datetime:
    """Aware.  Raises UsageError, which names the option."""
    try:
        return datetime.now(UTC) - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: neither a duration nor a time", "write 2d, 12h or 2026-11-24T06:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
