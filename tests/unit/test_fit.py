"""Whatever comes from outside fits its column, or is no value: the rule of `sidecar.ledger.fit`."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.delivery.within import document, within
from sidecar.ledger import fit
from sidecar.model.errors import BadData
from sidecar.model.outcome import Accepted, Booked, BookedLine, Duplicate, Unknown

TEXTS = [("attempt", "message"), ("link", "status"), ("event", "error_code"), ("audit", "who")]
# Any character, lone surrogates and NUL too.
anything = st.text(st.characters(exclude_categories=()), max_size=300)


@given(st.sampled_from(TEXTS), anything)
@example(("link", "status"), "x" * 65)
@example(("attempt", "message"), "\x00\ud800" + "\U0001f600" * 3000)
def test_a_text_is_as_long_as_its_column_at_the_most_and_can_be_encoded(
    place: tuple[str, str], value: str
) -> None:
    fitting = fit.text(*place, value)

    assert fitting is not None
    assert len(fitting) <= (fit.columns(place[0])[place[1]].characters or fit.LONGEST_MESSAGE)
    assert "\x00" not in fitting.encode("utf-8").decode("utf-8")
    assert fit.text(*place, fitting) == fitting


def test_a_text_that_is_cut_ends_in_a_mark() -> None:
    assert fit.text("link", "status", "x" * 64) == "x" * 64
    assert fit.text("link", "status", "x" * 65) == "x" * 63 + "…"
    assert fit.text("attempt", "outcome", "ä" * 17) == "?" * 13 + "..."
    assert fit.text("link", "status", None) is None


@given(st.decimals() | st.integers())
@example(-1)
@example(5_000_000_000)
@example(Decimal("1e-99999999"))
@example(Decimal("9" * 40))
@example(Decimal("NaN"))
def test_a_number_is_kept_as_it_is_or_not_at_all(value: Decimal | int) -> None:
    for column in ("total", "line_count"):
        kept = fit.number("link", column, value)
        bounds = fit.columns("link")[column]
        assert kept is None or (kept is value and bounds.lowest <= kept <= bounds.highest)


def test_the_bounds_are_those_of_the_file_that_makes_the_tables() -> None:
    assert fit.columns("link")["status"].characters == 64
    assert fit.columns("link")["line_count"].highest == 2**32 - 1
    assert fit.columns("link")["total"].highest == Decimal("9999999999999999.9999")
    with pytest.raises(LookupError, match="no table"):
        fit.columns("nothing")


@given(anything.filter(bool))
@example("D" * 1000)
@example("SO-1\x00")
@example("SO-\ud83d")
def test_a_reference_never_becomes_another_one(reference: str) -> None:
    outcome = within(Accepted(booked=Booked(reference=reference)))

    if isinstance(outcome, Accepted):
        assert outcome.booked.reference == reference
        assert fit.whole_text("link", "reference", reference)
    else:
        assert isinstance(outcome, Unknown)
        assert reference not in outcome.message or len(reference) < 3
    duplicate = within(Duplicate(reference=reference))
    assert isinstance(duplicate, Duplicate)
    assert duplicate.reference in (reference, None)


def test_a_figure_beyond_measure_is_none_and_the_answer_says_so() -> None:
    booked = document(
        Booked(
            reference="SO-1",
            total=Decimal("9" * 40),
            tax=Decimal("NaN"),
            lines=-1,
            items=(BookedLine(price=Decimal("Infinity")),),
            unread="items: no 'sku'",
        )
    )

    assert (booked.total, booked.tax, booked.lines, booked.items) == (None, None, None, None)
    assert booked.unread == (
        "items: no 'sku'; total is beyond measure; tax is beyond measure; lines is beyond measure; "
        "items: a figure is beyond measure"
    )


def test_an_answer_without_a_reference_that_fits_is_unreadable() -> None:
    with pytest.raises(BadData, match="1000 characters"):
        document(Booked(reference="D" * 1000))
