from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.duration import format_duration, parse_duration
from sidecar.settings.quantities import Rate, format_percent, parse_percent

durations = st.integers(min_value=1, max_value=36_500 * 86_400_000).map(
    lambda milliseconds: timedelta(milliseconds=milliseconds)
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        ("30m", timedelta(minutes=30)),
        ("48h", timedelta(hours=48)),
        ("400d", timedelta(days=400)),
    ],
)
def test_a_duration_is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@given(durations)
def test_a_duration_is_read_back_as_it_was_written(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    "text", [5, Decimal(5), "5", "5 s", "-5s", "1.5s", "0s", "s", "", None, True, "99999999999d"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no duration|is outside"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["120/min", "2/s", "6000/5min", "10/10s", "1/d", "7/90m"])
def test_a_rate_is_written_as_it_was_read(text: str) -> None:
    assert str(Rate.parse(text)) == text.replace("90m", "90min")


@given(
    st.integers(min_value=1, max_value=999_999_999),
    durations.filter(lambda d: d >= timedelta(seconds=1)),
)
def test_a_rate_survives_its_notation(requests: int, window: timedelta) -> None:
    rate = Rate(requests, timedelta(seconds=int(window.total_seconds())))
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("text", [120, "120", "0/s", "120/", "/min", "120/0min", "1/fortnight"])
def test_what_is_no_rate_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no rate|is outside"):
        Rate.parse(text)


@given(st.integers(min_value=0, max_value=10_000).map(lambda hundredths: Decimal(hundredths) / 100))
def test_a_percentage_is_a_fraction_and_keeps_its_notation(percent: Decimal) -> None:
    fraction = parse_percent(f"{percent}%")
    assert fraction * 100 == percent
    assert parse_percent(format_percent(fraction)) == fraction


@pytest.mark.parametrize("text", [20, Decimal("0.2"), "20", "101%", "-1%", "x%"])
def test_what_is_no_percentage_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no percentage"):
        parse_percent(text)
