"""How long an ERP asks us to wait is understood in whichever way it says so, and has an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.waits import MOST, wait_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def asked(given: object) -> float | None:
    return wait_of(given, NOW.timestamp)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("0", 0),
        (30, 30),
        (Decimal("0.25"), 0.25),
        (str(int(NOW.timestamp()) + 90), 90),
        (str((int(NOW.timestamp()) + 90) * 1000), 90),
        (int(NOW.timestamp()) - 90, 0),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        ("2026-11-29T12:01:00Z", 60),
        ("2026-11-29T13:01:00+01:00", 60),
        ("9" * 400, MOST),
        ("99999999999999999999", MOST),
        ("1e50", MOST),
        (Decimal("1e90"), MOST),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MOST),
    ],
)
def test_a_wait_is_read_in_seconds_as_a_moment_and_as_a_date(given: object, seconds: float) -> None:
    assert asked(given) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "given",
    [
        None,
        True,
        "",
        "soon",
        "-5",
        -5,
        "1e400",
        "1_000",
        "١٢",
        "NaN",
        "Infinity",
        "5\r\nX: 1",
        [],
        {},
        "Mon, 99 Foo 2026",
        "0x10",
    ],
)
def test_what_says_nothing_is_no_wait(given: object) -> None:
    assert asked(given) is None


@given(st.one_of(st.text(max_size=500), st.integers(), st.decimals(), st.datetimes(), st.none()))
def test_whatever_is_asked_the_wait_is_none_or_within_bounds(given: object) -> None:
    try:
        found = asked(given)
    except ArithmeticError:
        # A signalling NaN: no adapter hands one on (adapters.numbers).
        assert isinstance(given, Decimal)
        return
    assert found is None or 0 <= found <= MOST
