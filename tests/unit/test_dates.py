"""Times as text: the same on every host."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.language.dates import UnknownDirective, written
from adapters.language.expression import InvalidExpression, compile_expression
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING

MOMENT = datetime(2026, 3, 5, 7, 8, 9, 123456, tzinfo=UTC)
SCOPE = Scope({"x": ANYTHING})


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/New_York"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("host_zone")
def test_the_epoch_does_not_depend_on_the_host_s_zone() -> None:
    assert written(MOMENT, "%s") == "1772694489"
    assert written(MOMENT.astimezone(timezone(timedelta(hours=9))), "%s") == "1772694489"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "2026-03-05T07:08:09Z"),
        ("%F %T", "2026-03-05 07:08:09"),
        ("%-d.%-m.%y", "5.3.26"),
        ("%z %:z", "+0000 +00:00"),
        ("100%%", "100%"),
        ("%f", "123456"),
        ("%A, %B", "Thursday, March"),
    ],
)
def test_the_usual_directives(form: str, text: str) -> None:
    assert written(MOMENT, form) == text


@pytest.mark.parametrize("form", ["%c", "%x", "%X", "%E", "%Q", "%5Y", "%_d", "%", "%-Y", "%\0"])
def test_what_the_host_decides_is_refused_when_the_file_is_read(form: str) -> None:
    with pytest.raises(UnknownDirective):
        written(MOMENT, form)
    with pytest.raises(InvalidExpression, match="directive"):
        compile_expression(f"x | date('{form}')", SCOPE)


def test_a_time_zone_and_an_algorithm_that_are_none_are_told_when_the_file_is_read() -> None:
    for source in ("x | date('%F', 'Europe/Berlni')", "x | hash('sha0')", "x | hmac(x, 'md9')"):
        with pytest.raises(InvalidExpression, match="there is no"):
            compile_expression(source, SCOPE)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_day_has_four_digits_of_a_year_in_every_century(moment: datetime) -> None:
    assert written(moment, "%F") == moment.date().isoformat()
