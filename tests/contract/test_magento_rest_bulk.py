"""Stock and prices in bulk: limits are learnt, and bad rows are found among good ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.errors import MagentoUnknown, NotAuthorised
from sidecar.magento.rest.prices import (
    BasePrice,
    SpecialPrice,
    TierPrice,
    base_prices_of,
    delete_special_prices,
    delete_tier_prices,
    replace_tier_prices,
    write_base_prices,
    write_special_prices,
)
from sidecar.magento.rest.stock import SourceItem, source_items_of, write_source_items
from sidecar.model.errors import BadData
from tests.contract import magento_answers as facts
from tests.contract.magento_answers import says, shop
from tests.contract.scripted_server import Received, ScriptedServer

#: 200 rows and any set of bad ones among them.
BAD_ROWS = st.sets(st.integers(0, 199), max_size=30)
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Stock:
    """Magento's source-items: a call is written whole or, with one bad source in it, not at all."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.bad: Collection[str] = ()
        self.writes: Counter[str] = Counter()
        self.sizes: list[int] = []

    def __call__(self, request: Received) -> list[bytes]:
        rows = json.loads(request.body, parse_float=Decimal)["sourceItems"]
        if self.limit is not None and len(rows) > self.limit:
            return says(400, facts.TOO_MANY_ITEMS)
        self.sizes.append(len(rows))
        if any(row["sku"] in self.bad for row in rows):
            return says(400, {"message": "Could not save Source Item"})
        self.writes.update(row["sku"] for row in rows)
        return says(200, [])


class Prices:
    """Magento's base prices: good rows are written, bad ones are told, some without their SKU."""

    def __init__(self) -> None:
        self.unknown: Collection[str] = ()
        self.unnamed: Collection[str] = ()
        self.prices: dict[str, Decimal] = {}
        self.changes: Counter[str] = Counter()
        self.calls = 0

    def __call__(self, request: Received) -> list[bytes]:
        self.calls += 1
        failed = []
        message = "Invalid attribute %fieldName = %fieldValue."
        for row in json.loads(request.body, parse_float=Decimal)["prices"]:
            sku = row["sku"]
            if sku in self.unknown:
                failed.append({"message": message, "parameters": ["SKU", sku]})
            elif sku in self.unnamed:
                failed.append({"message": message, "parameters": ["Price", "7"]})
            elif self.prices.get(sku) != row["price"]:
                self.prices[sku] = row["price"]
                self.changes[sku] += 1
        return says(200, failed)


@contextmanager
def serving(script: Any) -> Iterator[tuple[MagentoRest, ScriptedServer]]:
    with shop(script) as pair:
        yield pair


def source_items(count: int) -> list[SourceItem]:
    return [
        SourceItem(sku=f"SKU-{n}", source_code="default", quantity=Decimal(n), status=1)
        for n in range(count)
    ]


def base_prices(count: int) -> list[BasePrice]:
    return [BasePrice(sku=f"SKU-{n}", price=Decimal("9.99")) for n in range(count)]


@pytest.fixture(scope="module")
def stock() -> Iterator[tuple[MagentoRest, Stock]]:
    script = Stock()
    with serving(script) as (magento, _):
        yield magento, script


@pytest.fixture(scope="module")
def prices() -> Iterator[tuple[MagentoRest, Prices]]:
    script = Prices()
    with serving(script) as (magento, _):
        yield magento, script


@few
@given(bad=BAD_ROWS)
def test_every_bad_row_of_stock_is_found_and_each_good_one_written_once(
    stock: tuple[MagentoRest, Stock], bad: set[int]
) -> None:
    magento, script = stock
    script.bad = {f"SKU-{n}" for n in bad}
    script.writes.clear()
    refused = write_source_items(magento, source_items(200))
    assert {refusal.row.sku for refusal in refused} == script.bad
    assert {refusal.reasons for refusal in refused} <= {("Could not save Source Item",)}
    good = {f"SKU-{n}" for n in range(200)} - script.bad
    assert script.writes == Counter(dict.fromkeys(good, 1))


@few
@given(unknown=BAD_ROWS, unnamed=BAD_ROWS)
def test_every_bad_price_is_found_and_each_good_one_changes_once(
    prices: tuple[MagentoRest, Prices], unknown: set[int], unnamed: set[int]
) -> None:
    magento, script = prices
    script.unknown = {f"SKU-{n}" for n in unknown}
    script.unnamed = {f"SKU-{n}" for n in unnamed - unknown}
    script.prices.clear()
    script.changes.clear()
    refused = write_base_prices(magento, base_prices(200))
    bad = {*script.unknown, *script.unnamed}
    assert sorted(refusal.row.sku for refusal in refused) == sorted(bad)
    good = {f"SKU-{n}" for n in range(200)} - bad
    assert script.changes == Counter(dict.fromkeys(good, 1))


def test_what_the_answer_names_is_not_searched_for() -> None:
    script = Prices()
    script.unknown = {"SKU-3", "SKU-70"}
    with serving(script) as (magento, _):
        refused = write_base_prices(magento, base_prices(100))
    assert [refusal.row.sku for refusal in refused] == ["SKU-3", "SKU-70"]
    assert refused[0].reasons == ("Invalid attribute SKU = SKU-3.",)
    assert script.calls == 1


@pytest.mark.parametrize("count", [1, 20, 21, 100, 130])
def test_the_limit_of_items_is_learnt_from_the_refusal_and_remembered(count: int) -> None:
    script = Stock(limit=20)
    with serving(script) as (magento, server):
        assert write_source_items(magento, source_items(count)) == ()
        assert script.writes == Counter({f"SKU-{n}": 1 for n in range(count)})
        assert max(script.sizes) <= 20
        assert len(server.requests) - len(script.sizes) == (count > 20)
        write_source_items(magento, source_items(count))
        assert len(server.requests) - len(script.sizes) == (count > 20)


def test_a_limit_that_cannot_be_kept_refuses_the_row_and_does_not_go_on_for_ever() -> None:
    with serving(lambda _: says(400, facts.TOO_MANY_ITEMS)) as (magento, server):
        refused = write_source_items(magento, source_items(3))
        assert len(refused) == 3
        assert "Maximum items" in refused[0].reasons[0]
        assert len(server.requests) == 1


def test_a_lost_answer_ends_the_work_and_no_call_is_repeated() -> None:
    calls: list[int] = []

    def script(_: Received) -> list[bytes] | None:
        calls.append(1)
        return says(200, []) if len(calls) == 1 else None

    with serving(script) as (magento, _):
        with pytest.raises(MagentoUnknown):
            write_source_items(magento, source_items(300))
        assert len(calls) == 2


def test_a_right_that_is_missing_is_no_fault_of_the_rows() -> None:
    with serving(lambda _: says(401, facts.NO_RIGHT)) as (magento, server):
        with pytest.raises(NotAuthorised):
            write_source_items(magento, source_items(8))
        assert len(server.requests) == 1


def test_quantities_and_prices_are_the_exact_numbers() -> None:
    with serving(lambda _: says(200, [])) as (magento, server):
        items = [SourceItem(sku="A", source_code="default", quantity=Decimal("10.1000"), status=1)]
        write_source_items(magento, items)
        write_base_prices(magento, [BasePrice(sku="A", price=Decimal("1234567.123456789"))])
    assert server.requests[0].body == (
        b'{"sourceItems":[{"sku":"A","source_code":"default","quantity":10.1000,"status":1}]}'
    )
    assert server.requests[1].body == (
        b'{"prices":[{"sku":"A","price":1234567.123456789,"store_id":0}]}'
    )


def test_nothing_is_asked_for_nothing() -> None:
    with serving(lambda _: says(200, [])) as (magento, server):
        assert write_source_items(magento, []) == ()
        assert source_items_of(magento, []) == []
        assert server.requests == []


@pytest.mark.parametrize(
    "items",
    [
        [SourceItem(sku="A", source_code="d", quantity=Decimal("NaN"), status=1)],
        [SourceItem(sku="A", source_code="d", quantity=1.5, status=1)],  # type: ignore[arg-type]
        [SourceItem(sku="A", source_code="d", quantity=Decimal(1), status=2)],
        [
            SourceItem(sku="A", source_code="d", quantity=Decimal(1), status=1),
            SourceItem(sku="a", source_code="d", quantity=Decimal(2), status=1),
        ],
    ],
    ids=["no number", "a float", "an unknown status", "one row twice"],
)
def test_what_no_call_can_say_is_refused_before_anything_is_sent(
    items: Sequence[SourceItem],
) -> None:
    with serving(lambda _: says(200, [])) as (magento, server):
        with pytest.raises(BadData):
            write_source_items(magento, items)
        assert server.requests == []


def test_a_price_below_zero_is_refused_before_anything_is_sent() -> None:
    with serving(lambda _: says(200, [])) as (magento, server):
        with pytest.raises(BadData, match="price of SKU A is -1"):
            write_base_prices(magento, [BasePrice(sku="A", price=Decimal(-1))])
        assert server.requests == []


def test_a_negative_stock_is_the_caller_s_business() -> None:
    with serving(lambda _: says(200, [])) as (magento, server):
        item = SourceItem(sku="A", source_code="d", quantity=Decimal(-7), status=1)
        assert write_source_items(magento, [item]) == ()
        assert len(server.requests) == 1


def test_the_tiers_of_a_sku_are_replaced_in_one_call_whatever_the_limit() -> None:
    tiers = [
        TierPrice(sku=f"SKU-{n % 12}", price=Decimal(n + 1), quantity=Decimal(n + 2))
        for n in range(60)
    ]
    with serving(lambda _: says(200, [])) as (magento, server):
        magento.limits.items = 20
        assert replace_tier_prices(magento, tiers) == ()
    calls = [json.loads(one.body)["prices"] for one in server.requests]
    assert [one.head.split(" ")[0] for one in server.requests] == ["PUT"] * len(calls)
    assert max(map(len, calls)) <= 20
    times = Counter(sku for call in calls for sku in {row["sku"] for row in call})
    assert times == Counter({f"SKU-{n}": 1 for n in range(12)})


def test_a_tier_that_is_not_taken_tells_all_of_its_sku() -> None:
    failure = {
        "message": "No such entity with Customer Group = %customerGroup. Row ID: SKU = %SKU.",
        "parameters": {"customerGroup": "Nobody", "SKU": "B"},
    }
    tiers = [
        TierPrice(sku=sku, price=Decimal(1), quantity=Decimal(quantity))
        for sku in "AB"
        for quantity in (5, 10)
    ]
    with serving(lambda _: says(200, [failure])) as (magento, server):
        refused = replace_tier_prices(magento, tiers)
        assert len(server.requests) == 1
    assert [(one.row.sku, one.row.quantity) for one in refused] == [
        ("B", Decimal(5)),
        ("B", Decimal(10)),
    ]
    assert refused[0].reasons == ("No such entity with Customer Group = Nobody. Row ID: SKU = B.",)


def test_tiers_are_taken_away_by_all_their_fields_and_need_not_stay_together() -> None:
    tiers = [
        TierPrice(sku="A", price=Decimal(1), quantity=Decimal(quantity))
        for quantity in range(1, 31)
    ]
    with serving(lambda _: says(200, [])) as (magento, server):
        magento.limits.items = 20
        assert delete_tier_prices(magento, tiers) == ()
    assert [one.target for one in server.requests] == [
        "/rest/all/V1/products/tier-prices-delete"
    ] * 2
    assert json.loads(server.requests[0].body)["prices"][0] == {
        "sku": "A", "price": 1, "quantity": 1, "price_type": "fixed", "website_id": 0,
        "customer_group": "ALL GROUPS",
    }  # fmt: skip


def test_special_prices_are_set_and_taken_away_by_all_their_fields() -> None:
    price = SpecialPrice(
        sku="A",
        price=Decimal("7.50"),
        price_from="2026-11-01 00:00:00",
        price_to="2026-11-30 23:59:59",
    )
    with serving(lambda _: says(200, [])) as (magento, server):
        assert write_special_prices(magento, [price]) == ()
        assert delete_special_prices(magento, [price]) == ()
    assert [one.target for one in server.requests] == [
        "/rest/all/V1/products/special-price",
        "/rest/all/V1/products/special-price-delete",
    ]
    assert json.loads(server.requests[0].body)["prices"][0]["price_to"] == "2026-11-30 23:59:59"


def test_a_store_that_is_unknown_names_its_row() -> None:
    failure = {
        "message": "Requested store is not found. Row ID: SKU = C, Store ID: 99.",
        "parameters": ["C", "99"],
    }
    rows = [
        BasePrice(sku="A", price=Decimal(1)),
        BasePrice(sku="C", price=Decimal(1), store_id=99),
    ]
    with serving(lambda _: says(200, [failure])) as (magento, server):
        (refused,) = write_base_prices(magento, rows)
        assert len(server.requests) == 1
    assert refused.row.sku == "C"


def test_prices_are_read_in_calls_of_a_hundred_skus() -> None:
    def script(request: Received) -> list[bytes]:
        skus = json.loads(request.body)["skus"]
        return says(200, [{"sku": sku, "price": 9.98, "store_id": 0} for sku in skus])

    with serving(script) as (magento, server):
        found = base_prices_of(magento, [f"SKU-{n}" for n in range(250)])
        assert len(server.requests) == 3
    assert found[0] == BasePrice(sku="SKU-0", price=Decimal("9.98"), store_id=0)
    assert len(found) == 250


def test_stock_is_read_in_short_addresses_and_a_sku_with_a_comma_alone() -> None:
    def script(request: Received) -> list[bytes]:
        assert len(request.target) < 8_000
        row = {"sku": "A", "source_code": "default", "quantity": 904.0, "status": 1}
        return says(200, {"items": [row], "total_count": 1})

    skus = [f"{n}-" + "ü" * 60 for n in range(100)]
    with serving(script) as (magento, server):
        found = source_items_of(magento, ["A,B", *skus])
        assert len(server.requests) > 10
    assert found[0].quantity == Decimal("904.0")
    assert "%5Bvalue%5D=A%2CB&" in server.requests[0].target
    assert "condition_type%5D=eq" in server.requests[0].target
