"""Amounts of different currency or basis never meet in one sum."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.money import Basis, CurrencyMismatch, Money, imbalance, rounded

EUR = Money(Decimal("10.00"), "EUR", Basis.ORDER)
AMOUNTS = st.decimals(-(10**9), 10**9, places=4)


@pytest.mark.parametrize(
    "other",
    [
        Money(Decimal(1), "USD", Basis.ORDER),
        Money(Decimal(1), "EUR", Basis.BASE),
        Money(Decimal(0), "USD", Basis.BASE),
    ],
)
def test_what_does_not_belong_together_is_an_error_not_a_sum(other: Money) -> None:
    with pytest.raises(CurrencyMismatch):
        EUR + other
    with pytest.raises(CurrencyMismatch):
        EUR - other
    with pytest.raises(CurrencyMismatch):
        min(EUR, other)


def test_a_bare_number_is_no_money() -> None:
    with pytest.raises(CurrencyMismatch):
        EUR + Decimal(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        sum([EUR, EUR])  # type: ignore[list-item]


def test_the_message_names_currency_and_basis_of_both() -> None:
    with pytest.raises(CurrencyMismatch, match=r"10\.00 EUR \(order\).*1\.00 USD \(base\)"):
        EUR + Money(Decimal(1), "USD", Basis.BASE)


@given(AMOUNTS, AMOUNTS)
def test_it_adds_up_exactly(one: Decimal, other: Decimal) -> None:
    a, b = Money(one, "EUR", Basis.BASE), Money(other, "EUR", Basis.BASE)

    assert (a + b - b).amount == one
    assert (-a).amount == -one
    assert abs(a).amount == abs(one)
    assert (a < b) == (one < other)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.005", "0.01"),
        ("0.0049", "0.00"),
        ("-0.005", "-0.01"),
        ("2.675", "2.68"),
        ("1.005", "1.01"),
        ("100", "100.00"),
        ("99999999999.9950", "100000000000.00"),
    ],
)
def test_halves_are_rounded_away_from_nothing(amount: str, shown: str) -> None:
    assert str(rounded(Decimal(amount))) == shown


def test_other_currencies_have_other_places() -> None:
    assert str(rounded(Decimal("1234.5"), places=0)) == "1235"
    assert str(rounded(Decimal("1.2345"), places=3)) == "1.235"


@given(AMOUNTS)
def test_rounding_moves_an_amount_by_half_a_cent_at_the_most(amount: Decimal) -> None:
    assert abs(rounded(amount) - amount) <= Decimal("0.005")
    assert rounded(rounded(amount)) == rounded(amount)


def test_money_reads_as_an_amount_with_its_currency() -> None:
    assert str(Money(Decimal("1234.5"), "EUR", Basis.BASE)) == "1234.50 EUR"


PARTS = [("lines", Decimal("10")), ("shipping", Decimal(0)), ("adjustment", Decimal("-2.5"))]


def test_what_does_not_come_to_its_total_is_told_as_arithmetic() -> None:
    claimed = Money(Decimal("7.60"), "EUR", Basis.BASE)

    assert imbalance("base_grand_total", claimed, PARTS, Decimal("0.01")) == (
        "10.00 (lines) + 0.00 (shipping) − 2.50 (adjustment) = 7.50, "
        "but base_grand_total is 7.60: 0.10 EUR too much"
    )


@pytest.mark.parametrize(("total", "tolerance"), [("7.5049", "0"), ("7.51", "0.01")])
def test_less_than_a_cent_or_within_the_tolerance_is_no_imbalance(
    total: str, tolerance: str
) -> None:
    claimed = Money(Decimal(total), "EUR", Basis.ORDER)

    assert imbalance("grand_total", claimed, PARTS, Decimal(tolerance)) is None
