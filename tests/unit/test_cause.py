"""Refusals put together by cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sidecar.model.cause import EXAMPLES, Refusal, causes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def refusal(
    cause: str,
    order: int,
    *,
    amount: str | None = "10.00",
    currency: str | None = "EUR",
    minutes: int = 0,
    message: str = "no",
) -> Refusal:
    return Refusal(
        cause=cause,
        domain="orders",
        entity=("order", order),
        name=f"{order:09}",
        code="E1",
        message=message,
        amount=Decimal(amount) if amount else None,
        currency=currency,
        at=NOON + timedelta(minutes=minutes),
    )


def test_the_cause_that_holds_up_most_orders_comes_first() -> None:
    found = causes([refusal("few", 1), refusal("many", 2), refusal("many", 3)])
    assert [(cause.cause, cause.documents) for cause in found] == [("many", 2), ("few", 1)]


def test_among_equals_the_oldest_comes_first() -> None:
    found = causes([refusal("young", 1, minutes=5), refusal("old", 2)])
    assert [cause.cause for cause in found] == ["old", "young"]


def test_money_is_summed_by_currency() -> None:
    (cause,) = causes(
        [
            refusal("a", 1, amount="10.10"),
            refusal("a", 2, amount="0.20"),
            refusal("a", 3, amount="5", currency="CHF"),
            refusal("a", 4, amount=None, currency=None),
        ]
    )
    assert cause.documents == 4
    assert cause.money == {"EUR": Decimal("10.30"), "CHF": Decimal("5")}


def test_an_order_with_two_refused_events_counts_once_with_its_newest_amount() -> None:
    (cause,) = causes(
        [refusal("a", 1, amount="12", minutes=9), refusal("a", 1, amount="10", minutes=1)]
    )
    assert (cause.documents, cause.money, cause.examples) == (
        1,
        {"EUR": Decimal(12)},
        ("000000001",),
    )


def test_two_stores_may_use_one_number() -> None:
    first, second = refusal("a", 1), refusal("a", 2)
    same = Refusal(
        "a",
        "orders",
        second.entity,
        first.name,
        "E1",
        "no",
        second.amount,
        second.currency,
        second.at,
    )
    (cause,) = causes([first, same])
    assert (cause.documents, cause.money) == (2, {"EUR": Decimal(20)})


def test_a_cause_tells_its_span_its_newest_message_and_its_oldest_orders() -> None:
    many = EXAMPLES + 3
    (cause,) = causes(
        refusal("a", number, minutes=number, message=f"no {number}")
        for number in range(many, 0, -1)
    )
    assert (cause.oldest, cause.newest) == (
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=many),
    )
    assert cause.message == f"no {many}"
    assert cause.examples == tuple(f"{number:09}" for number in range(1, EXAMPLES + 1))


def test_without_refusals_there_is_no_cause() -> None:
    assert causes([]) == []
