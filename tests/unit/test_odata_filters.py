"""The filters of OData: literals in an address, `/Date(…)/` both ways, amounts in texts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.language.expression import InvalidExpression, compile_expression
from adapters.language.filters import ExpressionError, Missing
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING

SCOPE = Scope({"x": ANYTHING})
LINES = [
    {"Amount": "0.10", "Type": "A"},
    {"Amount": "0.2", "Type": "B"},
    {"Amount": None, "Type": "A"},
    {"Amount": Decimal("-1.5"), "Type": "A"},
]


def value(source: str, x: Any = None) -> Any:
    return compile_expression(source, SCOPE)({"x": x})


def test_a_literal_stands_in_quotes_and_those_in_it_are_doubled() -> None:
    assert value("x | odata_text", "O'Neil's") == "'O''Neil''s'"
    assert value("'Ref eq ' ~ (x | odata_text)", "' or 1 eq 1 or '") == (
        "Ref eq ''' or 1 eq 1 or '''"
    )
    assert value("x | odata_text") is None


def test_a_day_is_that_of_the_shop_and_stands_at_midnight_of_utc() -> None:
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)

    assert value("x | odata_date", late) == "/Date(1774656000000)/"
    assert value("x | odata_date('Europe/Berlin')", late) == "/Date(1774742400000)/"
    assert value("x | from_odata_date", "/Date(1774742400000)/") == datetime(
        2026, 3, 29, tzinfo=UTC
    )


def test_a_time_zone_that_there_is_not_is_told_when_the_file_is_read() -> None:
    with pytest.raises(InvalidExpression, match="no time zone"):
        value("x | odata_date('Europe/Nowhere')")


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_as_it_was_to_the_millisecond(moment: datetime) -> None:
    kept = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    written = value("x | odata_datetime", moment)

    assert value("x | from_odata_date", written) == kept


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("/Date(-62135596800000)/", datetime(1, 1, 1, tzinfo=UTC)),
        ("/Date(1774742400250+0060)/", datetime(2026, 3, 29, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-29T02:00:00+02:00", datetime(2026, 3, 29, tzinfo=ZoneInfo("UTC"))),
        ("2026-03-29", datetime(2026, 3, 29, tzinfo=UTC)),
    ],
)
def test_every_way_in_which_a_time_is_told_is_read(text: str, moment: datetime) -> None:
    assert value("x | from_odata_date", text) == moment


@pytest.mark.parametrize("told", ["/Date()/", "/Date(999999999999999)/", "soon", 1774742400000])
def test_what_is_no_time_is_an_error_and_quotes_nothing(told: object) -> None:
    with pytest.raises(ExpressionError) as refused:
        value("x | from_odata_date", told)

    assert str(told) not in refused.value.message


def test_amounts_in_texts_are_added_up_exactly() -> None:
    assert value("x | odata_sum('Amount')", LINES) == Decimal("-1.20")
    assert value("x | odata_sum('Amount', Type='B')", LINES) == Decimal("0.2")
    assert value("x | odata_sum('Amount', Type='none')", LINES) == 0
    assert value("x | odata_sum('Amount')", []) == 0


def test_a_field_that_an_entry_lacks_is_never_nought() -> None:
    with pytest.raises(Missing, match="'Tax'"):
        value("x | odata_sum('Tax')", LINES)
    with pytest.raises(Missing, match="'Kind'"):
        value("x | odata_sum('Amount', Kind='A')", LINES)
