"""A month is the shop's own: by its clocks, at its ends, and when they are put forward."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sidecar.model.calendar import Period, PostingCalendar, period_of
from sidecar.model.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment", "period"),
    [
        ("Europe/Berlin", "2026-11-30 22:59:59", "2026-11"),
        ("Europe/Berlin", "2026-11-30 23:00:00", "2026-12"),
        # In summer time midnight is an hour earlier, and the month in which it begins has both.
        ("Europe/Berlin", "2026-03-31 21:59:59", "2026-03"),
        ("Europe/Berlin", "2026-03-31 22:00:00", "2026-04"),
        ("Europe/Berlin", "2026-02-28 23:00:00", "2026-03"),
        ("Europe/Berlin", "2026-10-31 22:59:59", "2026-10"),
        ("Europe/Berlin", "2026-10-31 23:00:00", "2026-11"),
        ("Europe/Berlin", "2026-12-31 23:00:00", "2027-01"),
        ("Europe/Berlin", "2028-02-29 22:59:59", "2028-02"),
        ("America/New_York", "2026-12-01 04:59:59", "2026-11"),
        ("Pacific/Kiritimati", "2026-11-30 10:00:00", "2026-12"),
        ("UTC", "2026-11-30 23:59:59", "2026-11"),
    ],
)
def test_a_moment_is_in_the_month_of_the_shops_clocks(zone: str, moment: str, period: str) -> None:
    assert str(period_of(utc(moment), ZoneInfo(zone))) == period


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("2026-03", "2026-02-28 23:00:00"),
        ("2026-04", "2026-03-31 22:00:00"),
        ("2026-11", "2026-10-31 23:00:00"),
        ("2027-01", "2026-12-31 23:00:00"),
    ],
)
def test_a_month_begins_at_the_shops_midnight(name: str, begins: str) -> None:
    assert Period.named(name).begins(BERLIN) == utc(begins)


def test_a_month_whose_midnight_is_skipped_begins_the_moment_after() -> None:
    # Asunción went from 23:59:59 on 30 September 2017 to 01:00:00 on 1 October.
    begins = Period.named("2017-10").begins(ZoneInfo("America/Asuncion"))
    assert begins == utc("2017-10-01 04:00:00")
    assert (begins.day, begins.hour) == (1, 1)


def test_what_is_closed_moves_to_the_first_day_that_is_open() -> None:
    calendar = PostingCalendar(BERLIN, {"2026-11", "2026-12"})
    assert calendar.moved(utc("2026-11-15 12:00:00")) == utc("2026-12-31 23:00:00")
    assert calendar.moved(utc("2026-10-31 22:59:59")) is None
    assert calendar.closed_period_of(utc("2026-10-31 23:00:00")) == "2026-11"


@pytest.mark.parametrize("text", ["2026-13", "2026-0", "2026", "11-2026", "2026-11-01", "0000-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Period.named(text)
