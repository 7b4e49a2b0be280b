"""One value of an answer: read right, or not at all; never as no, none or zero."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract.field import Field
from adapters.soap.lexical import Unfit, read_text

BLANKS = st.text(" \t\r\n", max_size=3)


def read(base: str, text: str, *choices: str) -> object:
    return read_text(Field("value", "text", base=base, choices=choices), text)


def padded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(BLANKS, texts, BLANKS).map("".join)


@given(padded(st.sampled_from(["true", "True", "TRUE", "1", "false", "FALSE", "False", "0"])))
def test_a_truth_value_is_read_in_any_letters(text: str) -> None:
    assert read("boolean", text) is (text.strip().lower() in ("true", "1"))


@given(st.text(min_size=1).filter(lambda one: one.strip(" \t\r\n")))
def test_any_other_text_is_no_truth_value(text: str) -> None:
    if text.strip(" \t\r\n").lower() not in ("true", "false", "0", "1"):
        with pytest.raises(Unfit):
            read("boolean", text)


@given(st.integers())
def test_whole_numbers(number: int) -> None:
    assert read("int", f" {number}\n") == number
    assert read("integer", f"{number}.000") == number


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1e12, max_value=1e12)
)
def test_numbers_are_exact(number: Decimal) -> None:
    assert read("decimal", str(number)) == number
    assert read("double", f"{number:f}") == number


@pytest.mark.parametrize(
    ("base", "text"),
    [
        ("int", "1.5"), ("int", "1e3"), ("int", "0x10"), ("int", "1_000"), ("int", "\u0661"),
        ("int", "9" * 200), ("decimal", "1.234,56"), ("decimal", "1,5"), ("decimal", "NaN"),
        ("decimal", "1e999999999"), ("decimal", "lots"), ("double", "1e9999"), ("double", "inf"),
        ("date", "29.11.2026"), ("date", "2026-02-30"), ("date", "20261129"), ("date", "0"),
        ("dateTime", "2026-11-29"), ("dateTime", "2026-11-29T25:00:00"), ("dateTime", "today"),
        ("time", "25:00:00"), ("time", "9:00"), ("duration", "P"), ("duration", "two days"),
    ],
)  # fmt: skip
def test_what_is_none_of_its_type_is_refused(base: str, text: str) -> None:
    with pytest.raises(Unfit):
        read(base, text)


@given(st.datetimes())
def test_moments(moment: datetime) -> None:
    assert read("dateTime", moment.isoformat()) == moment
    assert read("dateTime", f"{moment.isoformat()}Z") == moment.replace(tzinfo=UTC)
    assert read("dateTime", moment.isoformat(" ")) == moment


def test_moments_of_dotnet_and_mysql() -> None:
    there = timezone(timedelta(hours=2))
    told = read("dateTime", "2026-11-29T10:20:30.1234567+02:00")
    assert told == datetime(2026, 11, 29, 10, 20, 30, 123456, there)
    assert read("dateTime", "0000-00-00 00:00:00") is None
    assert read("date", "0000-00-00") is None


@given(st.dates(min_value=date(1970, 1, 1)))
def test_dates_with_their_midnight_or_zone(day: date) -> None:
    for form in ("{}", "{}Z", "{}+02:00", "{}T00:00:00", "{}T00:00:00.000Z"):
        assert read("date", form.format(day)) == day.isoformat()


def test_words_of_an_enumeration_in_other_letters() -> None:
    assert read("string", " ok ", "OK", "REFUSED") == "OK"
    assert read("string", "ok", "OK", "ok") == "ok"
    for text, choices in (("Ok", ("OK", "ok")), ("O K", ("OK",)), ("OKAY", ("OK",))):
        with pytest.raises(Unfit):
            read("string", text, *choices)


@pytest.mark.parametrize("base", ["boolean", "int", "decimal", "date", "dateTime", "string"])
def test_an_empty_element_is_none_and_nothing_else(base: str) -> None:
    assert read(base, " \n") is None
