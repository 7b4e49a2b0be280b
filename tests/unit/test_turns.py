"""Whose call is next: the best domain that waits, and to the others their share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.delivery.turns import CHECK, Rank, Turns

ORDERS = Rank("orders", 1, Decimal("0.1"))
REFUNDS = Rank("refunds", 2, Decimal("0.1"))
STOCK = Rank("stock", 5, Decimal("0.1"))
PRICES = Rank("prices", 5, Decimal("0.1"))


def played(turns: Turns, waiting: Iterable[Collection[Rank]]) -> list[Rank]:
    """Who made each call, where these waited for it."""
    went = []
    for ranks in waiting:
        rank = turns.next(ranks)
        turns.made(rank, ranks)
        went.append(rank)
    return went


def names(went: Iterable[Rank]) -> str:
    """The first letters of those that went."""
    return "".join(rank.name[0] for rank in went)


def test_the_most_urgent_of_those_that_wait_goes() -> None:
    assert names(played(Turns(), [[STOCK], [STOCK, ORDERS], [STOCK, REFUNDS], [STOCK]])) == "sors"


def test_what_waits_all_the_time_gets_its_share_and_no_more() -> None:
    went = Counter(names(played(Turns(), [[ORDERS, REFUNDS, STOCK]] * 1000)))

    assert went["o"] == pytest.approx(800, abs=2)
    assert went["r"] == went["s"] == pytest.approx(100, abs=1)


def test_a_domain_without_a_share_goes_when_nobody_else_waits() -> None:
    idle = Rank("idle", 9, Decimal("0.0"))

    assert names(played(Turns(), [[ORDERS, idle]] * 50)) == "o" * 50
    assert played(Turns(), [[idle]]) == [idle]


def test_an_order_that_comes_waits_for_no_call_that_others_are_owed() -> None:
    turns = Turns()
    played(turns, [[REFUNDS, STOCK]] * 10)
    assert turns.next([REFUNDS, STOCK]) == STOCK

    assert turns.next([ORDERS, REFUNDS, STOCK]) == ORDERS


def test_a_share_is_kept_where_two_others_take_turns() -> None:
    turns, went = Turns(), []
    for place in range(1000):
        # An order comes with each refund's call, so that neither ever makes two in a row.
        urgent = [ORDERS, REFUNDS] if place % 2 else [REFUNDS]
        went += played(turns, [[*urgent, STOCK]])

    assert 90 <= names(went).count("s") <= 110


def test_domains_of_one_priority_take_turns() -> None:
    assert names(played(Turns(), [[STOCK, PRICES]] * 6)) in {"spspsp", "pspsps"}


def test_shares_beyond_half_are_cut_in_proportion() -> None:
    large, small = Rank("large", 5, Decimal("0.5")), Rank("small", 6, Decimal("0.25"))

    went = Counter(names(played(Turns(), [[ORDERS, large, small]] * 1200)))

    assert went["o"] == pytest.approx(600, abs=4)
    assert went["l"] == pytest.approx(400, abs=3)
    assert went["s"] == pytest.approx(200, abs=3)


def test_a_check_goes_before_everything() -> None:
    assert names(played(Turns(), [[ORDERS, CHECK, STOCK]])) == "e"


def ranks() -> st.SearchStrategy[list[Rank]]:
    """Two to six domains, of which the first goes before all others."""
    shares = st.integers(0, 50).map(lambda percent: Decimal(percent) / 100)
    others = st.lists(st.tuples(st.integers(2, 9), shares), min_size=1, max_size=5)
    return others.map(
        lambda them: [
            ORDERS,
            *(Rank(f"{place}", priority, share) for place, (priority, share) in enumerate(them)),
        ]
    )


@given(domains=ranks(), data=st.data())
def test_whoever_waits_gets_its_share_whatever_the_others_do(
    domains: list[Rank], data: st.DataObject
) -> None:
    constant = data.draw(st.sampled_from(domains[1:]), "who waits all the time")
    beside = data.draw(st.lists(st.sets(st.sampled_from(domains)), min_size=1, max_size=20), "plan")
    calls = 400

    went = played(
        Turns(), [list({constant, *beside[place % len(beside)]}) for place in range(calls)]
    )

    promised = sum(rank.share for rank in domains[1:])
    cut = min(Decimal(1), Decimal("0.5") / promised) if promised else 0
    assert went.count(constant) >= constant.share * cut * calls - len(domains) - 1


@given(domains=ranks(), data=st.data())
def test_the_most_urgent_waits_for_one_call_of_others_at_the_most(
    domains: list[Rank], data: st.DataObject
) -> None:
    plan = data.draw(st.lists(st.sets(st.sampled_from(domains), min_size=1), max_size=300), "plan")
    turns, passed_over, waits = Turns(), 0, False
    for wanting in plan:
        # An order that came waits until it goes.
        waiting = list(wanting | {ORDERS} if waits else wanting)
        (rank,) = played(turns, [waiting])
        waits = ORDERS in waiting and rank != ORDERS
        passed_over = passed_over + 1 if waits else 0
        assert passed_over <= 1


@given(others=st.lists(st.integers(2, 9), min_size=1, max_size=4), alone=st.integers(1, 9))
def test_an_order_now_and_then_waits_for_the_call_under_way_only(
    others: list[int], alone: int
) -> None:
    """With the shares that are preset, everything else saturating."""
    saturating = [Rank(f"{place}", one, Decimal("0.1")) for place, one in enumerate(others)]
    turns = Turns()
    for _ in range(50):
        played(turns, [saturating] * (alone + 1))
        assert played(turns, [[ORDERS, *saturating]]) == [ORDERS]
