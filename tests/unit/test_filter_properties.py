"""What the filters promise of every value, and not only of those that somebody thought of."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from adapters.language.expression import compile_expression
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING

SCOPE = Scope(dict.fromkeys(["x", "y"], ANYTHING))
BERLIN = ZoneInfo("Europe/Berlin")
moments = st.datetimes(
    datetime.fromisoformat("1902-01-01"),
    datetime.fromisoformat("2200-01-01"),
    timezones=st.just(UTC),
)
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40)


def value(source: str, x: Any, y: Any = None) -> Any:
    return compile_expression(source, SCOPE)({"x": x, "y": y})


@given(amounts, st.integers(0, 20))
def test_fixed_is_the_nearest_number_of_so_many_decimals_and_never_an_exponent(
    amount: Decimal, places: int
) -> None:
    try:
        text = value("x | fixed(y)", amount, places)
    except ExpressionError:
        # Beyond the digits that the language has.
        assert len(amount.as_tuple().digits) + abs(int(amount.as_tuple().exponent)) > 100
        return

    decimals = rf"\.[0-9]{{{places}}}" if places else ""
    assert re.fullmatch(f"-?[0-9]+{decimals}", text)
    step = Decimal(1).scaleb(-places)
    assert abs(Decimal(text) - amount) * 2 <= step
    exact = amount.quantize(step, context=Context(prec=300, rounding=ROUND_HALF_UP))
    assert Decimal(text) == exact
    assert not (text.startswith("-") and Decimal(text) == 0)


@given(st.text(), st.text(min_size=1, max_size=3))
def test_what_is_split_is_the_text_again_when_it_is_joined(text: str, separator: str) -> None:
    parts = value("x | split(y)", text, separator)

    assert separator.join(parts) == text
    assert all(separator not in part for part in parts)


@given(moments)
def test_an_epoch_is_the_moment_again_without_its_parts_of_a_second(moment: datetime) -> None:
    seconds = value("x | epoch", moment)

    assert type(seconds) is int
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert since == moment.replace(microsecond=0)
    assert value("x | epoch('ms') // 1000", moment) == seconds
    assert value("x | date('%s')", moment) == str(seconds)


@given(moments, st.integers(-40_000, 40_000))
def test_days_are_added_by_the_calendar_of_the_zone(moment: datetime, days: int) -> None:
    day = moment.astimezone(BERLIN).date()

    added = value("x | add_days(y, 'Europe/Berlin') | date('%F', 'Europe/Berlin')", moment, days)

    assert added == (day + timedelta(days=days)).isoformat()


@given(moments, st.integers(-40_000, 40_000))
def test_days_are_of_24_hours_where_no_zone_is_named(moment: datetime, days: int) -> None:
    assert value("x | add_days(y)", moment, days) == moment + timedelta(days=days)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.integers())))
def test_map_has_each_entrys_field_or_is_an_error(entries: list[dict[str, int]]) -> None:
    with suppress(ExpressionError):
        assert value("x | map('a')", entries) == [entry["a"] for entry in entries]
        return
    assert not all("a" in entry for entry in entries)


@given(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.lists(st.text()),
    st.sampled_from(
        ["fixed(2)", "fixed(y)", "split(y)", "epoch", "add_days(y)", "map('a')", "add_days(1, y)"]
    ),
    st.none() | st.integers() | st.text(max_size=3) | st.decimals(),
)
def test_any_value_is_taken_or_refused_and_breaks_nothing(given: Any, used: str, y: Any) -> None:
    with suppress(ExpressionError):
        value(f"x | {used}", given, y)
